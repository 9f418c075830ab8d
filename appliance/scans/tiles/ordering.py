"""Stable radix sort of Morton keys with the numbers of their points.

One pass over the leading bits deals the keys into buckets that fit the cache, each bucket is then
sorted by itself; a bucket that is still large (a part in the middle of a hall) is dealt again.
Equal keys keep the order in which they came, so the result is one and the same on any number of
threads.  The caller lends room for
a second copy of keys and numbers, 12 bytes a point.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.core.kernels import kernel, over_chunks

UInt64 = npt.NDArray[np.uint64]
UInt32 = npt.NDArray[np.uint32]
Int64 = npt.NDArray[np.int64]

#: Leading bits that one dealing pass looks at: four octree levels.
DEAL_BITS: Final = 12
#: Points in one block of a dealing pass.
_BLOCK: Final = 1 << 18
#: A bucket above this is dealt again instead of sorted by one thread.
_LARGE: Final = 1 << 19
_DIGIT: Final = 8


@kernel
def _count(keys: UInt64, shift: int, counts: Int64) -> None:
    mask = np.uint64(len(counts) - 1)
    for i in range(len(keys)):
        counts[np.int64((keys[i] >> np.uint64(shift)) & mask)] += 1


@kernel
def _deal(keys: UInt64, index: UInt32, shift: int, places: Int64, keys_to: UInt64, index_to: UInt32) -> None:
    """Move keys and numbers to the running ``places`` of their buckets."""
    mask = np.uint64(len(places) - 1)
    for i in range(len(keys)):
        bucket = np.int64((keys[i] >> np.uint64(shift)) & mask)
        place = places[bucket]
        keys_to[place] = keys[i]
        index_to[place] = index[i]
        places[bucket] = place + 1


@kernel
def _insertion(keys: UInt64, index: UInt32) -> None:
    for i in range(1, len(keys)):
        key = keys[i]
        number = index[i]
        j = i - 1
        while j >= 0 and keys[j] > key:
            keys[j + 1] = keys[j]
            index[j + 1] = index[j]
            j -= 1
        keys[j + 1] = key
        index[j + 1] = number


@kernel
def _sort_bucket(keys: UInt64, index: UInt32, bits: int, spare_keys: UInt64, spare_index: UInt32) -> None:
    """Sort by the low ``bits`` bits, lowest digit first; the result stands in ``keys`` and ``index``."""
    if len(keys) < 48:
        _insertion(keys, index)
        return
    home = True
    for shift in range(0, bits, _DIGIT):
        places = np.zeros(1 << _DIGIT, np.int64)
        _count(keys if home else spare_keys, shift, places)
        if places.max() == len(keys):
            continue
        total = 0
        for digit in range(1 << _DIGIT):
            count = places[digit]
            places[digit] = total
            total += count
        if home:
            _deal(keys, index, shift, places, spare_keys, spare_index)
        else:
            _deal(spare_keys, spare_index, shift, places, keys, index)
        home = not home
    if not home:
        keys[:] = spare_keys
        index[:] = spare_index


@kernel
def _sort_buckets(
    keys: UInt64, index: UInt32, edges: Int64, first: int, last: int, bits: int, spare_keys: UInt64, spare_index: UInt32
) -> None:
    """Sort the buckets ``first`` to ``last - 1``, leaving the large ones alone."""
    for bucket in range(first, last):
        start, stop = edges[bucket], edges[bucket + 1]
        if 1 < stop - start <= _LARGE:
            _sort_bucket(keys[start:stop], index[start:stop], bits, spare_keys[start:stop], spare_index[start:stop])


def sort_keys(keys: UInt64, index: UInt32, bits: int, spare_keys: UInt64, spare_index: UInt32) -> None:
    """Sort ``keys`` (of ``bits`` significant bits) in place, taking ``index`` along; stable.

    ``spare_keys`` and ``spare_index`` are room of the same sizes; what they hold is lost.
    """
    if bits <= DEAL_BITS or len(keys) <= _LARGE:
        _sort_bucket(keys, index, bits, spare_keys, spare_index)
        return
    shift = bits - DEAL_BITS
    edges = _deal_all(keys, index, shift, 1 << DEAL_BITS, spare_keys, spare_index)
    _copy_back(keys, index, spare_keys, spare_index)
    groups = _groups(edges)
    over_chunks(
        len(groups) - 1,
        lambda first, _: _sort_buckets(
            keys, index, edges, groups[first], groups[first + 1], shift, spare_keys, spare_index
        ),
        chunk=1,
    )
    for bucket in np.flatnonzero(np.diff(edges) > _LARGE):
        part = slice(int(edges[bucket]), int(edges[bucket + 1]))
        sort_keys(keys[part], index[part], shift, spare_keys[part], spare_index[part])


def _deal_all(keys: UInt64, index: UInt32, shift: int, buckets: int, keys_to: UInt64, index_to: UInt32) -> Int64:
    """Deal keys and numbers into ``buckets`` by the bits above ``shift``, stably, on all threads.

    Returns
    -------
    The edges of the buckets, int64 (buckets + 1,).
    """
    blocks = -(-len(keys) // _BLOCK)
    counts = np.zeros((blocks, buckets), np.int64)
    over_chunks(len(keys), lambda a, b: _count(keys[a:b], shift, counts[a // _BLOCK]), chunk=_BLOCK)
    totals = counts.sum(axis=0)
    edges = np.concatenate(([0], np.cumsum(totals)))
    places = np.cumsum(counts, axis=0) - counts + edges[:-1]
    over_chunks(
        len(keys),
        lambda a, b: _deal(keys[a:b], index[a:b], shift, places[a // _BLOCK], keys_to, index_to),
        chunk=_BLOCK,
    )
    return edges


def _copy_back(keys: UInt64, index: UInt32, spare_keys: UInt64, spare_index: UInt32) -> None:
    def copy(start: int, stop: int) -> None:
        keys[start:stop] = spare_keys[start:stop]
        index[start:stop] = spare_index[start:stop]

    over_chunks(len(keys), copy, chunk=_BLOCK)


def _groups(edges: Int64) -> list[int]:
    """Runs of buckets of about a block of points each, as bucket numbers: first of each run, then the end."""
    wanted = np.arange(0, edges[-1], _BLOCK)
    starts = np.unique(np.searchsorted(edges[:-1], wanted, side="left"))
    return [*(int(start) for start in starts if start < len(edges) - 1), len(edges) - 1]


def warm_up_sort() -> None:
    """Compile the dealing passes, which small clouds do not reach."""
    keys, index = np.zeros(2, np.uint64), np.zeros(2, np.uint32)
    edges = _deal_all(keys, index, 0, 2, keys.copy(), index.copy())
    _sort_buckets(keys, index, edges, 0, 2, 1, keys.copy(), index.copy())
