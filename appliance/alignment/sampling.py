"""Which points a fit uses: strays left out, dense places thinned, and blocks for the jackknife.

Nothing here looks at distances from the nominal: points are left out because they are alone, or because
their neighbours already stand for them, never because of what they say.  Everything is a function of the
points alone: the same scan gives the same sample, on any machine.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.core.bounds import bounds_of
from appliance.core.kernels import kernel, over_chunks

Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

#: Metrology §2: a point with fewer neighbours than this is an outlier.
LEAST_NEIGHBOURS: Final = 4
#: Neighbours are looked for within this many mean spacings at least, or a sparse scan would be all strays.
SPACINGS: Final = 4.0
#: Points that are looked at one by one; of larger scans an even share is drawn first.
DRAWN_POINTS: Final = 1_500_000
#: Points drawn for each one that thinning keeps.
POOL: Final = 8
#: Points by which jackknife blocks are cut out.
CUT_POINTS: Final = 65_536
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
    lower, upper = bounds_of(xyz)
    side = max(side_mm, float((upper - lower).max()) / (2**20))
    numbers = np.empty(len(xyz), dtype=np.int64)
    over_chunks(len(xyz), lambda start, stop: _number(xyz[start:stop], lower, side, numbers[start:stop]))
    return numbers


@kernel
def _number(xyz: Float64, lower: Float64, side: float, numbers: Int64) -> None:
    for n in range(len(xyz)):
        number = np.int64(0)
        for d in range(3):
            number = (number << 21) | (np.int64(np.floor((xyz[n, d] - lower[d]) / side)) + 1)
        numbers[n] = number


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

    Of many more points an even share is drawn first.  The side of the cubes grows until few enough are left.
    """
    if len(xyz) <= most:
        return np.arange(len(xyz), dtype=np.int64)
    pool = drawn(len(xyz), POOL * most)
    points = xyz[pool]
    lower, upper = bounds_of(points)
    side = float((upper - lower).max()) / np.sqrt(most)
    kept = np.arange(len(points), dtype=np.int64)
    while len(kept) > most:
        kept = np.sort(np.unique(_voxels(points, side), return_index=True)[1]).astype(np.int64)
        side *= max(1.05, 1.02 * float(np.sqrt(len(kept) / most)))
    return pool[kept]


def spacing_mm(area_mm2: float, count: int) -> float:
    """Mean distance of neighbours, mm, when ``count`` points cover ``area_mm2``."""
    return float(np.sqrt(area_mm2 / max(count, 1)))


def blocks(xyz: Float64) -> Int32:
    """Spatial blocks int32 (n,) of about equally many points: the scan halved across its longest side, five times.

    The cuts are medians, taken over an even share of a large scan.
    """
    some = xyz[drawn(len(xyz), CUT_POINTS)]
    label, own = np.zeros(len(xyz), dtype=np.int32), np.zeros(len(some), dtype=np.int32)
    for level in range(HALVINGS):
        axis, cut = _cuts(some, own, 2**level)
        label = 2 * label + (np.take_along_axis(xyz, axis[label][:, None], axis=1)[:, 0] > cut[label])
        own = 2 * own + (np.take_along_axis(some, axis[own][:, None], axis=1)[:, 0] > cut[own])
    return label.astype(np.int32)


def _cuts(xyz: Float64, label: Int32, count: int) -> tuple[Int64, Float64]:
    """Axis and place at which each of ``count`` groups is halved."""
    axis, cut = np.zeros(count, dtype=np.int64), np.zeros(count)
    for group in range(count):
        own = xyz[label == group]
        if len(own):
            axis[group] = int(np.argmax(own.max(axis=0) - own.min(axis=0)))
            cut[group] = float(np.median(own[:, axis[group]]))
    return axis, cut
