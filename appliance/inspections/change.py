"""Two scan files in, their change out: read, registered if asked, compared, written beside result.json."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from appliance.alignment import rigid
from appliance.change.compare import CELL_RADII, compare_scans
from appliance.change.cores import spacing_mm, suited_scales, thinned_cores
from appliance.change.grid import checked_points, grid_of, writable
from appliance.change.normals import normals_of
from appliance.change.records import Change, Scales
from appliance.change.registration import Registration, register
from appliance.core.canonical import canonical_bytes
from appliance.core.files import sha256_of_file, write_whole
from appliance.inspections.engine import engine_version
from appliance.inspections.result import plain, scan_table
from appliance.inspections.steps import NoWatcher, Steps, Watcher
from appliance.scans.export.colours import colours_of_deviation
from appliance.scans.export.laz import write_laz
from appliance.scans.export.ply import write_ply
from appliance.scans.reading import read_scan
from appliance.scans.records import PointCloud

Float64 = npt.NDArray[np.float64]

FORMAT: Final = "d2r-change/1"
RESULT: Final = "result.json"
LAZ: Final = "change.laz"
PLY: Final = "change.ply"
ARRAYS: Final = "change.npz"
#: What a comparison writes into its folder.
FILES: Final = (LAZ, PLY, ARRAYS, RESULT)
#: Half the colour scale: this share of all changes lies within it.
_SPAN_PERCENT: Final = 98.0
_PERCENTS: Final = (1, 5, 25, 50, 75, 95, 99)
_UP: Final = np.array([0.0, 0.0, 1.0])


@dataclass(frozen=True)
class ChangeRequest:
    """Which scans are compared, and how.

    What is None is chosen to suit how dense the coarser scan is.  ``cores`` are a file of points or a distance in mm;
    ``register`` fits the second scan to the first; ``upwards`` makes change positive upwards whatever the scans say.
    Units are None where the default of the format holds.
    """

    first: Path
    second: Path
    cores: Path | float | None = None
    normal_mm: tuple[float, ...] = ()
    radius_mm: float | None = None
    half_length_mm: float | None = None
    registration_mm: float = 0.0
    register: bool = False
    robust: bool = False
    upwards: bool = False
    first_unit: str | None = None
    second_unit: str | None = None


def change_of_files(request: ChangeRequest, folder: Path, watcher: Watcher | None = None) -> dict[str, Any]:
    """Compare two scan files and write ``FILES`` into ``folder``; returns result.json's content.

    Raises
    ------
    InvalidInput : a file cannot be used, or the scans have nothing to compare
    Unavailable : the folder is not writable
    """
    for name in FILES:
        (folder / name).unlink(missing_ok=True)  # a folder never holds parts of two comparisons
    steps = Steps(watcher or NoWatcher())
    with steps.step("read first scan") as progress:
        first = read_scan(request.first, unit=request.first_unit, progress=progress)
    with steps.step("read second scan") as progress:
        second = read_scan(request.second, unit=request.second_unit, progress=progress)
    one, two = checked_points(first.xyz_mm, "first scan"), checked_points(second.xyz_mm, "second scan")
    with steps.step("scales"):
        spacing = max(spacing_mm(one), spacing_mm(two))
        scales = chosen_scales(request, spacing)
        cores, towards, rule = _cores(request, first, scales)
    registration = None
    if request.register:
        with steps.step("registration"):
            registration = _registered(one, two, cores, towards, scales)
            two = rigid.apply_in_place(registration.first_from_second, two)
            scales = replace(scales, registration_mm=scales.registration_mm + registration.residual_mm)
    with steps.step("change") as progress:
        change = compare_scans(one, two, cores, scales, towards=towards, progress=progress)
    result: dict[str, Any] = {
        "format": FORMAT, "engine": engine_version(),
        "first": {"name": request.first.name, **scan_table(first, sha256_of_file(request.first))},
        "second": {"name": request.second.name, **scan_table(second, sha256_of_file(request.second))},
        "spacing_mm": spacing, "scales": _scales_table(scales), "positive": rule,
        "registration": None if registration is None else _registration_table(registration),
        "change": change_table(change),
    }  # fmt: skip
    with steps.step("write"):
        result["hashes"] = _written(folder, change)
    result["timings_s"] = {name: round(seconds, 3) for name, seconds in steps.seconds.items()}
    write_whole(folder / RESULT, canonical_bytes(plain(result)))
    return result


def chosen_scales(request: ChangeRequest, spacing: float) -> Scales:
    """The scales that were asked for, and for the others those that suit ``spacing`` mm."""
    suited = suited_scales(spacing)
    radius = request.radius_mm if request.radius_mm is not None else suited.radius_mm
    return Scales(
        request.normal_mm or suited.normal_mm,
        radius,
        request.half_length_mm if request.half_length_mm is not None else suited.half_length_mm,
        request.registration_mm,
        request.robust,
    )


def _cores(request: ChangeRequest, first: PointCloud, scales: Scales) -> tuple[Float64, Float64, str]:
    """Core points, the positive side of each, and in words which side that is."""
    if isinstance(request.cores, Path):
        cores = read_scan(request.cores, unit=request.first_unit).xyz_mm
        nearest = cKDTree(first.xyz_mm).query(cores)[1] if not request.upwards else np.zeros(len(cores), np.int64)
    else:
        nearest = thinned_cores(first.xyz_mm, scales.radius_mm if request.cores is None else request.cores)
        cores = first.xyz_mm[nearest]
    positions = [station.position_mm for station in first.summary.stations]
    if request.upwards:
        return cores, np.broadcast_to(_UP, cores.shape), "upwards"
    if first.normals is not None:
        return cores, first.normals[nearest].astype(np.float64), "out of the material"
    if positions and all(position is not None for position in positions):
        return cores, np.array(positions, dtype=np.float64)[first.station[nearest]] - cores, "towards the scanner"
    return cores, np.broadcast_to(_UP, cores.shape), "upwards"


def _registered(one: Float64, two: Float64, cores: Float64, towards: Float64, scales: Scales) -> Registration:
    grid = grid_of(one, CELL_RADII * scales.radius_mm)
    normals, _ = normals_of(grid, cores, writable(towards), scales.normal_mm)
    return register(one, two, cores, normals, scales)


def _scales_table(scales: Scales) -> dict[str, Any]:
    return {
        "normal_mm": list(scales.normal_mm), "radius_mm": scales.radius_mm, "half_length_mm": scales.half_length_mm,
        "registration_mm": scales.registration_mm, "robust": scales.robust,
    }  # fmt: skip


def _registration_table(found: Registration) -> dict[str, Any]:
    return {
        "first_from_second": found.first_from_second.tolist(), "residual_mm": found.residual_mm,
        "cores_used": found.cores_used, "open_freedoms": found.open_freedoms, "at_rest": found.at_rest,
    }  # fmt: skip


def change_table(change: Change) -> dict[str, Any]:
    """The change as result.json shows it, mm; null where nothing was compared."""
    known = ~np.isnan(change.distance_mm)
    distance, lod = change.distance_mm[known], change.lod_mm[~np.isnan(change.lod_mm)]
    significant = change.distance_mm[change.significant]
    return {
        "cores": len(change.cores_mm),
        "compared": len(distance),
        "without_normal": int(np.isnan(change.normal[:, 0]).sum()),
        "with_level": len(lod),
        "significant": len(significant),
        "significant_gain": int((significant > 0.0).sum()),
        "significant_loss": int((significant < 0.0).sum()),
        "lod_median_mm": float(np.median(lod)) if len(lod) else None,
        "extent_mm": np.ptp(change.cores_mm, axis=0).tolist(),
        "distance_mm": _figures(distance),
        "significant_distance_mm": _figures(significant),
    }


def _figures(distance: Float64) -> dict[str, float | None]:
    """How changes are spread, mm; null where there is none."""
    if not len(distance):
        return dict.fromkeys(("mean", "min", "max", *(f"p{rank}" for rank in _PERCENTS)))
    ranks = {f"p{rank}": float(np.percentile(distance, rank)) for rank in _PERCENTS}
    return {"mean": float(distance.mean()), "min": float(distance.min()), "max": float(distance.max()), **ranks}


def _written(folder: Path, change: Change) -> dict[str, str]:
    """Write the core points with their change; SHA-256 by name of the file."""
    known = change.distance_mm[~np.isnan(change.distance_mm)]
    span = float(np.percentile(np.abs(known), _SPAN_PERCENT)) if len(known) else 0.0
    colours = colours_of_deviation(change.distance_mm, span_mm=span or 1.0)
    write_laz(folder / LAZ, change.cores_mm, deviation_mm=change.distance_mm, rgb=colours)
    hashes = {PLY: write_ply(folder / PLY, change.cores_mm, colours, deviation_mm=change.distance_mm)}
    with (folder / ARRAYS).open("wb") as file:
        np.savez_compressed(
            file, cores_mm=change.cores_mm, normal=change.normal, normal_mm=change.normal_mm,
            distance_mm=change.distance_mm, spread_mm=change.spread_mm, count=change.count, lod_mm=change.lod_mm,
            significant=change.significant,
        )  # fmt: skip
    return hashes | {name: sha256_of_file(folder / name) for name in (LAZ, ARRAYS)}
