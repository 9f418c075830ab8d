"""A balanced tree of boxes over the cells of the grid, for every point that one cell cannot answer.

Cells are ordered along a Morton curve; leaf i of 2^d holds an equal share of that order, node i has
the children 2 i + 1 and 2 i + 2, and boxes grow from the leaves up.  It is built in linear time.
A leaf's box holds what its triangles have *inside their cell*: a long sliver is cut into short
pieces, so boxes stay small where those of whole triangles would overlap without end.
Boxes are float32, rounded outwards: half the memory, never too small.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from appliance.core.kernels import inline_kernel, kernel, over_chunks
from appliance.mesh.frames import SLACK, Floats, Ints, distance2
from appliance.mesh.grid import Grid, Longs

#: Places on the stack of a search: more than a tree over 2^31 cells is deep.
STACK: Final = 64
_MORTON_BITS: Final = 10

Boxes = npt.NDArray[np.float32]


class Tree(NamedTuple):
    """``boxes`` float32 (2^(d+1) - 1, 6), lower and upper corners; ``begin``, ``end`` int64 (2^d,), ``entries`` int32.

    The triangles of leaf i are entries[begin[i] : end[i]], the list of one cell of the grid.
    """

    boxes: Boxes
    begin: Longs
    end: Longs
    entries: Ints


@inline_kernel
def spread(v: int) -> int:
    """The low ten bits of ``v``, two free places between each."""
    v = (v | (v << 16)) & 0x030000FF
    v = (v | (v << 8)) & 0x0300F00F
    v = (v | (v << 4)) & 0x030C30C3
    return (v | (v << 2)) & 0x09249249


@kernel
def sorted_order(keys: Ints, bits: int) -> Ints:
    """The stable order of ``keys`` (of at most ``bits`` bits), by counting their digits of eleven bits."""
    count = len(keys)
    order = np.arange(count).astype(np.int32)
    other = np.empty(count, np.int32)
    shift = 0
    while shift < bits:
        places = np.zeros(2049, np.int64)
        for i in range(count):
            places[((keys[i] >> shift) & 2047) + 1] += 1
        for i in range(2048):
            places[i + 1] += places[i]
        for i in range(count):
            digit = (keys[order[i]] >> shift) & 2047
            other[places[digit]] = order[i]
            places[digit] += 1
        order, other = other, order
        shift += 11
    return order


@kernel
def _occupied_cells(table: Ints, blocks: Longs, begin: Longs, shift: int) -> tuple[Ints, Longs, Longs]:
    """Cells with a list: their Morton keys, numbers and places x, y, z (packed in 21 bits each)."""
    count = 0
    for i in range(len(begin) - 1):
        count += begin[i + 1] > begin[i]
    keys, cells, places = np.empty(count, np.int32), np.empty(count, np.int64), np.empty(count, np.int64)
    count = 0
    for block in range(len(table)):
        if table[block] < 0:
            continue
        bz = block % blocks[2]
        by = block // blocks[2] % blocks[1]
        bx = block // (blocks[2] * blocks[1])
        for local in range(64):
            cell = (np.int64(table[block]) << 6) | local
            if begin[cell + 1] > begin[cell]:
                x, y, z = (bx << 2) | (local >> 4), (by << 2) | ((local >> 2) & 3), (bz << 2) | (local & 3)
                keys[count] = spread(x >> shift) | (spread(y >> shift) << 1) | (spread(z >> shift) << 2)
                cells[count], places[count] = cell, (x << 42) | (y << 21) | z
                count += 1
    return keys, cells, places


@kernel
def _leaf_boxes(
    frames: Floats, lower: Floats, size: float, begin: Longs, entries: Ints, cells: Longs, places: Longs,
    start: int, stop: int, boxes: Boxes,
) -> None:  # fmt: skip
    """Fill the boxes of leaves start to stop: of each listed triangle, what its box has in the cell's box."""
    first_leaf = len(boxes) // 2
    low, high, floor, part = np.empty(3), np.empty(3), np.empty(3), np.empty((2, 3))
    for leaf in range(start, stop):
        low[:], high[:] = np.inf, -np.inf
        cell = cells[min(leaf, len(cells) - 1)]
        first, last = begin[cell], begin[cell + 1]
        if leaf >= len(cells):
            last = first
        else:
            for axis in range(3):
                floor[axis] = lower[axis] + ((places[leaf] >> (42 - 21 * axis)) & 0x1FFFFF) * size
        for i in range(first, last):
            t = entries[i]
            touches = True
            for axis in range(3):
                o, u, w = frames[t, axis], frames[t, 3 + axis], frames[t, 6 + axis]
                p, q = o + frames[t, 12] * u, o + frames[t, 13] * u + frames[t, 14] * w
                seam = 1e-9 * (size + frames[t, 12])
                part[0, axis] = max(min(o, p, q), floor[axis]) - seam
                part[1, axis] = min(max(o, p, q), floor[axis] + size) + seam
                touches = touches and part[0, axis] <= part[1, axis]
            if touches:
                for axis in range(3):
                    low[axis], high[axis] = min(low[axis], part[0, axis]), max(high[axis], part[1, axis])
        for axis in range(3):
            # a step of float32 outwards on each side; an empty box is infinitely far from everything
            empty = low[axis] > high[axis]
            boxes[first_leaf + leaf, axis] = np.inf if empty else low[axis] - abs(low[axis]) * 1.2e-7 - 1e-30
            boxes[first_leaf + leaf, 3 + axis] = -np.inf if empty else high[axis] + abs(high[axis]) * 1.2e-7 + 1e-30


@kernel
def _grow_boxes(boxes: Boxes, leaves: int) -> None:
    for node in range(leaves - 2, -1, -1):
        one, two = 2 * node + 1, 2 * node + 2
        for axis in range(3):
            boxes[node, axis] = min(boxes[one, axis], boxes[two, axis])
            boxes[node, 3 + axis] = max(boxes[one, 3 + axis], boxes[two, 3 + axis])


def build_tree(frames: Floats, grid: Grid) -> Tree:
    """The tree over the cells of ``grid`` that list a triangle."""
    shift = 0
    while int(4 * grid.blocks.max()) >> shift > 1 << _MORTON_BITS:
        shift += 1
    keys, cells, places = _occupied_cells(grid.table, grid.blocks, grid.begin, shift)
    order = sorted_order(keys, 3 * _MORTON_BITS)
    cells, places = cells[order], places[order]
    leaves = 1
    while leaves < len(cells):
        leaves *= 2
    boxes = np.empty((2 * leaves - 1, 6), np.float32)

    def work(start: int, stop: int) -> None:
        _leaf_boxes(
            frames, grid.lower, grid.size, grid.begin, grid.entries, cells, places, start, stop, boxes
        )  # fmt: skip

    over_chunks(leaves, work, chunk=8192)
    _grow_boxes(boxes, leaves)
    begin, end = np.zeros(leaves, np.int64), np.zeros(leaves, np.int64)
    begin[: len(cells)], end[: len(cells)] = grid.begin[cells], grid.begin[cells + 1]
    return Tree(boxes, begin, end, grid.entries)


@inline_kernel
def box_distance2(boxes: Boxes, node: int, px: float, py: float, pz: float) -> float:
    x = max(boxes[node, 0] - px, px - boxes[node, 3])
    y = max(boxes[node, 1] - py, py - boxes[node, 4])
    z = max(boxes[node, 2] - pz, pz - boxes[node, 5])
    x, y, z = max(x, 0.0), max(y, 0.0), max(z, 0.0)
    squared: float = x * x + y * y + z * z
    return squared


@inline_kernel
def allowed(frames: Floats, t: int, nx: float, ny: float, nz: float, least: float, unoriented: bool) -> bool:
    """Whether triangle ``t`` faces as the normal does: n . n_face > least (its amount where unoriented)."""
    dot: float = nx * frames[t, 9] + ny * frames[t, 10] + nz * frames[t, 11]
    return (abs(dot) if unoriented else dot) > least


@inline_kernel
def closest_in_tree(
    frames: Floats,
    tree: Tree,
    p: tuple[float, float, float],
    normal: tuple[float, float, float],
    least: float,
    unoriented: bool,
    best: float,
    found: int,
    known: int,
    stack: Ints,
) -> tuple[float, int]:
    """Squared distance and number of the closest triangle nearer than ``best`` (squared), or as given.

    Of triangles equally close the lowest number wins.  ``least`` below -1 admits every triangle, else
    only those that face as ``normal`` does.  The list that begins at ``known`` in the entries is passed
    over: ``best`` and ``found`` hold its answer; -1 where there is none.
    """
    px, py, pz = p
    boxes = tree.boxes
    leaves = (len(boxes) + 1) // 2
    top = 1
    stack[0] = 0
    while top > 0:
        top -= 1
        node = stack[top]
        if box_distance2(boxes, node, px, py, pz) > best * SLACK:
            continue
        while node < leaves - 1:
            near, far = 2 * node + 1, 2 * node + 2
            d_near, d_far = box_distance2(boxes, near, px, py, pz), box_distance2(boxes, far, px, py, pz)
            if d_far < d_near:
                near, far, d_near, d_far = far, near, d_far, d_near
            if d_far <= best * SLACK:
                stack[top] = far
                top += 1
            node = near
            if d_near > best * SLACK:
                break
        if node < leaves - 1 or box_distance2(boxes, node, px, py, pz) > best * SLACK:
            continue
        leaf = node - (leaves - 1)
        if tree.begin[leaf] == known:
            continue
        for i in range(tree.begin[leaf], tree.end[leaf]):
            t = tree.entries[i]
            if least >= -1.0 and not (frames[t, 14] > 0.0 and allowed(frames, t, *normal, least, unoriented)):
                continue
            d = distance2(frames, t, px, py, pz, best)
            if d < best or (d == best and (found < 0 or t < found)):
                best, found = d, t
    return best, found
