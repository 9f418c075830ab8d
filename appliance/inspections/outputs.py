"""What an inspection leaves beside its report: the working set and the deviation cloud."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np

from appliance.core.files import sha256_of_file
from appliance.inspections.steps import Steps
from appliance.inspections.zones import Measured
from appliance.qc.records import CharacteristicSet
from appliance.scans.export.colours import colours_of_deviation
from appliance.scans.export.laz import write_laz
from appliance.scans.export.ply import write_ply
from appliance.scans.records import PointCloud
from appliance.scans.tiles.writer import write_tiles

TILES: Final = "points.d2rt"
LAZ: Final = "deviation.laz"
PLY: Final = "deviation.ply"
CLOUDS: Final = (LAZ, PLY, TILES)


def write_clouds(
    folder: Path, measured: Measured, cloud: PointCloud, plan: CharacteristicSet, steps: Steps
) -> dict[str, str]:
    """Write tiles, LAZ and coloured PLY, all in the part frame, into ``folder``; their SHA-256 by name."""
    deviation = measured.deviations.deviation_mm
    attributes: dict[str, np.ndarray[Any, Any]] = {"deviation_mm": deviation, "station": cloud.station}
    if cloud.intensity is not None:
        attributes["intensity"] = cloud.intensity
    if cloud.rgb is not None:
        attributes["rgb"] = cloud.rgb
    with steps.step("tiles") as progress:
        write_tiles(folder / TILES, measured.xyz_mm, attributes, progress=progress)
    with steps.step("deviation LAZ") as progress:
        write_laz(
            folder / LAZ, measured.xyz_mm, deviation_mm=deviation,
            intensity=cloud.intensity, rgb=cloud.rgb, progress=progress,
        )  # fmt: skip
    with steps.step("deviation PLY") as progress:
        colours = colours_of_deviation(deviation, span_mm=colour_span_mm(plan))
        write_ply(folder / PLY, measured.xyz_mm, colours, deviation_mm=deviation, progress=progress)
    return {name: sha256_of_file(folder / name) for name in CLOUDS}


def colour_span_mm(plan: CharacteristicSet) -> float:
    """Half the colour scale: the widest limit of the plan."""
    limits = [abs(x) for item in plan.characteristics for x in (item.lower_mm, item.upper_mm) if x]
    return max(limits, default=plan.cap_mm)
