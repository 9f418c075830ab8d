"""Kernels over voxels: a hash of occupied cubes, their points and the moments of those points.

A voxel is named by a 63-bit key, 21 bits an axis, counted from the lower corner of the cloud.  Keys live in an
open-addressing table of a power-of-two size that at most half fills; -1 marks an empty slot.  Voxels are numbered
in the order in which the points reach them, so every result depends on the points alone.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.core.kernels import inline_kernel, kernel

Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
UInt16 = npt.NDArray[np.uint16]

#: Voxels along one axis that a key can name.
VOXELS_PER_AXIS: Final = 1 << 21
#: Entries of a voxel's moments: number, sums of x y z, sums of xx xy xz yy yz zz.
MOMENTS: Final = 10
_FIRST_SLOTS: Final = 1 << 12


@inline_kernel
def _key(x: int, y: int, z: int) -> int:
    """Name of a voxel."""
    return (x << 42) | (y << 21) | z


@inline_kernel
def _slot(keys: Int64, key: int) -> int:
    """Slot that holds ``key``, or the empty slot where it belongs."""
    mask = len(keys) - 1
    # two multiplications, each folded down, let every bit of the key reach every bit of the slot
    mixed = key * -7046029254386353131
    mixed = (mixed ^ (mixed >> 32)) * -4658895280553007687
    at = (mixed ^ (mixed >> 29)) & mask
    while keys[at] != key and keys[at] != -1:
        at = (at + 1) & mask
    return at


@inline_kernel
def _grown(keys: Int64, number: Int32) -> tuple[Int64, Int32]:
    """The same table with twice the slots."""
    more_keys = np.full(2 * len(keys), -1, dtype=np.int64)
    more_number = np.empty(2 * len(keys), dtype=np.int32)
    for s in range(len(keys)):
        if keys[s] != -1:
            at = _slot(more_keys, keys[s])
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
    at = _slot(keys, _key(x, y, z))
    return number[at] if keys[at] != -1 else -1


@kernel
def count_voxels(
    xyz: Float64, group: UInt16, wanted: int, lower: Float64, side: float
) -> tuple[Int64, Int32, Int64, Int32]:
    """Table of occupied voxels: keys, their numbers; then the key and the point count of each number.

    Only points whose ``group`` is ``wanted`` take part; an empty ``group`` means all points.
    """
    keys = np.full(_FIRST_SLOTS, -1, dtype=np.int64)
    number = np.empty(_FIRST_SLOTS, dtype=np.int32)
    voxel_key = np.empty(_FIRST_SLOTS // 2 + 1, dtype=np.int64)
    count = np.zeros(_FIRST_SLOTS // 2 + 1, dtype=np.int32)
    used = 0
    last_key, last_number = -1, -1
    for n in range(len(xyz)):
        if len(group) > 0 and group[n] != wanted:
            continue
        key = _voxel_of(xyz[n], lower, side)
        if key != last_key:
            at = _slot(keys, key)
            if keys[at] == -1:
                keys[at] = key
                number[at] = used
                voxel_key[used] = key
                used += 1
                if 2 * used > len(keys):
                    keys, number = _grown(keys, number)
                    voxel_key = np.concatenate((voxel_key, np.empty(used, dtype=np.int64)))
                    count = np.concatenate((count, np.zeros(used, dtype=np.int32)))
                    at = _slot(keys, key)
            last_key, last_number = key, number[at]
        count[last_number] += 1
    return keys, number, voxel_key[:used].copy(), count[:used].copy()


@kernel
def number_points(
    xyz: Float64, group: UInt16, wanted: int, lower: Float64, side: float,
    keys: Int64, number: Int32, start: int, stop: int, voxel: Int32,
) -> None:  # fmt: skip
    """Voxel number of points ``start`` to ``stop`` into ``voxel``; points of other groups are left as they are."""
    last_key, last_number = -1, -1
    for n in range(start, stop):
        if len(group) > 0 and group[n] != wanted:
            continue
        key = _voxel_of(xyz[n], lower, side)
        if key != last_key:
            last_key, last_number = key, number[_slot(keys, key)]
        voxel[n] = last_number


@kernel
def add_moments(
    xyz: Float64, group: UInt16, wanted: int, lower: Float64, side: float, voxel_key: Int64, voxel: Int32,
    moments: Float64,
) -> None:  # fmt: skip
    """Sum the moments (v, 10) of the points of each voxel, in units of its side and about its centre."""
    for n in range(len(xyz)):
        if len(group) > 0 and group[n] != wanted:
            continue
        v = voxel[n]
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
