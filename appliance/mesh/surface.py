"""The surface of a CAD mesh, ready to be asked for closest points: exact, signed, in float64."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.cad.records import TriangleMesh
from appliance.core.kernels import over_chunks, worker_count
from appliance.errors import InvalidInput
from appliance.mesh.compatible import Directions, Marks, compatible_feet
from appliance.mesh.feet import closest_feet, feet_in_space
from appliance.mesh.frames import Floats, Ints, bounds, triangle_frames
from appliance.mesh.grid import Grid, build_grid
from appliance.mesh.records import Feet
from appliance.mesh.topology import Shape, adjacency, corner_normals, face_normals
from appliance.mesh.tree import Tree, build_tree
from appliance.mesh.walls import wall_thickness

Progress = Callable[[float], None]
_NO_MARKS: Final = np.empty(0, dtype=np.bool_)


def _points(points_mm: npt.NDArray[np.float64]) -> Floats:
    """Points as the kernels take them: float64 (n, 3), contiguous."""
    points = np.ascontiguousarray(points_mm, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 3:
        raise InvalidInput("mesh.points.shape", f"Points have the shape {points.shape}.", "Give an array (n, 3) in mm.")
    return points.copy() if not points.flags.writeable else points


def _directions(normals: Directions) -> Directions:
    """Normals as the kernels take them: float32 stays, contiguous and writeable."""
    kind = np.float32 if normals.dtype == np.float32 else np.float64
    return np.require(normals, dtype=kind, requirements=["C", "W"])


def _checked(mesh: TriangleMesh) -> tuple[Floats, Ints]:
    """Vertices and triangles as the kernels take them."""
    vertices = np.array(mesh.vertices_mm, dtype=np.float64, order="C")
    triangles = np.array(mesh.triangles, dtype=np.int32, order="C")
    if not len(triangles) or triangles.ndim != 2 or triangles.shape[1] != 3 or vertices.shape[1:] != (3,):
        raise InvalidInput("mesh.empty", "The mesh has no triangles.", "Export the part as a triangle mesh.")
    if triangles.min() < 0 or triangles.max() >= len(vertices):
        raise InvalidInput("mesh.index", "A triangle names a vertex that the mesh does not have.", "Export it again.")
    if not np.isfinite(vertices).all():
        raise InvalidInput("mesh.nan", "A vertex of the mesh is not a finite number.", "Export the part again.")
    return vertices, triangles


def _normals(vertices: Floats, triangles: Ints, frames: Floats) -> tuple[Ints, Shape, Floats]:
    """Neighbours, the mesh with its pseudonormals, and the face normals."""
    neighbours, across, edge_normals = adjacency(triangles, len(vertices), frames)
    shape = Shape(frames, triangles, across, edge_normals, corner_normals(vertices, triangles, frames))
    return neighbours, shape, face_normals(frames, neighbours)


@dataclass(frozen=True, eq=False)
class Surface:
    """A triangle mesh with its index.  Lengths in mm, frame of the part.

    Attributes
    ----------
    mesh : the mesh as it was given
    face_normals : float64 (t, 3), of unit length, out of the material; never NaN, also where a triangle has no area
    areas_mm2 : float64 (t,)
    closed : every edge joins exactly two triangles, turned the same way
    neighbours : int32 (t, 3), the triangle across the edge from corner j to j + 1; -1 at a boundary and where
        more than two triangles meet or two are turned against each other
    """

    mesh: TriangleMesh
    face_normals: npt.NDArray[np.float64]
    areas_mm2: npt.NDArray[np.float64]
    closed: bool
    neighbours: npt.NDArray[np.int32]
    reach_mm: float
    _centre: Floats = field(repr=False)
    _shape: Shape = field(repr=False)
    _grid: Grid = field(repr=False)
    _tree: Tree = field(repr=False)

    @classmethod
    def build(cls, mesh: TriangleMesh, *, reach_mm: float = 0.5) -> Surface:
        """Index a mesh.  ``reach_mm`` is how far most points lie from it, at most: it sets speed, never results.

        Raises
        ------
        InvalidInput : no triangles, a vertex that is not there or not finite, a reach that is not above 0
        """
        if not 0.0 < reach_mm < np.inf:
            raise InvalidInput("mesh.reach", f"The reach {reach_mm} mm is not above 0.", "Give a length in mm.")
        vertices, triangles = _checked(mesh)
        lower, upper = bounds(vertices, triangles)
        centre = 0.5 * (lower + upper)
        vertices -= centre
        frames, areas = triangle_frames(vertices, triangles)
        with ThreadPoolExecutor(1) as beside:
            normals = beside.submit(_normals, vertices, triangles, frames)
            if worker_count() == 1:
                normals.result()
            grid = build_grid(frames, areas, lower - centre, upper - centre, reach_mm)
            tree = build_tree(frames, grid)
            neighbours, shape, faces = normals.result()
        return cls(
            mesh=mesh,
            face_normals=faces,
            areas_mm2=areas,
            closed=bool((neighbours >= 0).all()),
            neighbours=neighbours,
            reach_mm=reach_mm,
            _centre=centre,
            _shape=shape,
            _grid=grid,
            _tree=tree,
        )

    def closest(self, points_mm: npt.NDArray[np.float64], *, progress: Progress | None = None) -> Feet:
        """The closest foot of each point (n, 3), in any order; a point that is not finite has none.

        The sign is that of the body's outside on a closed mesh; see ``appliance.mesh.sign`` for open ones.
        The same input gives the same bits, whatever the number of threads.

        Memory: 12 bytes a point for the result, and 8 bytes for each of the 4 M points that are ordered at a time.
        """
        points = _points(points_mm)
        return Feet(*closest_feet(self._shape, self._grid, self._tree, self._centre, points, progress))

    def closest_compatible(
        self,
        points_mm: npt.NDArray[np.float64],
        normals: Directions,
        feet: Feet,
        *,
        min_dot: float = 0.5,
        cap_mm: float,
        unoriented: bool = False,
        loose: Marks | None = None,
        loose_dot: float = 0.0,
        without: Marks | None = None,
        progress: Progress | None = None,
    ) -> Feet:
        """The closest foot on a face with n_scan . n_face > ``min_dot`` within ``cap_mm``, else none.

        Parameters
        ----------
        normals : (n, 3), of the scanned surface, out of the material, any length; NaN or zero: no foot
        feet : of the same points, from ``closest``; those on a compatible face are kept as they are
        unoriented : the normals may point either way, |n_scan . n_face| counts
        loose : bool (n,), points that ``loose_dot`` holds for in the place of ``min_dot``
        without : bool (n,), points that have no foot

        For the sign see ``appliance.mesh.compatible``.
        """
        points, towards = _points(points_mm), _directions(normals)
        marks = [_NO_MARKS if mark is None else mark for mark in (loose, without)]
        others = (towards, feet.distance_mm, feet.triangle, *(mark for mark in marks if mark is not _NO_MARKS))
        if any(len(other) != len(points) for other in others):
            raise InvalidInput("mesh.points.count", "Points, normals, feet and marks differ in number.", "")
        distance, triangle = np.empty(len(points)), np.empty(len(points), dtype=np.int32)
        dots = max(min_dot, -1.0), max(loose_dot, -1.0)

        def work(start: int, stop: int) -> None:
            part = slice(start, stop)
            compatible_feet(
                self._shape.frames, self._shape.triangles, self.neighbours, self._tree, self._centre, points[part],
                towards[part], marks[0][part], marks[1][part], *dots, float(cap_mm), unoriented,
                feet.distance_mm[part], feet.triangle[part], distance[part], triangle[part],
            )  # fmt: skip

        over_chunks(len(points), work, chunk=16_384, progress=progress)
        return Feet(distance, triangle)

    def foot_points(self, points_mm: npt.NDArray[np.float64], feet: Feet) -> npt.NDArray[np.float64]:
        """Where the feet lie, float64 (n, 3); NaN where there is none."""
        points = _points(points_mm)
        triangle, found = np.array(feet.triangle, dtype=np.int32), np.empty_like(points)

        def work(start: int, stop: int) -> None:
            feet_in_space(self._shape.frames, self._centre, points[start:stop], triangle[start:stop], found[start:stop])

        over_chunks(len(points), work)
        return found

    def wall_thickness_mm(
        self, points_mm: npt.NDArray[np.float64], triangle: npt.NDArray[np.int32], limit_mm: float
    ) -> npt.NDArray[np.float64]:
        """How far along the inward normal the opposing face lies from points on ``triangle``.

        Returns
        -------
        float64 (n,): ``inf`` where no face with n . n' < 0 lies within ``limit_mm``, NaN where triangle is -1
        """
        points, own = _points(points_mm), np.array(triangle, dtype=np.int32)
        thickness = np.empty(len(points))

        def work(start: int, stop: int) -> None:
            wall_thickness(
                self._shape.frames, self._tree, self._centre, points[start:stop], own[start:stop],
                float(limit_mm), thickness[start:stop],
            )  # fmt: skip

        over_chunks(len(points), work, chunk=16_384)
        return thickness
