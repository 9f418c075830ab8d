"""Fields: what the deviations of a scan say about each cell of the CAD surface.

Sums run over the points in their order, on one thread, in float64: the same scan gives the same bits
whatever the number of threads.  Finding the cell of each point, which is the dear part, runs on all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from appliance.core.kernels import CHUNK_POINTS, in_order, kernel, worker_count
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
_AHEAD: Final = 16


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
    sizes = list(_over_slices(lambda part: count_members(triangle[part], place), len(xyz_mm)))
    starts = np.cumsum([0, *sizes])
    cell, value = np.empty(starts[-1], dtype=np.int32), np.empty(starts[-1])

    def fill(part: slice) -> None:
        own, found = _in_slice(cells, surface, xyz_mm, triangle, part)
        start = starts[part.start // _SLICE]
        cell[start : start + len(own)], value[start : start + len(own)] = found, value_mm[part][own]

    for _ in _over_slices(fill, len(xyz_mm)):
        pass
    on = cell >= 0
    return (cell, value) if on.all() else (cell[on], value[on])  # some lie on triangles that the zone's box cuts


def _in_slice(
    cells: SurfaceCells, surface: Surface, xyz_mm: Float64, triangle: Int32, part: slice
) -> tuple[Int64, Int32]:
    """The points of a slice, counted from its start, whose foot lies on a triangle of the zone, and their cells."""
    own = members_of(triangle[part], cells.pieces.place)
    of_own = triangle[part][own]
    return own, cells.lookup(surface.foot_points(xyz_mm[part][own], Feet(np.empty(0), of_own)), of_own)


def _over_slices(work: Callable[[slice], R], count: int) -> Iterator[R]:
    """``work`` on slices of all points, in their order; at most ``_AHEAD`` outcomes wait for the caller."""
    slices = (slice(start, min(start + _SLICE, count)) for start in range(0, count, _SLICE))
    return in_order(work, slices, threads=worker_count(), ahead=_AHEAD)


def field_of(cells: SurfaceCells, cell_of_point: Int32, value_mm: Float64) -> CellField:
    """Gather ``value_mm`` (n,) by ``cell_of_point`` (n,).  Points without a cell (-1) or a value (NaN) are skipped."""
    sums = _Sums(len(cells))
    sums.add(cell_of_point, value_mm)
    return sums.field(cells)


def field_over_points(
    cells: SurfaceCells, surface: Surface, xyz_mm: Float64, triangle: Int32, value_mm: Float64
) -> CellField:
    """As ``field_of`` the outcome of ``values_on``, of which no more than some slices exist at a time."""
    sums = _Sums(len(cells))

    def find(part: slice) -> tuple[Int32, Float64]:
        own, found = _in_slice(cells, surface, xyz_mm, triangle, part)
        return found, value_mm[part][own]

    for found in _over_slices(find, len(xyz_mm)):
        sums.add(*found)
    return sums.field(cells)


class _Sums:
    """What the points of each cell add up to: number, sums about the first value, extremes."""

    def __init__(self, size: int) -> None:
        self._count = np.zeros(size, dtype=np.int64)
        self._first, self._sum, self._square = np.full(size, np.nan), np.zeros(size), np.zeros(size)
        self._low, self._high = np.full(size, np.nan), np.full(size, np.nan)

    def add(self, cell: Int32, value_mm: Float64) -> None:
        gather(cell, value_mm, self._count, self._first, self._sum, self._square, self._low, self._high)

    def field(self, cells: SurfaceCells) -> CellField:
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = self._first + self._sum / self._count
            variance = (self._square - np.square(self._sum) / self._count) / (self._count - 1)
            sd = np.where(self._count > 1, np.sqrt(np.maximum(variance, 0.0)), np.nan)
        return CellField(cells, self._count, mean, sd, self._low, self._high)


@kernel
def gather(
    cell: Int32, value: Float64, count: Int64, first: Float64, total: Float64, square: Float64, low: Float64,
    high: Float64,
) -> None:  # fmt: skip
    """Add points to their cells.  Sums run about the first value of each cell, so that the spread does not cancel."""
    for n in range(len(cell)):
        c = cell[n]
        if c < 0 or np.isnan(value[n]):
            continue
        if count[c] == 0:
            first[c] = low[c] = high[c] = value[n]
        count[c] += 1
        offset = value[n] - first[c]
        total[c] += offset
        square[c] += offset * offset
        low[c] = min(low[c], value[n])
        high[c] = max(high[c], value[n])
