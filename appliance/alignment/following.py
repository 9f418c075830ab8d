"""Feet of points that move by small steps: only those are sought again that may have come within the cap.

The distance to a surface changes by no more than a point moves.  A point that lay 8 mm off when the cap was
2 mm need not be asked again before the steps add up to 6 mm; until then its old distance says all that the
fit wants to know, that it takes no part.  The result is that of asking every point at every step.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from appliance.alignment import rigid
from appliance.core.bounds import bounds_of
from appliance.mesh.records import Feet
from appliance.mesh.surface import Surface

Float64 = npt.NDArray[np.float64]
Normals = npt.NDArray[np.floating[Any]]
Bools = npt.NDArray[np.bool_]

#: Metrology §1: least cosine between a scanned normal and the face it is compared with.
COMPATIBLE_COSINE: Final = 0.5
#: Share of the points below which it pays to pick out those that are asked.
WORTH_PICKING: Final = 0.98


class Following:
    """Points float64 (n, 3), scanner frame, on their way: ``xyz`` in the part frame, ``feet`` there."""

    def __init__(self, surface: Surface, points: Float64, normals: Normals | None, pose: Float64) -> None:
        self._surface, self._points, self._normals = surface, points, normals
        self.xyz = rigid.apply(pose, points)
        self.pivot_mm = self.xyz.mean(axis=0)
        lower, upper = bounds_of(self.xyz)
        self._radius_mm = float(np.sqrt(np.square(np.maximum(upper - self.pivot_mm, self.pivot_mm - lower)).sum()))
        self._travelled_mm = 0.0
        self._far_until_mm = np.full(len(points), -1.0)
        self.feet = Feet(np.empty(len(points)), np.full(len(points), -1, dtype=np.int32))

    def measure(self, pose: Float64, cap_mm: float) -> None:
        """Move the points to ``pose`` and find the feet of those that may lie within ``cap_mm``."""
        self.xyz = rigid.apply(pose, self._points)
        asked = ~(self._far_until_mm > self._travelled_mm)
        if asked.mean() > WORTH_PICKING:
            asked[:] = True
            feet, near = self._feet(self.xyz, self._normals, pose, cap_mm)
            self.feet = Feet(feet.distance_mm, feet.triangle)
        else:
            normals = None if self._normals is None else self._normals[asked]
            feet, near = self._feet(self.xyz[asked], normals, pose, cap_mm)
            self.feet.distance_mm[asked], self.feet.triangle[asked] = feet.distance_mm, feet.triangle
        self._far_until_mm[asked] = self._travelled_mm + np.abs(near) - cap_mm

    def moved(self, motion: Float64) -> None:
        """Take note of a step: how far it can have carried any point."""
        turn, shift = float(np.linalg.norm(motion[:3])), float(np.linalg.norm(motion[3:]))
        self._travelled_mm += shift + turn * self._radius_mm
        self._radius_mm += shift

    def _feet(self, xyz: Float64, normals: Normals | None, pose: Float64, cap_mm: float) -> tuple[Feet, Float64]:
        """Closest feet; where normals are known, on compatible faces within the cap only (else none, NaN).

        Beside them the distances to the surface as such, by which points are left alone.
        """
        feet = self._surface.closest(xyz)
        if normals is None:
            return feet, feet.distance_mm
        turned = normals @ pose[:3, :3].T
        own = self._surface.closest_compatible(xyz, turned, feet, min_dot=COMPATIBLE_COSINE, cap_mm=cap_mm)
        return own, feet.distance_mm
