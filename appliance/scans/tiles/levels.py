"""Levels of detail and the cutting of each into tiles.

A point belongs to the coarsest level in which it is the first of its octree cell, in Morton order;
the points of levels 0 to l together are exactly one point of every occupied cell of level l, and
every point is stored once.  The last level takes what is left.  Each level is cut at the borders
of octree cells into tiles of at most ``TILE_POINTS``.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.core.kernels import inline_kernel, kernel, over_chunks

UInt64 = npt.NDArray[np.uint64]
UInt32 = npt.NDArray[np.uint32]
UInt8 = npt.NDArray[np.uint8]
Int64 = npt.NDArray[np.int64]

#: Most points in one tile: large enough for the codec, small enough to read by range.
TILE_POINTS: Final = 1 << 16
#: A level of at most this many points is not thinned further: a viewer takes it in at once.
COARSEST_POINTS: Final = 1 << 15
#: The finest thinned level holds at most one point in this many: a finer one costs 6 % in size (measured).
THINNING: Final = 6
_BLOCK: Final = 1 << 18


@inline_kernel
def _bit_length(value: int) -> int:
    bits = np.uint64(value)
    length = 0
    for step in (32, 16, 8, 4, 2, 1):
        if bits >> np.uint64(step):
            bits >>= np.uint64(step)
            length += step
    return length + (1 if bits else 0)


@inline_kernel
def _first_depth(keys: UInt64, i: int, depths: int) -> int:
    """The coarsest depth in whose cells point ``i`` is the first; ``depths + 1`` for a repeated key."""
    if i == 0:
        return 0
    length = _bit_length(keys[i] ^ keys[i - 1])
    return depths - (length - 1) // 3 if length else depths + 1


@kernel
def _count_depths(keys: UInt64, start: int, stop: int, depths: int, counts: Int64) -> None:
    for i in range(start, stop):
        counts[_first_depth(keys, i, depths)] += 1


@kernel
def _deal_levels(
    keys: UInt64,
    index: UInt32,
    start: int,
    stop: int,
    level_of_depth: UInt8,
    places: Int64,
    keys_to: UInt64,
    index_to: UInt32,
) -> None:
    depths = len(level_of_depth) - 2
    for i in range(start, stop):
        level = level_of_depth[_first_depth(keys, i, depths)]
        place = places[level]
        keys_to[place] = keys[i]
        index_to[place] = index[i]
        places[level] = place + 1


def split_levels(
    keys: UInt64, index: UInt32, depths: int, keys_to: UInt64, index_to: UInt32
) -> tuple[list[int], Int64]:
    """Deal sorted keys and their numbers into levels, coarsest first, Morton order within each.

    Parameters
    ----------
    depths : octree depths in a key (3 bits each)
    keys_to, index_to : where the dealt keys and numbers go

    Returns
    -------
    The octree depth of each level's cells (the last level, all the rest, has none: -1) and the
    edges of the levels in ``keys_to``, int64 (levels + 1,).
    """
    blocks = -(-len(keys) // _BLOCK)
    counts = np.zeros((blocks, depths + 2), np.int64)
    over_chunks(len(keys), lambda a, b: _count_depths(keys, a, b, depths, counts[a // _BLOCK]), chunk=_BLOCK)
    cells = cell_depths(np.cumsum(counts.sum(axis=0))[: depths + 1], len(keys))
    level_of_depth = np.searchsorted(np.array(cells, np.int64), np.arange(depths + 2)).astype(np.uint8)
    of_level = np.arange(len(cells) + 1)[:, None] == level_of_depth
    per_level = counts @ of_level.T.astype(np.int64)
    edges = np.concatenate(([0], np.cumsum(per_level.sum(axis=0))))
    places = np.cumsum(per_level, axis=0) - per_level + edges[:-1]
    over_chunks(
        len(keys),
        lambda a, b: _deal_levels(keys, index, a, b, level_of_depth, places[a // _BLOCK], keys_to, index_to),
        chunk=_BLOCK,
    )
    return [*cells, -1], edges


def cell_depths(occupied: Int64, count: int) -> list[int]:
    """The octree depths whose cells are thinned to one point, coarsest first; may be empty.

    Parameters
    ----------
    occupied : int64 (depths + 1,), occupied cells at each depth
    count : all points
    """
    if count <= COARSEST_POINTS:
        return []
    finest = int(np.searchsorted(occupied, count // THINNING, side="right")) - 1
    coarsest = int(np.searchsorted(occupied, COARSEST_POINTS, side="right")) - 1
    return list(range(max(coarsest, 0), finest + 1))


def cut_tiles(keys: UInt64, depths: int) -> list[tuple[int, int]]:
    """Ranges (start, stop) of one level's sorted keys, cut at octree borders, ``TILE_POINTS`` at most.

    Neighbouring cells of one parent share a tile while they fit; a single cell of the finest depth
    that holds more (repeated points) is cut by count.
    """
    ranges: list[tuple[int, int]] = []
    _cut(keys, 0, len(keys), 0, 3 * depths, ranges)
    return ranges


def _cut(keys: UInt64, start: int, stop: int, corner: int, bits: int, ranges: list[tuple[int, int]]) -> None:
    """Cut the cell whose keys run from ``corner`` over ``bits`` low bits."""
    if stop - start <= TILE_POINTS or bits == 0:
        ranges += [(a, min(a + TILE_POINTS, stop)) for a in range(start, stop, TILE_POINTS)]
        return
    child = bits - 3
    corners = [corner + (octant << child) for octant in range(8)]
    inner = np.searchsorted(keys[start:stop], np.array(corners[1:], np.uint64)) + start
    edges = [start, *(int(edge) for edge in inner), stop]
    run = start
    for octant in range(8):
        first, last = edges[octant], edges[octant + 1]
        if last - run <= TILE_POINTS:
            continue
        if first > run:
            ranges.append((run, first))
        run = first
        if last - first > TILE_POINTS:
            _cut(keys, first, last, corners[octant], child, ranges)
            run = last
    if stop > run:
        ranges.append((run, stop))
