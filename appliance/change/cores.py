"""Core points, and scales that suit how dense a scan is."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.change.grid import voxels
from appliance.change.records import Scales
from appliance.core.bounds import bounds_of
from appliance.core.kernels import kernel
from appliance.deviation.voxels import VOXELS_PER_AXIS
from appliance.errors import InvalidInput

Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]

#: In point spacings: 50 points in a cylinder, 80 in the ball of a normal, one core point a cylinder's radius.
RADIUS_SPACINGS: Final = 4.0
NORMAL_SPACINGS: Final = 10.0
#: In cylinder radii: changes larger than this are not sought.
DEPTH_RADII: Final = 10.0
#: The spacing is read off voxels that hold about this many points of a surface.
_POINTS_PER_VOXEL: Final = 9.0
_FIRST_VOXELS: Final = 64
_ROUNDS: Final = 4


def spacing_mm(points: Float64) -> float:
    """Distance between neighbours on the surface, mm: the square root of the area that a point has there.

    Points (n, 3) are checked ones.  The mean runs over points, so a fringe of sparse ones has no say.

    Raises
    ------
    InvalidInput : all points lie in one place
    """
    lower, upper = bounds_of(points)
    extent = float((upper - lower).max())
    if extent <= 0.0:
        raise InvalidInput("change.points", "All points of a scan lie in one place.")
    side = extent / _FIRST_VOXELS
    for _ in range(_ROUNDS):
        count = voxels(points, side)[0].count.astype(np.float64)
        # a voxel that holds k points of n has k - 1 neighbours for each: clusters of one say nothing
        others = float((count * (count - 1.0)).sum() / count.sum())
        side *= float(np.sqrt(_POINTS_PER_VOXEL / max(others, 1.0)))
    return side / float(np.sqrt(_POINTS_PER_VOXEL))


def suited_scales(spacing: float) -> Scales:
    """Scales for scans whose coarser one has this spacing, mm."""
    radius = RADIUS_SPACINGS * spacing
    return Scales((NORMAL_SPACINGS * spacing,), radius, DEPTH_RADII * radius)


def thinned_cores(points: Float64, apart_mm: float) -> Int64:
    """Numbers int64 (m,) of core points: in each voxel of this side the point nearest its middle.

    Raises
    ------
    InvalidInput : the distance is not a positive length
    """
    if not (np.isfinite(apart_mm) and apart_mm > 0.0):
        raise InvalidInput("change.cores", "Core points lie a positive length apart.")
    occupied, voxel, lower, side = voxels(points, apart_mm)
    return _nearest(points, voxel, occupied.key, lower, side)


@kernel
def _nearest(points: Float64, voxel: Int32, key: Int64, lower: Float64, side: float) -> Int64:
    best, found = np.full(len(key), np.inf), np.full(len(key), -1, np.int64)
    mask = VOXELS_PER_AXIS - 1
    for n in range(len(points)):
        v = voxel[n]
        x = (points[n, 0] - lower[0]) / side - ((key[v] >> 42) + 0.5)
        y = (points[n, 1] - lower[1]) / side - (((key[v] >> 21) & mask) + 0.5)
        z = (points[n, 2] - lower[2]) / side - ((key[v] & mask) + 0.5)
        away = x * x + y * y + z * z
        if away < best[v]:
            best[v], found[v] = away, n
    return found
