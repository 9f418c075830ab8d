"""Do the stations see the faces that their points lie on?  A pose in which they look through the material is none.

Where a scanner stood says more than normals do and costs nothing: a point was seen from its station, so the
face that it lies on looks that way.  Whether the stated places can be believed is judged by the fit itself:
true ones face 0.97 and more of their points, invented ones (the origin of merged clouds) about one half.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.core.kernels import kernel, over_chunks

Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]
UInt16 = npt.NDArray[np.uint16]

#: Least share of its points that a true pose turns to their stations.
LEAST_FACING_SHARE: Final = 0.8


@dataclass(frozen=True)
class Viewpoints:
    """``station`` uint16 (n,) of each point, and ``positions_mm`` float64 (s, 3), scanner frame, NaN where unknown."""

    station: UInt16
    positions_mm: Float64

    def of(self, chosen: npt.NDArray[np.int64], middle_mm: Float64) -> Float64:
        """Where the stations of chosen points stood, float64 (m, 3), about ``middle_mm``."""
        return np.asarray(self.positions_mm[self.station[chosen]] - middle_mm)


def facing_shares(
    poses: Float64, xyz: Float64, triangle: Int32, face_normals: Float64, seen_from: Float64 | None
) -> Float64:
    """Share (c,) of the points that lie on faces turned to their stations; 1 where no station is known.

    ``xyz`` (c m, 3) and ``triangle`` (c m,) : the points at each of ``poses`` (c, 4, 4), and their faces;
    ``seen_from`` (m, 3), scanner frame.
    """
    shares = np.ones(len(poses))
    if seen_from is None:
        return shares
    places, points = np.ascontiguousarray(seen_from), len(seen_from)

    def work(start: int, stop: int) -> None:
        rows = slice(start * points, stop * points)
        _count(poses[start:stop], xyz[rows], triangle[rows], face_normals, places, shares[start:stop])

    over_chunks(len(poses), work, chunk=max(1, 65_536 // points))
    return shares


@kernel
def _count(
    poses: Float64, xyz: Float64, triangle: Int32, face_normals: Float64, places: Float64, shares: Float64
) -> None:
    for c in range(len(poses)):
        known = facing = 0
        for i in range(len(places)):
            t = triangle[c * len(places) + i]
            if t < 0 or not places[i, 0] + places[i, 1] + places[i, 2] < np.inf:
                continue
            towards = 0.0
            for k in range(3):
                place = poses[c, k, 3]
                for j in range(3):
                    place += poses[c, k, j] * places[i, j]
                towards += face_normals[t, k] * (place - xyz[c * len(places) + i, k])
            known += 1
            if towards > 0.0:
                facing += 1
        if known > 0:
            shares[c] = facing / known
