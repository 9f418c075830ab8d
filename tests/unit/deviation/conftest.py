"""Shapes with known areas and normals, and points on them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from appliance.cad.records import TriangleMesh, Zone

Float64 = npt.NDArray[np.float64]


def box_mesh(sides: tuple[float, float, float], corner: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> TriangleMesh:
    """A closed box; faces 0..5 are -x, +x, -y, +y, -z, +z, two triangles each."""
    unit = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], dtype=np.float64)
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    triangles = [t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))]
    faces = np.repeat(np.arange(6), 2).astype(np.int32)
    return TriangleMesh(unit * sides + np.array(corner), np.array(triangles, dtype=np.int32), faces)


def grid_mesh(place: Callable[[Float64, Float64], Float64], u: Float64, v: Float64) -> TriangleMesh:
    """The surface place(u, v) -> (..., 3), two triangles per grid square."""
    rows, columns = len(u), len(v)
    vertices = place(*np.meshgrid(u, v, indexing="ij")).reshape(-1, 3)
    a = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).ravel()
    b, c, d = a + columns, a + columns + 1, a + 1
    triangles = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)]).astype(np.int32)
    return TriangleMesh(vertices, triangles, np.zeros(len(triangles), dtype=np.int32))


def plane_mesh(width: float, depth: float) -> TriangleMesh:
    """A rectangle in z = 0 that looks up."""
    return grid_mesh(lambda x, y: np.stack([x, y, 0 * x], -1), np.array([0.0, width]), np.array([0.0, depth]))


def everything(mesh: TriangleMesh) -> Zone:
    return Zone("all", np.arange(len(mesh.triangles), dtype=np.int32))


def points_on(mesh: TriangleMesh, count: int, seed: int = 0) -> tuple[Float64, npt.NDArray[np.int32]]:
    """Uniform points on a mesh and the triangle of each."""
    rng = np.random.default_rng(seed)
    corners = mesh.vertices_mm[mesh.triangles]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    triangle = rng.choice(len(area), count, p=area / area.sum()).astype(np.int32)
    share = rng.random((count, 2))
    share[share.sum(axis=1) > 1.0] = 1.0 - share[share.sum(axis=1) > 1.0]
    a, b, c = corners[triangle].transpose(1, 0, 2)
    return a + share[:, :1] * (b - a) + share[:, 1:] * (c - a), triangle


class Shapes:
    """The builders above, for tests."""

    box = staticmethod(box_mesh)
    grid = staticmethod(grid_mesh)
    plane = staticmethod(plane_mesh)
    everything = staticmethod(everything)
    points_on = staticmethod(points_on)


@pytest.fixture(scope="session")
def shapes() -> type[Shapes]:
    return Shapes
