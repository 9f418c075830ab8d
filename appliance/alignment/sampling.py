"""Which points a fit uses: strays left out, dense places thinned, and blocks for the jackknife.

Nothing here looks at distances from the nominal: points are left out because they are alone, or because
their neighbours already stand for them, never because of what they say.  Everything is a function of the
points alone: the same scan gives the same sample, on any machine.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

#: Metrology §2: a point with fewer neighbours than this is an outlier.
LEAST_NEIGHBOURS: Final = 4
#: Neighbours are looked for within this many mean spacings at least, or a sparse scan would be all strays.
SPACINGS: Final = 4.0
#: Points that are looked at one by one; of larger scans an even share is drawn first.
DRAWN_POINTS: Final = 4_000_000
#: Halvings of a scan into jackknife blocks: 2^5 = 32.
HALVINGS: Final = 5
BLOCKS: Final = 2**HALVINGS


def drawn(count: int, most: int) -> Int64:
    """Indices of about ``most`` of ``count`` points, drawn by a fixed hash of the index, in order.

    A hash rather than every k-th point: a scanner's rows have a period of their own.
    """
    indices = np.arange(count, dtype=np.int64)
    if count <= most:
        return indices
    return indices[_mixed(indices) < np.uint64(int(most / count * 2.0**64))]


def _mixed(indices: Int64) -> npt.NDArray[np.uint64]:
    """Source: the finaliser of SplitMix64 (Steele, Lea, Flood 2014)."""
    bits = indices.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


def _voxels(xyz: Float64, side_mm: float) -> Int64:
    """One number for the cube of side ``side_mm`` that each point lies in (three times 21 bits)."""
    lower = xyz.min(axis=0)
    side = max(side_mm, float((xyz.max(axis=0) - lower).max()) / (2**20))
    cell = np.floor((xyz - lower) / side).astype(np.int64) + 1
    return np.asarray((cell[:, 0] << 42) | (cell[:, 1] << 21) | cell[:, 2])


def strays(xyz: Float64, radius_mm: float) -> Bools:
    """True (n,) for points that have fewer than ``LEAST_NEIGHBOURS`` others in the 27 cubes around them.

    The cubes of side ``radius_mm`` hold the ball of metrology §2, so that every stray found here is an
    outlier there; the few that are not found weigh one point each.
    """
    voxels, place, count = np.unique(_voxels(xyz, radius_mm), return_inverse=True, return_counts=True)
    sparse = np.flatnonzero(count <= LEAST_NEIGHBOURS)
    around = np.zeros(len(sparse), dtype=np.int64)
    for dx in (-1, 0, 1):
        for dy in (-1, 0, 1):
            for dz in (-1, 0, 1):
                wanted = voxels[sparse] + ((dx << 42) + (dy << 21) + dz)
                found = np.minimum(np.searchsorted(voxels, wanted), len(voxels) - 1)
                around += np.where(voxels[found] == wanted, count[found], 0)
    alone = np.zeros(len(voxels), dtype=np.bool_)
    alone[sparse[around - 1 < LEAST_NEIGHBOURS]] = True
    return np.asarray(alone[place])


def thinned(xyz: Float64, most: int) -> Int64:
    """Indices, in order, of at most ``most`` points that stand for all, one a cube; all if they are few enough.

    The side of the cubes is the smallest of a fixed series that leaves few enough.
    """
    if len(xyz) <= most:
        return np.arange(len(xyz), dtype=np.int64)
    side = float((xyz.max(axis=0) - xyz.min(axis=0)).max()) / np.sqrt(most) / 2.0
    kept = np.arange(len(xyz), dtype=np.int64)
    while len(kept) > most:
        kept = np.sort(np.unique(_voxels(xyz, side), return_index=True)[1]).astype(np.int64)
        side *= 1.15 if len(kept) < 1.5 * most else 1.5
    return kept


def spacing_mm(area_mm2: float, count: int) -> float:
    """Mean distance of neighbours, mm, when ``count`` points cover ``area_mm2``."""
    return float(np.sqrt(area_mm2 / max(count, 1)))


def blocks(xyz: Float64) -> Int32:
    """Spatial blocks int32 (n,) of equally many points: the scan halved across its longest side, five times."""
    label = np.zeros(len(xyz), dtype=np.int32)
    groups = [np.arange(len(xyz))]
    for _ in range(HALVINGS):
        groups = [half for group in groups for half in _halves(xyz, group)]
    for number, group in enumerate(groups):
        label[group] = number
    return label


def _halves(xyz: Float64, group: Int64) -> tuple[Int64, Int64]:
    if len(group) < 2:
        return group, group[:0]
    own = xyz[group]
    axis = int(np.argmax(own.max(axis=0) - own.min(axis=0)))
    order = np.argsort(own[:, axis], kind="stable")
    middle = len(group) // 2
    return group[np.sort(order[:middle])], group[np.sort(order[middle:])]
