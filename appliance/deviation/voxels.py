"""Voxels: a hash of occupied cubes, which of them each point lies in, and the moments of those points.

A voxel is named by a 63-bit key, 21 bits an axis, counted from the lower corner of the cloud.  Keys live in an
open-addressing table of a power-of-two size that at most half fills; -1 marks an empty slot.  Voxels are numbered
in the order of their keys, so every result depends on the points alone; and neighbours along z follow each other.

Points are first numbered within chunks, whose tables fit the cache and whose work fills all threads; the tables
of the chunks are then united, which costs as much as there are voxels, not points.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.core.kernels import inline_kernel, kernel, over_chunks, worker_count

Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
UInt16 = npt.NDArray[np.uint16]

#: Voxels along one axis that a key can name.  The last index of an axis is never used: the steps that lead out of
#: an axis end there, so neighbours are found by adding to keys, without asking for borders.
VOXELS_PER_AXIS: Final = 1 << 21
#: Entries of a voxel's moments: number, sums of x y z, sums of xx xy xz yy yz zz.
MOMENTS: Final = 10
_FIRST_SLOTS: Final = 1 << 12
#: Points numbered by one table: their voxels fit the cache of a core.
_CHUNK: Final = 1 << 16
#: Points whose places in a table are found together.
_BLOCK: Final = 256


@dataclass(frozen=True)
class Voxels:
    """The occupied voxels of a cloud.

    Attributes
    ----------
    slots : int64 (s,), the table: keys, -1 where empty
    number : int32 (s,), the number of the voxel whose key stands in that slot
    key : int64 (v,), the key of each voxel, rising
    count : int32 (v,), how many points lie in it
    """

    slots: Int64
    number: Int32
    key: Int64
    count: Int32


def voxels_of(xyz: Float64, group: UInt16, wanted: int, lower: Float64, side: float, voxel: Int32) -> Voxels:
    """The voxels of ``side`` mm of points float64 (n, 3); which one each point lies in goes to ``voxel`` int32 (n,).

    Only points whose ``group`` is ``wanted`` take part, the others get -1; an empty ``group`` means all points.
    Memory while it works: 16 bytes for each voxel of each chunk, as many as there are points where their order is
    random.
    """
    parts = over_chunks(len(xyz), lambda a, b: number_chunk(xyz, group, wanted, lower, side, a, b, voxel), chunk=_CHUNK)
    if not parts:
        return Voxels(np.full(1, -1, np.int64), np.empty(1, np.int32), np.empty(0, np.int64), np.empty(0, np.int32))
    first = np.cumsum([0, *(len(keys) for keys, _ in parts)])
    slots, number, key, count, of_entry = unite(
        np.concatenate([keys for keys, _ in parts]), np.concatenate([counts for _, counts in parts])
    )
    order = np.argsort(key)
    rank = np.empty(len(order), dtype=np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    renumber_slots(slots, number, rank)
    of_entry = rank[of_entry]
    over_chunks(len(voxel), lambda a, b: renumber_points(voxel[a:b], of_entry[first[a // _CHUNK] :]), chunk=_CHUNK)
    return Voxels(slots, number, key[order], count[order])


def moments_of(xyz: Float64, lower: Float64, side: float, voxels: Voxels, voxel: Int32) -> Float64:
    """Moments (v, 10) of the points of each voxel, in units of its side and about its centre.

    Each thread sums some of the voxels over all points in their order, so the bits do not depend on their number.
    """
    moments = np.zeros((len(voxels.key), MOMENTS))
    over_chunks(
        len(moments),
        lambda a, b: add_moments(xyz, lower, side, voxels.key, voxel, a, b, moments),
        chunk=max(1, -(-len(moments) // worker_count())),
    )
    return moments


@inline_kernel
def _key(x: int, y: int, z: int) -> int:
    """Name of a voxel."""
    return (x << 42) | (y << 21) | z


@inline_kernel
def _mixed(key: int) -> int:
    """A number whose low bits say where a key begins its search in a table."""
    # two multiplications, each folded down, let every bit of the key reach every bit of the slot
    mixed = key * -7046029254386353131
    mixed = (mixed ^ (mixed >> 32)) * -4658895280553007687
    return mixed ^ (mixed >> 29)


@inline_kernel
def _slot(keys: Int64, key: int, at: int) -> int:
    """Slot that holds ``key``, or the empty slot where it belongs, from slot ``at`` on."""
    while keys[at] != key and keys[at] != -1:
        at = (at + 1) & (len(keys) - 1)
    return at


@inline_kernel
def _power_of_two(least: int) -> int:
    """The first power of two that is not below ``least``."""
    size = 2
    while size < least:
        size *= 2
    return size


@inline_kernel
def _grown(keys: Int64, number: Int32) -> tuple[Int64, Int32]:
    """The same table with twice the slots."""
    more_keys = np.full(2 * len(keys), -1, dtype=np.int64)
    more_number = np.empty(2 * len(keys), dtype=np.int32)
    for s in range(len(keys)):
        if keys[s] != -1:
            at = _slot(more_keys, keys[s], _mixed(keys[s]) & (len(more_keys) - 1))
            more_keys[at] = keys[s]
            more_number[at] = number[s]
    return more_keys, more_number


@inline_kernel
def _voxel_of(point: Float64, lower: Float64, side: float) -> int:
    """Name of the voxel that holds a point."""
    return _key(int((point[0] - lower[0]) / side), int((point[1] - lower[1]) / side), int((point[2] - lower[2]) / side))


@inline_kernel
def lookup(keys: Int64, number: Int32, x: int, y: int, z: int) -> int:
    """Number of voxel (x, y, z), or -1 where it is empty or outside."""
    if not (0 <= x < VOXELS_PER_AXIS and 0 <= y < VOXELS_PER_AXIS and 0 <= z < VOXELS_PER_AXIS):
        return -1
    key = _key(x, y, z)
    at = _slot(keys, key, _mixed(key) & (len(keys) - 1))
    return number[at] if keys[at] != -1 else -1


@kernel
def number_chunk(
    xyz: Float64, group: UInt16, wanted: int, lower: Float64, side: float, start: int, stop: int, voxel: Int32
) -> tuple[Int64, Int32]:
    """Number the points ``start`` to ``stop`` within their chunk, as they reach voxels; keys and counts of these.

    First the keys of a block of points, then their places in the table: these wait for memory together, and not for
    each other.  Key and number stand side by side there.
    """
    size = _power_of_two(2 * (stop - start))
    table = np.full((size, 2), -1, dtype=np.int64)
    reached = np.empty(stop - start, dtype=np.int64)
    keys, places = np.empty(_BLOCK, dtype=np.int64), np.empty(_BLOCK, dtype=np.int64)
    used = 0
    for first in range(start, stop, _BLOCK):
        many = min(_BLOCK, stop - first)
        for j in range(many):
            keys[j] = -1
            if len(group) == 0 or group[first + j] == wanted:
                keys[j] = _voxel_of(xyz[first + j], lower, side)
            places[j] = _mixed(keys[j]) & (size - 1)
        for j in range(many):
            key, at = keys[j], places[j]
            voxel[first + j] = -1
            if key == -1:
                continue
            while table[at, 0] != key and table[at, 0] != -1:
                at = (at + 1) & (size - 1)
            if table[at, 0] == -1:
                table[at, 0], table[at, 1] = key, used
                reached[used] = key
                used += 1
            voxel[first + j] = table[at, 1]
    count = np.zeros(used, dtype=np.int32)
    for n in range(start, stop):
        if voxel[n] >= 0:
            count[voxel[n]] += 1
    return reached[:used].copy(), count


@kernel
def unite(entry_key: Int64, entry_count: Int32) -> tuple[Int64, Int32, Int64, Int32, Int32]:
    """One table of the entries of many: slots, numbers; key and count of each number; the number of each entry."""
    keys = np.full(_FIRST_SLOTS, -1, dtype=np.int64)
    number = np.empty(_FIRST_SLOTS, dtype=np.int32)
    voxel_key, count = np.empty(len(entry_key), dtype=np.int64), np.empty(len(entry_key), dtype=np.int32)
    of_entry = np.empty(len(entry_key), dtype=np.int32)
    places = np.empty(_BLOCK, dtype=np.int64)
    used = 0
    for first in range(0, len(entry_key), _BLOCK):
        many = min(_BLOCK, len(entry_key) - first)
        while 2 * (used + many) > len(keys):
            keys, number = _grown(keys, number)
        for j in range(many):
            places[j] = _mixed(entry_key[first + j]) & (len(keys) - 1)
        for j in range(many):
            key = entry_key[first + j]
            at = _slot(keys, key, places[j])
            if keys[at] == -1:
                keys[at], number[at] = key, used
                voxel_key[used], count[used] = key, 0
                used += 1
            of_entry[first + j] = number[at]
            count[number[at]] += entry_count[first + j]
    return keys, number, voxel_key[:used].copy(), count[:used].copy(), of_entry


@kernel
def renumber_slots(slots: Int64, number: Int32, rank: Int32) -> None:
    """Replace each number of the table by its ``rank``."""
    for s in range(len(slots)):
        if slots[s] != -1:
            number[s] = rank[number[s]]


@kernel
def renumber_points(voxel: Int32, of_entry: Int32) -> None:
    """Replace each number within a chunk by the number within the cloud; -1 stays."""
    for n in range(len(voxel)):
        if voxel[n] >= 0:
            voxel[n] = of_entry[voxel[n]]


@kernel
def add_moments(
    xyz: Float64, lower: Float64, side: float, voxel_key: Int64, voxel: Int32, start: int, stop: int, moments: Float64
) -> None:
    """Sum the moments of the points of the voxels ``start`` to ``stop``; points with voxel -1 are left alone."""
    for n in range(len(xyz)):
        v = voxel[n]
        if v < start or v >= stop:
            continue
        key = voxel_key[v]
        x = (xyz[n, 0] - lower[0]) / side - ((key >> 42) + 0.5)
        y = (xyz[n, 1] - lower[1]) / side - (((key >> 21) & (VOXELS_PER_AXIS - 1)) + 0.5)
        z = (xyz[n, 2] - lower[2]) / side - ((key & (VOXELS_PER_AXIS - 1)) + 0.5)
        row = moments[v]
        row[0] += 1.0
        row[1] += x
        row[2] += y
        row[3] += z
        row[4] += x * x
        row[5] += x * y
        row[6] += x * z
        row[7] += y * y
        row[8] += y * z
        row[9] += z * z
