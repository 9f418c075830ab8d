"""What an inspection leaves beside its report: the working set and the deviation cloud."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np

from appliance.core.files import sha256_of_file
from appliance.inspections.records import LAZ, PLY, TILES, Inspection
from appliance.inspections.steps import Steps
from appliance.inspections.zones import Measured
from appliance.qc.records import CharacteristicSet
from appliance.scans.export.colours import colours_of_deviation
from appliance.scans.export.laz import write_laz
from appliance.scans.export.ply import write_ply
from appliance.scans.records import PointCloud
from appliance.scans.tiles.writer import write_tiles

FIELD: Final = "field.npz"


def write_clouds(
    folder: Path, measured: Measured, cloud: PointCloud, plan: CharacteristicSet, steps: Steps
) -> dict[str, str]:
    """Write tiles, LAZ and coloured PLY, all in the part frame, into ``folder``; their SHA-256 by name."""
    deviation = measured.deviations.deviation_mm
    # PLY first: it waits for the disk while others compute; LAZ last: it fills all threads to the end
    with steps.step("deviation PLY") as progress:
        colours = colours_of_deviation(deviation, span_mm=colour_span_mm(plan))
        hashes = {PLY: write_ply(folder / PLY, measured.xyz_mm, colours, deviation_mm=deviation, progress=progress)}
    hashes |= write_tiles_of(folder, measured, cloud, steps)
    with steps.step("deviation LAZ") as progress:
        write_laz(
            folder / LAZ, measured.xyz_mm, deviation_mm=deviation,
            intensity=cloud.intensity, rgb=cloud.rgb, progress=progress,
        )  # fmt: skip
    return hashes | {LAZ: sha256_of_file(folder / LAZ)}


def write_tiles_of(folder: Path, measured: Measured, cloud: PointCloud, steps: Steps) -> dict[str, str]:
    """Write the working set, points with their deviations as tiles, into ``folder``; its SHA-256 by name."""
    attributes: dict[str, np.ndarray[Any, Any]] = {
        "deviation_mm": measured.deviations.deviation_mm,
        "station": cloud.station,
    }
    if cloud.intensity is not None:
        attributes["intensity"] = cloud.intensity
    if cloud.rgb is not None:
        attributes["rgb"] = cloud.rgb
    with steps.step("tiles") as progress:
        write_tiles(folder / TILES, measured.xyz_mm, attributes, progress=progress)
    return {TILES: sha256_of_file(folder / TILES)}


def write_field(folder: Path, inspection: Inspection) -> dict[str, str]:
    """Write the deviation field on the CAD surface into ``folder``; its SHA-256 by name.

    A NumPy archive: ``cell_mm``, and for each cell ``count``, ``mean_mm``, ``sd_mm``, ``minimum_mm``, ``maximum_mm``,
    ``area_mm2``, ``centre_mm`` (c, 3), ``triangle``.  Cells depend on the CAD revision alone: two scans of one
    revision have the same.
    """
    field, cells = inspection.field, inspection.field.cells
    columns: dict[str, Any] = {
        "cell_mm": np.float64(cells.cell_mm), "count": field.count, "mean_mm": field.mean_mm, "sd_mm": field.sd_mm,
        "minimum_mm": field.minimum_mm, "maximum_mm": field.maximum_mm, "area_mm2": cells.area_mm2,
        "centre_mm": cells.centre_mm, "triangle": cells.triangle,
    }  # fmt: skip
    with (folder / FIELD).open("wb") as file:
        np.savez_compressed(file, **columns)
    return {FIELD: sha256_of_file(folder / FIELD)}


def colour_span_mm(plan: CharacteristicSet) -> float:
    """Half the colour scale: the widest limit of the plan."""
    limits = [abs(x) for item in plan.characteristics for x in (item.lower_mm, item.upper_mm) if x]
    return max(limits, default=plan.cap_mm)
