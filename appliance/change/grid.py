"""A scan laid out in blocks of cells: points of a cell side by side, so that a ball or a cylinder reads runs of memory.

Blocks are found by a hash, their 64 cells by counting: what is empty costs a look-up a block, not one a cell.

Coordinates inside are in mm from the lower corner of the scan: a part 100 m from the origin loses nothing.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from appliance.core.bounds import bounds_of
from appliance.core.kernels import inline_kernel, kernel
from appliance.deviation.voxels import VOXELS_PER_AXIS, Voxels, voxels_of
from appliance.errors import InvalidInput

Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]

#: Cells along each side of a block.
CELLS: Final = 4
#: Half the diagonal of a cell of side 1, with room for rounding: no cell that is touched is passed over.
HALF_DIAGONAL: Final = 0.866026
_ALL: Final = np.empty(0, dtype=np.uint16)


class Grid(NamedTuple):
    """The points of a scan in the order of their blocks, those of a block in the order of its 4 x 4 x 4 cells.

    Attributes
    ----------
    xyz : float64 (n, 3), mm from ``lower``
    begin : int32 (64 b + 1,), cell ``c`` of block ``k`` holds ``xyz[begin[64 k + c] : begin[64 k + c + 1]]``
    corner : int32 (b, 3), the place of each block, in blocks
    slots, number : the table that finds a block's number (``deviation.voxels``)
    lower : float64 (3,), mm, the corner that blocks are counted from
    side : of a block, mm
    """

    xyz: Float64
    begin: Int32
    corner: Int32
    slots: Int64
    number: Int32
    lower: Float64
    side: float


def checked_points(xyz_mm: Float64, name: str) -> Float64:
    """Points as float64 (n, 3) in C order.

    Raises
    ------
    InvalidInput : there are none, the shape is another, or a coordinate is not finite
    """
    points = np.ascontiguousarray(xyz_mm, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 3 or not len(points):
        raise InvalidInput("change.points", f"The {name} holds no points (n, 3) to compare.")
    if not np.isfinite(bounds_of(points)).all():
        raise InvalidInput("change.points", f"The {name} holds coordinates that are not finite.")
    return points


def voxels(points: Float64, side: float) -> tuple[Voxels, Int32, Float64, float]:
    """Voxels, the one of each point, the corner they are counted from, and their side where ``side`` is too fine."""
    lower, upper = bounds_of(points)
    side = max(side, float((upper - lower).max()) / (VOXELS_PER_AXIS - 2))
    voxel = np.empty(len(points), dtype=np.int32)
    return voxels_of(points, _ALL, 0, lower, side, voxel), voxel, lower, side


def grid_of(points: Float64, cell_mm: float) -> Grid:
    """Lay out checked points float64 (n, 3), mm, in cells of ``cell_mm``.

    Memory: 24 bytes a point for the copy, 4 more while it is made, 270 bytes a block.
    """
    occupied, voxel, lower, side = voxels(points, CELLS * cell_mm)
    mask = VOXELS_PER_AXIS - 1
    corner = np.stack((occupied.key >> 42, (occupied.key >> 21) & mask, occupied.key & mask), axis=1).astype(np.int32)
    begin = np.zeros(CELLS**3 * len(corner) + 1, dtype=np.int32)
    xyz = np.empty_like(points)
    _lay_out(points, voxel, corner, lower, side, begin, xyz)
    return Grid(xyz, begin, corner, occupied.slots, occupied.number, lower, side)


@inline_kernel
def _cell(point: Float64, corner: Int32, lower: Float64, side: float) -> int:
    """Which cell of its block a point lies in."""
    cell = 0
    for axis in range(3):
        place = int(CELLS * ((point[axis] - lower[axis]) / side - corner[axis]))
        cell = CELLS * cell + min(max(place, 0), CELLS - 1)
    return cell


@kernel
def _lay_out(
    points: Float64, block: Int32, corner: Int32, lower: Float64, side: float, begin: Int32, xyz: Float64
) -> None:
    """Count the points of each cell, then put every point where its cell begins, in their order."""
    for n in range(len(points)):
        begin[CELLS**3 * block[n] + _cell(points[n], corner[block[n]], lower, side) + 1] += 1
    for c in range(1, len(begin)):
        begin[c] += begin[c - 1]
    place = begin.copy()
    for n in range(len(points)):
        cell = CELLS**3 * block[n] + _cell(points[n], corner[block[n]], lower, side)
        for axis in range(3):
            xyz[place[cell], axis] = points[n, axis] - lower[axis]
        place[cell] += 1
