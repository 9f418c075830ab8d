"""Fields: what the deviations of a scan say about each cell of the CAD surface.

Sums run over the points in their order, on one thread, in float64: the same scan gives the same bits
whatever the number of threads.  Finding the cell of each point, which is the dear part, runs on all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.core.kernels import CHUNK_POINTS, kernel, worker_count
from appliance.deviation.cells import SurfaceCells
from appliance.mesh.records import Feet
from appliance.mesh.surface import Surface

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


def locate(
    cells: SurfaceCells,
    surface: Surface,
    xyz_mm: Float64,
    triangle: Int32,
    progress: Callable[[float], None] | None = None,
) -> Int32:
    """Cell int32 (n,) that the foot of each point lies on; -1 outside the zone.

    Parameters
    ----------
    xyz_mm : float64 (n, 3), part frame
    triangle : int32 (n,), triangle of the foot (``Deviations.compatible_triangle``), -1 for none

    Feet are computed slice by slice and never kept: 4 bytes a point.
    """
    cell = np.full(len(xyz_mm), -1, dtype=np.int32)
    in_zone = np.append(cells.pieces.place >= 0, False)

    def locate_slice(start: int) -> None:
        own = start + np.flatnonzero(in_zone[triangle[start : start + _SLICE]])
        if len(own):
            of_own = triangle[own]
            cell[own] = cells.lookup(surface.foot_points(xyz_mm[own], Feet(np.empty(0), of_own)), of_own)

    # a pool of its own: a slice is one chunk for the kernels, which then run on the thread that asks
    with ThreadPoolExecutor(worker_count()) as pool:
        for done, _ in enumerate(pool.map(locate_slice, range(0, len(xyz_mm), _SLICE)), start=1):
            if progress:
                progress(min(1.0, done * _SLICE / len(xyz_mm)))
    return cell


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
