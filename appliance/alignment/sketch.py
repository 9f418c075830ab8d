"""A light stand-in for the surface, for poses that are still far off.

Far from the surface exact closest points cost ten times what they cost near it, and a search does not need
them.  The sketch finds the nearest of some thousand points spread over the surface, and measures to *that
point's triangle*.  What it picks out is judged on the exact mesh afterwards, always.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from appliance.alignment.equations import distances_to
from appliance.cad.records import TriangleMesh
from appliance.core.kernels import over_chunks
from appliance.mesh.records import Feet
from appliance.mesh.surface import Surface

Float64 = npt.NDArray[np.float64]

#: Points of a sketch: on a plate of 120 x 70 mm they lie 1.7 mm apart.
SKETCH_POINTS: Final = 6_000
#: Steps of the two-dimensional golden sequence (Roberts 2018): powers of the inverse plastic number.
_GOLDEN: Final = (0.7548776662466927, 0.5698402909980532)


@dataclass(frozen=True)
class Sketch:
    """As much of a surface as ``descend`` asks for."""

    mesh: TriangleMesh
    face_normals: Float64
    triangle: npt.NDArray[np.int32]
    tree: cKDTree

    def closest(self, points_mm: Float64) -> Feet:
        """Distances to the triangles of the nearest sketch points: never less than the exact ones."""
        triangle = np.empty(len(points_mm), dtype=np.int32)

        def work(start: int, stop: int) -> None:
            triangle[start:stop] = self.triangle[self.tree.query(points_mm[start:stop])[1]]

        over_chunks(len(points_mm), work, chunk=8_192)
        return Feet(distances_to(self.mesh, self.face_normals, points_mm, triangle), triangle)


def sketch_of(surface: Surface) -> Sketch:
    """Points spread over the surface by area, the same on every run."""
    mesh = surface.mesh
    reached = np.cumsum(surface.areas_mm2)
    place = (np.arange(SKETCH_POINTS) + 0.5) / SKETCH_POINTS * reached[-1]
    triangle = np.minimum(np.searchsorted(reached, place), len(reached) - 1).astype(np.int32)
    a, b = (np.modf((np.arange(SKETCH_POINTS) + 1.0) * step)[0] for step in _GOLDEN)
    a, b = np.where(a + b > 1.0, 1.0 - a, a), np.where(a + b > 1.0, 1.0 - b, b)
    corners = mesh.vertices_mm[mesh.triangles[triangle]]
    points = corners[:, 0] + a[:, None] * (corners[:, 1] - corners[:, 0]) + b[:, None] * (corners[:, 2] - corners[:, 0])
    return Sketch(mesh, surface.face_normals, triangle, cKDTree(points))
