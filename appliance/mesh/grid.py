"""A sparse grid over the surface: each cell lists the triangles within reach of it.

A triangle is listed in every cell whose box, grown by ``reach`` on all sides, it may touch.  So for
a point in a cell, whatever is not listed lies farther than reach + the distance to the cell's wall:
a listed triangle that is nearer than that is the closest of all, and the list alone proves it.

Cells are kept in blocks of 4 x 4 x 4.  Only blocks that the surface passes through exist; a table
over all blocks of the bounding box says where each is.  Where that table would grow beyond
``MOST_BLOCKS`` the cells grow instead.
"""

from __future__ import annotations

from math import sqrt
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from appliance.core.kernels import inline_kernel, kernel, over_chunks
from appliance.mesh.frames import Floats, Ints

Longs = npt.NDArray[np.int64]

#: Blocks in the table, at most (4 bytes each).
MOST_BLOCKS: Final = 1 << 24
#: Edge of a cell in mean triangle edges (root of the mean area): speed is level between 1.5 and 3.5.
CELL_EDGES: Final = 2.5
#: Cells below this share of the reach hold hardly less, and cost a list each.
LEAST_REACHES: Final = 2.0
#: Triangles whose cells are found in one task.
_TASK: Final = 16_384
#: What rounding may add to a distance of a cell, relative to the size of the grid.
_ROUNDING: Final = 1e-12


class Grid(NamedTuple):
    """The grid.

    ``lower`` float64 (3,), its corner; ``size`` edge of a cell, mm; ``reach`` mm; ``blocks`` int64 (3,), their number
    per axis; ``table`` int32, block to its number or -1; ``begin`` int64 (64 blocks + 1,), where the list of each cell
    begins in ``entries`` int32, triangles in rising order.
    """

    lower: Floats
    size: float
    reach: float
    blocks: Longs
    table: Ints
    begin: Longs
    entries: Ints


@inline_kernel
def code_of(x: int, y: int, z: int, blocks: Longs) -> int:
    """Block * 64 + place in the block of the cell (x, y, z)."""
    block = ((x >> 2) * blocks[1] + (y >> 2)) * blocks[2] + (z >> 2)
    code: int = (block << 6) | ((x & 3) << 4) | ((y & 3) << 2) | (z & 3)
    return code


@inline_kernel
def _reach_of(frames: Floats, t: int, along: float, across: float) -> float:
    """Half the width, per unit of half edge, of a cube along the direction ``along`` u + ``across`` w."""
    total = 0.0
    for axis in range(3):
        total += abs(along * frames[t, 3 + axis] + across * frames[t, 6 + axis])
    return total


@kernel
def _cells_of(
    frames: Floats, lower: Floats, size: float, reach: float, blocks: Longs, start: int, stop: int,
    codes: Longs, owners: Ints,
) -> int:  # fmt: skip
    """Write (cell code, triangle) for triangles start to stop; returns how many, which may exceed the room."""
    found = 0
    half = 0.5 * size + reach
    first, last = np.empty(3, np.int64), np.empty(3, np.int64)
    for t in range(start, stop):
        length, a, b = frames[t, 12], frames[t, 13], frames[t, 14]
        for axis in range(3):
            o, u, w = frames[t, axis], frames[t, 3 + axis], frames[t, 6 + axis]
            p, q = o + length * u, o + a * u + b * w
            first[axis] = max(0, int((min(o, p, q) - reach - lower[axis]) / size))
            last[axis] = min(4 * blocks[axis] - 1, int((max(o, p, q) + reach - lower[axis]) / size))
        left, right = sqrt(a * a + b * b), sqrt((length - a) * (length - a) + b * b)
        plane = half * (abs(frames[t, 9]) + abs(frames[t, 10]) + abs(frames[t, 11]))
        under = half * _reach_of(frames, t, 0.0, 1.0)
        beside = half * _reach_of(frames, t, -b, a)
        beyond = half * _reach_of(frames, t, b, length - a)
        slack = _ROUNDING * (length + size) * (left + right + 1.0)
        for x in range(first[0], last[0] + 1):
            dx = lower[0] + (x + 0.5) * size - frames[t, 0]
            for y in range(first[1], last[1] + 1):
                dy = lower[1] + (y + 0.5) * size - frames[t, 1]
                for z in range(first[2], last[2] + 1):
                    dz = lower[2] + (z + 0.5) * size - frames[t, 2]
                    if abs(dx * frames[t, 9] + dy * frames[t, 10] + dz * frames[t, 11]) > plane + slack:
                        continue
                    u = dx * frames[t, 3] + dy * frames[t, 4] + dz * frames[t, 5]
                    w = dx * frames[t, 6] + dy * frames[t, 7] + dz * frames[t, 8]
                    if w < -under - slack or a * w - b * u > beside + slack:
                        continue
                    if b * (u - length) + (length - a) * w > beyond + slack:
                        continue
                    if found < len(codes):
                        codes[found] = code_of(x, y, z, blocks)
                        owners[found] = t
                    found += 1
    return found


@kernel
def _number_blocks(codes: Longs, table: Ints, used: int) -> int:
    """Give every block that occurs in ``codes`` a number, and turn codes into numbers of cells."""
    for i in range(len(codes)):
        block = codes[i] >> 6
        if table[block] < 0:
            table[block] = used
            used += 1
        codes[i] = (np.int64(table[block]) << 6) | (codes[i] & 63)
    return used


@kernel
def _count(cells: Longs, begin: Longs) -> None:
    for i in range(len(cells)):
        begin[cells[i] + 1] += 1


@kernel
def _sum_up(begin: Longs) -> None:
    for i in range(len(begin) - 1):
        begin[i + 1] += begin[i]


@kernel
def _scatter(cells: Longs, owners: Ints, place: Longs, entries: Ints) -> None:
    for i in range(len(cells)):
        entries[place[cells[i]]] = owners[i]
        place[cells[i]] += 1


def cell_size(areas: Floats, extent: Floats, reach: float) -> float:
    """Edge of a cell: some mean triangle edges, large enough for the table of blocks."""
    size = max(CELL_EDGES * sqrt(float(areas.sum()) / len(areas)), LEAST_REACHES * reach)
    while float(np.prod(np.floor((extent + 2 * reach) / (4 * size)) + 1)) > MOST_BLOCKS:
        size *= 1.25
    return size


def build_grid(frames: Floats, areas: Floats, lower: Floats, upper: Floats, reach: float) -> Grid:
    """The grid over all triangles, whose vertices lie between ``lower`` and ``upper``."""
    size = cell_size(areas, upper - lower, reach)
    corner = lower - reach
    blocks = (np.floor((upper - lower + 2 * reach) / (4 * size)) + 1).astype(np.int64)

    def work(start: int, stop: int) -> tuple[Longs, Ints]:
        room = 16 * (stop - start)
        while True:
            codes, owners = np.empty(room, np.int64), np.empty(room, np.int32)
            found = _cells_of(frames, corner, size, reach, blocks, start, stop, codes, owners)
            if found <= room:
                return codes[:found], owners[:found]
            room = found

    parts = over_chunks(len(frames), work, chunk=_TASK)
    table = np.full(int(blocks.prod()), -1, np.int32)
    used = 0
    for codes, _ in parts:
        used = _number_blocks(codes, table, used)
    begin = np.zeros(64 * used + 1, np.int64)
    for codes, _ in parts:
        _count(codes, begin)
    _sum_up(begin)
    place, entries = begin[:-1].copy(), np.empty(int(begin[-1]), np.int32)
    for codes, owners in parts:
        _scatter(codes, owners, place, entries)
    return Grid(corner, size, reach, blocks, table, begin, entries)
