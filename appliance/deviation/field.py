"""Fields: what the deviations of a scan say about each cell of the CAD surface.

Sums run over the points in their order, on one thread, in float64: the same scan gives the same bits
whatever the number of threads.  Finding the cell of each point, which is the dear part, runs on all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from appliance.core.kernels import CHUNK_POINTS, kernel, worker_count
from appliance.deviation.cells import SurfaceCells
from appliance.deviation.clipping import count_members, members_of
from appliance.mesh.records import Feet
from appliance.mesh.surface import Surface

R = TypeVar("R")
Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]

#: Points whose feet exist at the same time on a thread: they stay in the cache.
_SLICE: Final = CHUNK_POINTS


@dataclass(frozen=True)
class CellField:
    """Statistics of the points of each cell.

    Attributes
    ----------
    cells : the cells that the figures stand on
    count : int64 (c,), points with a value
    mean_mm, minimum_mm, maximum_mm : float64 (c,), NaN where ``count`` is 0
    sd_mm : float64 (c,), standard deviation of the points (divisor n - 1), NaN where ``count`` is below 2
    """

    cells: SurfaceCells
    count: Int64
    mean_mm: Float64
    sd_mm: Float64
    minimum_mm: Float64
    maximum_mm: Float64


def values_on(
    cells: SurfaceCells, surface: Surface, xyz_mm: Float64, triangle: Int32, value_mm: Float64
) -> tuple[Int32, Float64]:
    """The points whose foot lies on a cell, in their order: cell int32 (k,) and value float64 (k,).

    Parameters
    ----------
    xyz_mm : float64 (n, 3), part frame
    triangle : int32 (n,), triangle of the foot (``Deviations.compatible_triangle``), -1 for none
    value_mm : float64 (n,)

    Feet are computed slice by slice and never kept: 12 bytes for each point of the zone.
    """
    place = cells.pieces.place
    sizes = _over_slices(lambda part: count_members(triangle[part], place), len(xyz_mm))
    starts = np.cumsum([0, *sizes])
    cell, value = np.empty(starts[-1], dtype=np.int32), np.empty(starts[-1])

    def fill(part: slice) -> None:
        own, found = _in_slice(cells, surface, xyz_mm, triangle, part)
        start = starts[part.start // _SLICE]
        cell[start : start + len(own)], value[start : start + len(own)] = found, value_mm[part][own]

    _over_slices(fill, len(xyz_mm))
    on = cell >= 0
    return (cell, value) if on.all() else (cell[on], value[on])  # some lie on triangles that the zone's box cuts


def _in_slice(
    cells: SurfaceCells, surface: Surface, xyz_mm: Float64, triangle: Int32, part: slice
) -> tuple[Int64, Int32]:
    """The points of a slice, counted from its start, whose foot lies on a triangle of the zone, and their cells."""
    own = members_of(triangle[part], cells.pieces.place)
    of_own = triangle[part][own]
    return own, cells.lookup(surface.foot_points(xyz_mm[part][own], Feet(np.empty(0), of_own)), of_own)


def _over_slices(work: Callable[[slice], R], count: int) -> list[R]:
    """``work`` on slices of all points, in their order; a slice is one chunk for kernels, which run where it does."""
    # a pool of its own: its threads wait for none of the kernels'
    with ThreadPoolExecutor(worker_count()) as pool:
        return list(pool.map(work, [slice(n, min(n + _SLICE, count)) for n in range(0, count, _SLICE)]))


def field_of(cells: SurfaceCells, cell_of_point: Int32, value_mm: Float64) -> CellField:
    """Gather ``value_mm`` (n,) by ``cell_of_point`` (n,).  Points without a cell (-1) or a value (NaN) are skipped."""
    size = len(cells)
    count = np.zeros(size, dtype=np.int64)
    mean, square = np.zeros(size), np.zeros(size)
    low, high = np.full(size, np.nan), np.full(size, np.nan)
    gather(cell_of_point, value_mm, count, mean, square, low, high)
    return CellField(cells, count, mean, square, low, high)


@kernel
def gather(cell: Int32, value: Float64, count: Int64, mean: Float64, sd: Float64, low: Float64, high: Float64) -> None:
    """Count, mean, spread and extremes of every cell: two passes, so that the spread does not cancel."""
    for n in range(len(cell)):
        c = cell[n]
        if c < 0 or np.isnan(value[n]):
            continue
        if count[c] == 0:
            low[c] = high[c] = value[n]
        count[c] += 1
        mean[c] += value[n]
        low[c] = min(low[c], value[n])
        high[c] = max(high[c], value[n])
    for c in range(len(count)):
        mean[c] = mean[c] / count[c] if count[c] > 0 else np.nan
    for n in range(len(cell)):
        c = cell[n]
        if c >= 0 and not np.isnan(value[n]):
            sd[c] += (value[n] - mean[c]) ** 2
    for c in range(len(count)):
        sd[c] = np.sqrt(sd[c] / (count[c] - 1)) if count[c] > 1 else np.nan
