"""A light stand-in for the surface, for poses that are still far off.

Far from the surface exact closest points cost ten times what they cost near it, and a search does not need
them.  The sketch walks over some thousand points spread over the surface, from neighbour to neighbour, to one
that has no nearer neighbour, and measures to *that point's triangle*.  A lattice of cubes says where to begin.
What it picks out is judged on the exact mesh afterwards, always.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from appliance.alignment.equations import distances_to
from appliance.cad.records import TriangleMesh
from appliance.core.bounds import bounds_of
from appliance.core.kernels import kernel, over_chunks
from appliance.mesh.records import Feet
from appliance.mesh.surface import Surface

Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]

#: Points of a sketch: on a plate of 120 x 70 mm they lie 1.7 mm apart.
SKETCH_POINTS: Final = 6_000
#: Neighbours among which a walk goes on.
NEIGHBOURS: Final = 12
#: Cubes along the longest side of the lattice, which leaves ``MARGIN`` of the part's longest side free all round.
CUBES: Final = 40
MARGIN: Final = 0.25
#: Steps of the two-dimensional golden sequence (Roberts 2018): powers of the inverse plastic number.
_GOLDEN: Final = (0.7548776662466927, 0.5698402909980532)


@dataclass(frozen=True)
class Lattice:
    """Where walks begin: ``first`` int32 (i, j, k), the sketch point nearest to the middle of each cube."""

    lower_mm: Float64
    side_mm: float
    first: Int32


@dataclass(frozen=True)
class Sketch:
    """As much of a surface as ``descend`` asks for."""

    mesh: TriangleMesh
    face_normals: Float64
    triangle: Int32
    points_mm: Float64
    neighbours: Int32
    lattice: Lattice

    def closest(self, points_mm: Float64) -> Feet:
        """Distances to the triangles of near sketch points: never less than the exact ones."""
        triangle = np.empty(len(points_mm), dtype=np.int32)

        def work(start: int, stop: int) -> None:
            _walk(
                points_mm[start:stop], self.lattice.lower_mm, self.lattice.side_mm, self.lattice.first,
                self.points_mm, self.neighbours, self.triangle, triangle[start:stop],
            )  # fmt: skip

        over_chunks(len(points_mm), work, chunk=8_192)
        return Feet(distances_to(self.mesh, self.face_normals, points_mm, triangle), triangle)


@kernel
def _walk(
    xyz: Float64, lower: Float64, side: float, first: Int32, points: Float64, neighbours: Int32, triangle: Int32,
    found: Int32,
) -> None:  # fmt: skip
    for n in range(len(xyz)):
        x, y, z = xyz[n, 0], xyz[n, 1], xyz[n, 2]
        i = min(max(int((x - lower[0]) / side), 0), first.shape[0] - 1)
        j = min(max(int((y - lower[1]) / side), 0), first.shape[1] - 1)
        k = min(max(int((z - lower[2]) / side), 0), first.shape[2] - 1)
        nearest, best, here = first[i, j, k], np.inf, -1
        while nearest != here:
            here = nearest
            for place in range(neighbours.shape[1]):
                other = neighbours[here, place]
                dx, dy, dz = x - points[other, 0], y - points[other, 1], z - points[other, 2]
                away = dx * dx + dy * dy + dz * dz
                if away < best:
                    nearest, best = other, away
        found[n] = triangle[nearest]


def sketch_of(surface: Surface) -> Sketch:
    """Points spread over the surface by area, the same on every run."""
    mesh = surface.mesh
    triangle, points = _spread(mesh, surface.areas_mm2)
    tree = cKDTree(points)
    neighbours = tree.query(points, k=NEIGHBOURS)[1].astype(np.int32)
    return Sketch(mesh, surface.face_normals, triangle, points, neighbours, _lattice_of(points, tree))


def _spread(mesh: TriangleMesh, areas_mm2: Float64) -> tuple[Int32, Float64]:
    """Triangles int32 (s,) in proportion to their areas, and a point (s, 3) on each."""
    reached = np.cumsum(areas_mm2)
    place = (np.arange(SKETCH_POINTS) + 0.5) / SKETCH_POINTS * reached[-1]
    triangle = np.minimum(np.searchsorted(reached, place), len(reached) - 1).astype(np.int32)
    a, b = (np.modf((np.arange(SKETCH_POINTS) + 1.0) * step)[0] for step in _GOLDEN)
    a, b = np.where(a + b > 1.0, 1.0 - a, a), np.where(a + b > 1.0, 1.0 - b, b)
    corners = mesh.vertices_mm[mesh.triangles[triangle]]
    return triangle, corners[:, 0] + a[:, None] * (corners[:, 1] - corners[:, 0]) + b[:, None] * (
        corners[:, 2] - corners[:, 0]
    )


def _lattice_of(points: Float64, tree: cKDTree) -> Lattice:
    lower, upper = bounds_of(points)
    margin = MARGIN * float((upper - lower).max())
    side = (float((upper - lower).max()) + 2.0 * margin) / CUBES
    counts = [int(count) for count in np.ceil((upper - lower + 2.0 * margin) / side)]
    middles = np.indices(counts).reshape(3, -1).T + 0.5
    places = np.ascontiguousarray(lower - margin + side * middles)
    first = np.empty(len(places), dtype=np.int32)

    def work(start: int, stop: int) -> None:
        first[start:stop] = tree.query(places[start:stop])[1]

    over_chunks(len(places), work, chunk=4_096)
    return Lattice(lower - margin, side, first.reshape(counts))
