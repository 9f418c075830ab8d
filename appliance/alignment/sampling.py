"""Which points a fit uses: strays left out, dense places thinned, and blocks for the jackknife.

Nothing here looks at distances from the nominal: points are left out because they are alone, or because
their neighbours already stand for them, never because of what they say.  Everything is a function of the
points alone: the same scan gives the same sample, on any machine.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.alignment.cubes import around, cubes_of, first_of_each
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
    if count <= most:
        return np.arange(count, dtype=np.int64)
    below = np.uint64(int(most / count * 2.0**64))
    return np.concatenate(over_chunks(count, lambda start, stop: _drawn(start, stop, below), chunk=1 << 20))


@kernel
def _drawn(start: int, stop: int, below: np.uint64) -> Int64:
    """Those of the indices whose hash lies below.  Source: the finaliser of SplitMix64 (Steele, Lea, Flood 2014)."""
    found = np.empty(stop - start, np.int64)
    count = 0
    for index in range(start, stop):
        bits = np.uint64(index) * np.uint64(0x9E3779B97F4A7C15)
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        found[count] = index
        if (bits ^ (bits >> np.uint64(31))) < below:
            count += 1
    return found[:count].copy()


def strays(xyz: Float64, radius_mm: float) -> Bools:
    """True (n,) for points that have fewer than ``LEAST_NEIGHBOURS`` others in the 27 cubes around them.

    The cubes of side ``radius_mm`` hold the ball of metrology §2, so that every stray found here is an
    outlier there; the few that are not found weigh one point each.
    """
    return np.asarray(around(cubes_of(xyz, radius_mm), LEAST_NEIGHBOURS + 1) <= LEAST_NEIGHBOURS)


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
        kept = first_of_each(cubes_of(points, side))
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
    axis, cut = np.zeros(BLOCKS, dtype=np.int64), np.zeros(BLOCKS)
    own = np.ones(len(some), dtype=np.int64)
    for level in range(HALVINGS):
        for group in range(2**level, 2 ** (level + 1)):
            axis[group], cut[group] = _cut(some[own == group])
        own = 2 * own + (np.take_along_axis(some, axis[own][:, None], axis=1)[:, 0] > cut[own])
    label = np.empty(len(xyz), dtype=np.int32)
    over_chunks(len(xyz), lambda start, stop: _fall(xyz[start:stop], axis, cut, label[start:stop]))
    return label


def _cut(xyz: Float64) -> tuple[int, float]:
    """Axis and place at which a group is halved."""
    if not len(xyz):
        return 0, 0.0
    axis = int(np.argmax(xyz.max(axis=0) - xyz.min(axis=0)))
    return axis, float(np.median(xyz[:, axis]))


@kernel
def _fall(xyz: Float64, axis: Int64, cut: Float64, label: Int32) -> None:
    """The leaf that each point reaches in the tree of cuts, whose node g has the children 2 g and 2 g + 1."""
    for n in range(len(xyz)):
        group = 1
        for _ in range(HALVINGS):
            group = 2 * group + (1 if xyz[n, axis[group]] > cut[group] else 0)
        label[n] = group - BLOCKS
