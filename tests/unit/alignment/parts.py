"""Parts of a few triangles, and scans of them with known truth, for the tests of the fit."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from appliance.cad.records import TriangleMesh, Zone

Float64 = npt.NDArray[np.float64]
_BOX = np.array(
    [
        [0, 3, 2], [0, 2, 1],  # bottom
        [4, 5, 6], [4, 6, 7],  # top
        [0, 1, 5], [0, 5, 4],  # front (-y)
        [1, 2, 6], [1, 6, 5],  # right (+x)
        [2, 3, 7], [2, 7, 6],  # back (+y)
        [3, 0, 4], [3, 4, 7],  # left (-x)
    ],
    dtype=np.int32,
)  # fmt: skip
SIDES = ("bottom", "top", "front", "right", "back", "left")


def merged(*meshes: TriangleMesh) -> TriangleMesh:
    """Bodies side by side in one mesh, a CAD face for each face of each."""
    vertices, triangles, faces, v, f = [], [], [], 0, 0
    for mesh in meshes:
        vertices.append(mesh.vertices_mm)
        triangles.append(mesh.triangles + np.int32(v))
        faces.append(mesh.face_of_triangle + np.int32(f))
        v, f = v + len(mesh.vertices_mm), f + int(mesh.face_of_triangle.max()) + 1
    return TriangleMesh(np.concatenate(vertices), np.concatenate(triangles), np.concatenate(faces))


def box(size: tuple[float, float, float], centre: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> TriangleMesh:
    """A box; its faces are ``SIDES`` in that order."""
    corners = np.array(
        [[-1, -1, -1], [1, -1, -1], [1, 1, -1], [-1, 1, -1], [-1, -1, 1], [1, -1, 1], [1, 1, 1], [-1, 1, 1]], float
    )
    return TriangleMesh(
        corners * np.array(size) / 2.0 + centre, _BOX.copy(), np.repeat(np.arange(6), 2).astype(np.int32)
    )


def cylinder(radius: float, height: float, facets: int, centre: tuple[float, float, float] = (0, 0, 0)) -> TriangleMesh:
    """A faceted cylinder along z: faces wall 0, bottom 1, top 2."""
    angle = 2 * np.pi * np.arange(facets) / facets
    ring = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    low, high = np.full((facets, 1), -height / 2), np.full((facets, 1), height / 2)
    vertices = np.concatenate(
        [np.hstack([ring, low]), np.hstack([ring, high]), [[0, 0, -height / 2], [0, 0, height / 2]]]
    )
    i, j = np.arange(facets), (np.arange(facets) + 1) % facets
    bottom, top = np.full(facets, 2 * facets), np.full(facets, 2 * facets + 1)
    triangles = np.concatenate(
        [
            np.stack([i, j, j + facets], axis=1),
            np.stack([i, j + facets, i + facets], axis=1),
            np.stack([bottom, j, i], axis=1),
            np.stack([top, i + facets, j + facets], axis=1),
        ]
    )
    faces = np.concatenate([np.zeros(2 * facets), np.ones(facets), np.full(facets, 2)])
    return TriangleMesh(vertices + np.array(centre), triangles.astype(np.int32), faces.astype(np.int32))


def plate_with_studs(*places: tuple[float, float], size: tuple[float, float, float] = (120, 80, 10)) -> TriangleMesh:
    """A plate with studs of diameter 16 and height 24 at ``places``, standing out of its top."""
    studs = [cylinder(8.0, 34.0, 24, (x, y, size[2] / 2 + 7.0)) for x, y in places]
    return merged(box(size), *studs)


def bracket() -> TriangleMesh:
    """A part without any symmetry: a base, a wall, a rib and two studs, 300 mm long."""
    return merged(
        box((300, 180, 20)),
        box((20, 180, 120), (-140, 0, 70)),
        box((120, 16, 60), (-70, 50, 40)),
        cylinder(22.0, 50.0, 36, (90, -40, 35)),
        cylinder(12.0, 90.0, 24, (40, -60, 55)),
    )


def zones_by_face(mesh: TriangleMesh, names: tuple[str, ...] = SIDES) -> dict[str, Zone]:
    """A zone a face, by the names given."""
    return {
        name: Zone(name, np.flatnonzero(mesh.face_of_triangle == number).astype(np.int32))
        for number, name in enumerate(names)
    }


def scan_of(mesh: TriangleMesh, count: int, noise_mm: float, seed: int) -> tuple[Float64, npt.NDArray[np.int64]]:
    """Points spread evenly over the surface with Gaussian noise along the normals, and their triangles."""
    rng = np.random.default_rng(seed)
    corners = mesh.vertices_mm[mesh.triangles]
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(cross, axis=1)
    triangle = rng.choice(len(area), count, p=area / area.sum())
    a, b = rng.random(count), rng.random(count)
    a, b = np.where(a + b > 1, 1 - a, a), np.where(a + b > 1, 1 - b, b)
    own = corners[triangle]
    points = own[:, 0] + a[:, None] * (own[:, 1] - own[:, 0]) + b[:, None] * (own[:, 2] - own[:, 0])
    normal = cross[triangle] / area[triangle, None]
    return points + noise_mm * rng.standard_normal(count)[:, None] * normal, triangle


def motion(degrees: tuple[float, float, float], shift: tuple[float, float, float]) -> Float64:
    """A rigid motion, by an independent library."""
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_rotvec(np.radians(degrees)).as_matrix()
    matrix[:3, 3] = shift
    return matrix


def moved(matrix: Float64, points: Float64) -> Float64:
    """Points moved with plain numpy."""
    return np.asarray(points @ matrix[:3, :3].T + matrix[:3, 3])
