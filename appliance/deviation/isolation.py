"""Isolated points: fewer than four neighbours within h (metrology §2), counted exactly.

Voxels have the side h / sqrt(3), so all points of one voxel are neighbours and a voxel of five needs no test.
Only points of sparser voxels are counted, over the voxels within reach, nearest first, until four are found.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.core.kernels import kernel, over_chunks
from appliance.deviation.voxels import VOXELS_PER_AXIS, Voxels, lookup

Bool = npt.NDArray[np.bool_]
Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]

#: A point with fewer neighbours than this within h is isolated.
MIN_NEIGHBOURS: Final = 4
#: The voxel's diagonal stays below h by more than rounding, so that sharing a voxel proves nearness.
_SHRINK: Final = 1.0 - 1e-6
_CHUNK_VOXELS: Final = 4_096


def voxel_side_mm(isolation_mm: float) -> float:
    """Side of the voxels whose diagonal is just below ``isolation_mm``."""
    return isolation_mm / float(np.sqrt(3.0)) * _SHRINK


def _offsets_by_distance() -> Int64:
    """The 124 voxels that can hold a neighbour, nearest first, int64 (124, 3)."""
    grid = np.stack(np.meshgrid(*[np.arange(-2, 3)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    order = np.argsort((grid**2).sum(axis=1), kind="stable")
    return np.ascontiguousarray(grid[order][1:], dtype=np.int64)


_OFFSETS: Final = _offsets_by_distance()


def isolated_points(xyz: Float64, isolation_mm: float, voxel: Int32, occupied: Voxels) -> Bool:
    """Whether each point is isolated: bool (n,).  ``voxel`` int32 (n,) numbers the points' voxels.

    Memory: 4 bytes a point while sparse voxels are examined.
    """
    isolated = np.zeros(len(xyz), dtype=np.bool_)
    sparse = np.flatnonzero(occupied.count <= MIN_NEIGHBOURS)
    if len(sparse) == 0:
        return isolated
    begin = np.zeros(len(occupied.count) + 1, dtype=np.int64)
    np.cumsum(occupied.count, out=begin[1:])
    member = np.empty(len(xyz), dtype=np.int32)
    list_members(voxel, begin, member)
    over_chunks(
        len(sparse),
        lambda a, b: find_isolated(
            xyz, isolation_mm**2, sparse[a:b], begin, member,
            occupied.slots, occupied.number, occupied.key, _OFFSETS, isolated,
        ),
        chunk=_CHUNK_VOXELS,
    )  # fmt: skip
    return isolated


@kernel
def list_members(voxel: Int32, begin: Int64, member: Int32) -> None:
    """Points of each voxel, in their order: voxel ``v`` has ``member[begin[v] : begin[v + 1]]``."""
    next_place = begin.copy()
    for n in range(len(voxel)):
        member[next_place[voxel[n]]] = n
        next_place[voxel[n]] += 1


@kernel
def find_isolated(
    xyz: Float64, square_limit: float, sparse: Int64, begin: Int64, member: Int32,
    keys: Int64, number: Int32, voxel_key: Int64, offsets: Int64, isolated: Bool,
) -> None:  # fmt: skip
    """Mark the isolated points of the ``sparse`` voxels."""
    mask = VOXELS_PER_AXIS - 1
    for v in sparse:
        x, y, z = voxel_key[v] >> 42, (voxel_key[v] >> 21) & mask, voxel_key[v] & mask
        for m in range(begin[v], begin[v + 1]):
            p = member[m]
            found = begin[v + 1] - begin[v] - 1
            for o in range(len(offsets)):
                if found >= MIN_NEIGHBOURS:
                    break
                w = lookup(keys, number, x + offsets[o, 0], y + offsets[o, 1], z + offsets[o, 2])
                if w < 0:
                    continue
                for i in range(begin[w], begin[w + 1]):
                    q = member[i]
                    dx, dy, dz = xyz[q, 0] - xyz[p, 0], xyz[q, 1] - xyz[p, 1], xyz[q, 2] - xyz[p, 2]
                    if dx * dx + dy * dy + dz * dz <= square_limit:
                        found += 1
            isolated[p] = found < MIN_NEIGHBOURS
