"""Compare two scans of one thing, point cloud with point cloud (M3C2).

At each core point a cylinder along the surface's normal collects the points of either scan; the change is the
difference of their mean places along it.  It is significant beyond the level of detection

    LOD = 1.96 sqrt(s1^2 / n1 + s2^2 / n2) + reg

Source: Lague, Brodu & Leroux, Accurate 3D comparison of complex topography with terrestrial laser scanner, ISPRS
Journal of Photogrammetry and Remote Sensing 82 (2013), 10-26, doi:10.1016/j.isprsjprs.2013.04.009.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.change.cylinders import measure
from appliance.change.grid import Grid, checked_points, grid_of
from appliance.change.normals import CHUNK_CORES, normals_of
from appliance.change.records import Change, Scales
from appliance.core.kernels import over_chunks

Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]

#: Two-sided normal quantile of 95 %.
LOD_QUANTILE: Final = 1.96
#: Fewer points in a cylinder than this say nothing of its spread: the level of detection is unknown.
LEAST_POINTS: Final = 5
#: Side of a cell in radii of the cylinder.
CELL_RADII: Final = 0.75


def compare_scans(
    first_mm: Float64,
    second_mm: Float64,
    cores_mm: Float64,
    scales: Scales,
    *,
    towards: Float64,
    normals: Float64 | None = None,
    progress: Callable[[float], None] | None = None,
) -> Change:
    """Change from the first scan to the second at core points.

    Parameters
    ----------
    first_mm, second_mm : float64 (n, 3), mm, in one frame
    cores_mm : float64 (m, 3), mm, on the first scan
    towards : float64 (m, 3) or (3,), a direction on the side of each core point where change is positive
    normals : float64 (m, 3), unit, in place of those that the first scan's points fix
    progress : receives the fraction done

    Memory: 28 bytes a point of the larger scan, as the scans are laid out one after the other.

    Raises
    ------
    InvalidInput : there are no points, or coordinates that are not finite
    """
    tell = progress or (lambda _: None)
    first, second = checked_points(first_mm, "first scan"), checked_points(second_mm, "second scan")
    cores = checked_points(cores_mm, "set of core points")
    cell_mm = CELL_RADII * scales.radius_mm
    grid = grid_of(first, cell_mm)
    tell(0.1)
    if normals is None:
        sides = np.ascontiguousarray(np.broadcast_to(towards, cores.shape), dtype=np.float64)
        normals, normal_mm = normals_of(grid, cores, sides, scales.normal_mm)
    else:
        normals = np.ascontiguousarray(normals, dtype=np.float64)
        normal_mm = np.full(len(cores), np.nan)
    tell(0.4)
    place_one, spread_one, count_one = measured(grid, cores, normals, scales, lambda part: tell(0.4 + 0.25 * part))
    grid = grid_of(second, cell_mm)
    place_two, spread_two, count_two = measured(grid, cores, normals, scales, lambda part: tell(0.75 + 0.25 * part))
    spread, count = np.stack((spread_one, spread_two), axis=1), np.stack((count_one, count_two), axis=1)
    distance, lod = place_two - place_one, level_of_detection(spread, count, scales.registration_mm)
    with np.errstate(invalid="ignore"):
        significant = np.abs(distance) > lod
    tell(1.0)
    return Change(cores, normals, normal_mm, distance, spread, count, lod, significant)


def measured(
    grid: Grid, cores: Float64, normals: Float64, scales: Scales, tell: Callable[[float], None] | None = None
) -> tuple[Float64, Float64, Int32]:
    """Place and spread float64 (m,), mm, and count int32 (m,) of a scan's points in the cylinder of each core point."""
    place, spread, count = np.empty(len(cores)), np.empty(len(cores)), np.empty(len(cores), dtype=np.int32)

    def work(a: int, b: int) -> None:
        measure(
            grid, cores[a:b], normals[a:b], scales.radius_mm, scales.half_length_mm, scales.robust,
            place[a:b], spread[a:b], count[a:b],
        )  # fmt: skip

    over_chunks(len(cores), work, chunk=CHUNK_CORES, progress=tell)
    return place, spread, count


def level_of_detection(spread_mm: Float64, count: Int32, registration_mm: float) -> Float64:
    """Level of detection float64 (m,), mm, from spread and count (m, 2); NaN below ``LEAST_POINTS`` in either scan."""
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.square(spread_mm) / count
        lod = LOD_QUANTILE * np.sqrt(variance[:, 0] + variance[:, 1]) + registration_mm
    return np.where((count >= LEAST_POINTS).all(axis=1), lod, np.nan)
