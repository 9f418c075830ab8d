"""Closest feet of points: by the list of their cell where that proves the answer, else by the tree.

Points are taken in the order of their cells.  The list of a cell is laid out once for up to ``BATCH``
of its points, and each point measures only the triangles that a screen in single precision leaves
(``appliance.mesh.screen``); squared distance and triangle are then known, and the sign follows once per point.
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.core.kernels import inline_kernel, kernel, over_chunks
from appliance.mesh.frames import Floats, Ints, distance2, foot_on
from appliance.mesh.grid import Grid, Longs, code_of
from appliance.mesh.screen import ROWS, WIDTH, Singles, closest_on_screen, lay_out
from appliance.mesh.sign import signed_distance
from appliance.mesh.topology import Shape
from appliance.mesh.tree import STACK, Tree, closest_in_tree

Order = npt.NDArray[np.uint32]

#: Points of one cell for which its list is laid out once.
BATCH: Final = 64
#: Points that are ordered at a time: it bounds the extra memory (8 bytes each).
BLOCK: Final = 1 << 22
_TASK: Final = 16_384
#: What is taken off the distance that a cell proves, relative to cell and reach: far above rounding.
_DOUBT: Final = 1e-9


@kernel
def _cells_of_points(grid: Grid, centre: Floats, points: Floats, outside: int, cells: Ints) -> None:
    """The cell of each point; ``outside`` where it lies in none that lists a triangle."""
    nx, ny, nz = 4 * grid.blocks[0], 4 * grid.blocks[1], 4 * grid.blocks[2]
    for i in range(len(points)):
        x = (points[i, 0] - centre[0] - grid.lower[0]) / grid.size
        y = (points[i, 1] - centre[1] - grid.lower[1]) / grid.size
        z = (points[i, 2] - centre[2] - grid.lower[2]) / grid.size
        cells[i] = outside
        if x >= 0.0 and y >= 0.0 and z >= 0.0 and x < nx and y < ny and z < nz:
            code = code_of(int(x), int(y), int(z), grid.blocks)
            block = grid.table[code >> 6]
            if block >= 0:
                cell = (block << 6) | (code & 63)
                if grid.begin[cell + 1] > grid.begin[cell]:
                    cells[i] = cell


@kernel
def _order_by_cell(cells: Ints, cell_count: int) -> tuple[Order, Order]:
    """Points in the order of their cells, those of one cell in their own order, and where each cell ends there."""
    place = np.zeros(cell_count + 2, np.uint32)
    for i in range(len(cells)):
        place[cells[i] + 1] += 1
    for i in range(cell_count + 1):
        place[i + 1] += place[i]
    order = np.empty(len(cells), np.uint32)
    for i in range(len(cells)):
        order[place[cells[i]]] = i
        place[cells[i]] += 1
    return order, place


@inline_kernel
def _middle(grid: Grid, x: float, y: float, z: float) -> tuple[float, float, float]:
    """The middle of the cell that holds a point."""
    u, v, w = (x - grid.lower[0]) / grid.size, (y - grid.lower[1]) / grid.size, (z - grid.lower[2]) / grid.size
    return (
        grid.lower[0] + (int(u) + 0.5) * grid.size,
        grid.lower[1] + (int(v) + 0.5) * grid.size,
        grid.lower[2] + (int(w) + 0.5) * grid.size,
    )


@inline_kernel
def _in_list(
    frames: Floats, grid: Grid, cell: int, batch: Floats, count: int, best: Floats, found: Longs,
    screen: Singles, lows: Singles,
) -> None:  # fmt: skip
    """Fill ``best`` (squared) and ``found`` of ``count`` points of one cell from its list."""
    middle = _middle(grid, batch[0, 0], batch[0, 1], batch[0, 2])
    extent, bits = grid.size + grid.reach, lows.view(np.int32)
    first, last = grid.begin[cell], grid.begin[cell + 1]
    while first < last:
        entries = grid.entries[first : min(first + WIDTH, last)]
        lay_out(frames, entries, middle, extent, screen)
        for j in range(count):
            p = (batch[j, 0], batch[j, 1], batch[j, 2])
            best[j], found[j] = closest_on_screen(
                frames, entries, screen, middle, extent, p, best[j], found[j], lows, bits
            )  # fmt: skip
        first += WIDTH


@inline_kernel
def _proven(grid: Grid, x: float, y: float, z: float) -> float:
    """Up to which distance the list of a point's cell is complete."""
    u, v, w = (x - grid.lower[0]) / grid.size, (y - grid.lower[1]) / grid.size, (z - grid.lower[2]) / grid.size
    u, v, w = u - int(u), v - int(v), w - int(w)
    wall = min(min(u, 1.0 - u), min(v, 1.0 - v), min(w, 1.0 - w)) * grid.size
    proven: float = wall + grid.reach - _DOUBT * (grid.size + grid.reach)
    return proven


@inline_kernel
def _gathered(points: Floats, centre: Floats, order: Order, start: int, stop: int) -> Floats:
    """Points order[start:stop] about the centre, side by side: fetched together, they wait for memory together."""
    near = np.empty((stop - start, 3))
    for k in range(stop - start):
        i = order[start + k]
        for axis in range(3):
            near[k, axis] = points[i, axis] - centre[axis]
    return near


@kernel
def _feet(
    shape: Shape, grid: Grid, tree: Tree, centre: Floats, points: Floats, order: Order, ends: Order,
    start: int, stop: int, distance: Floats, triangle: Ints,
) -> None:  # fmt: skip
    """Fill ``distance`` and ``triangle`` of the points order[start:stop]; cell c ends there at ``ends[c]``."""
    near = _gathered(points, centre, order, start, stop)
    away, owner = np.empty(stop - start), np.empty(stop - start, np.int32)
    stack = np.empty(STACK, np.int32)
    screen, lows = np.empty((ROWS, WIDTH), np.float32), np.empty(WIDTH, np.float32)
    best, found = np.empty(BATCH), np.empty(BATCH, np.int64)
    outside = len(grid.begin) - 1
    hint, at, begin = 0, 0, start
    cell = int(np.searchsorted(ends, start, side="right"))
    while start < stop:
        while ends[cell] <= start:
            cell += 1
        count = min(BATCH, stop - start, int(ends[cell]) - start)
        batch = near[at : at + count]
        for j in range(count):
            best[j], found[j] = np.inf, -1
        if cell < outside:
            _in_list(shape.frames, grid, cell, batch, count, best, found, screen, lows)
        for j in range(count):
            px, py, pz = batch[j, 0], batch[j, 1], batch[j, 2]
            away[at + j], owner[at + j] = np.nan, -1
            if not px * px + py * py + pz * pz < np.inf:
                continue
            t = found[j]
            if t < 0 or sqrt(best[j]) > _proven(grid, px, py, pz):
                bound, known = best[j], -1
                if t >= 0:
                    known = grid.begin[cell]
                else:
                    t, bound = hint, distance2(shape.frames, hint, px, py, pz, np.inf)
                _, t = closest_in_tree(
                    shape.frames, tree, (px, py, pz), (0.0, 0.0, 0.0), -2.0, False, bound, t, known, stack
                )  # fmt: skip
            hint = t
            owner[at + j] = t
            away[at + j] = signed_distance(shape, t, px, py, pz)
        start += count
        at += count
    for k in range(at):
        distance[order[begin + k]], triangle[order[begin + k]] = away[k], owner[k]


def closest_feet(
    shape: Shape, grid: Grid, tree: Tree, centre: Floats, points: Floats, progress: Callable[[float], None] | None
) -> tuple[Floats, Ints]:
    """Signed distance float64 (n,) and triangle int32 (n,) of points float64 (n, 3)."""
    distance, triangle = np.empty(len(points)), np.empty(len(points), np.int32)
    outside = len(grid.begin) - 1
    for first in range(0, len(points), BLOCK):
        block = points[first : first + BLOCK]
        cells = np.empty(len(block), np.int32)
        _number(grid, centre, block, outside, cells)
        order, ends = _order_by_cell(cells, outside + 1)
        done, share = first / len(points), len(block) / len(points)
        d, t = distance[first : first + BLOCK], triangle[first : first + BLOCK]

        def report(part: float, done: float = done, share: float = share) -> None:
            if progress:
                progress(done + share * part)

        _fill(shape, grid, tree, centre, block, order, ends, d, t, report)
    return distance, triangle


def _number(grid: Grid, centre: Floats, block: Floats, outside: int, cells: Ints) -> None:
    over_chunks(len(block), lambda a, b: _cells_of_points(grid, centre, block[a:b], outside, cells[a:b]))


def _fill(
    shape: Shape, grid: Grid, tree: Tree, centre: Floats, block: Floats, order: Order, ends: Order,
    distance: Floats, triangle: Ints, report: Callable[[float], None],
) -> None:  # fmt: skip
    def work(start: int, stop: int) -> None:
        _feet(shape, grid, tree, centre, block, order, ends, start, stop, distance, triangle)

    over_chunks(len(block), work, chunk=_TASK, progress=report)


@kernel
def feet_in_space(frames: Floats, centre: Floats, points: Floats, triangle: Ints, feet: Floats) -> None:
    """Fill ``feet`` (n, 3): the foot of each point on its triangle; NaN where there is none."""
    for i in range(len(points)):
        t = triangle[i]
        if t < 0:
            feet[i, 0], feet[i, 1], feet[i, 2] = np.nan, np.nan, np.nan
            continue
        px, py, pz = points[i, 0] - centre[0], points[i, 1] - centre[1], points[i, 2] - centre[2]
        _, x, y, _, _ = foot_on(frames, t, px, py, pz)
        for axis in range(3):
            offset = frames[t, axis] + x * frames[t, 3 + axis] + y * frames[t, 6 + axis]
            feet[i, axis] = centre[axis] + offset
