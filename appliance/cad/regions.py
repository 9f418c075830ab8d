"""Parts of a surface found by geometry: what a box touches, what surrounds a seed up to a crease."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.cad.records import Box, TriangleMesh
from appliance.cad.topology import Topology
from appliance.core.kernels import inline_kernel, kernel
from appliance.errors import InvalidInput

Float64 = npt.NDArray[np.float64]

#: Turn between neighbouring triangles at which a face group ends, where the zone file names none.
DEFAULT_CREASE_DEG: Final = 20.0
#: A seed farther than this from the surface was probably meant for another place.
SEED_REACH_MM: Final = 1.0


@dataclass(frozen=True)
class Seed:
    """A face group: from the triangle nearest to ``at_mm`` over every edge that turns by at most ``crease_deg``.

    ``normal``, where given, also asks that each triangle looks within ``crease_deg`` of it.
    """

    at_mm: tuple[float, float, float]
    crease_deg: float = DEFAULT_CREASE_DEG
    normal: tuple[float, float, float] | None = None


def touching(mesh: TriangleMesh, box: Box) -> npt.NDArray[np.bool_]:
    """For each triangle, whether it shares a point with ``box`` (walls included).

    Source: separating axes of a triangle and a box, Akenine-Moller 2001, doi:10.1080/10867651.2001.10487535
    """
    lower, upper = np.array(box.lower_mm), np.array(box.upper_mm)
    corners = mesh.vertices_mm[mesh.triangles]
    touched = np.all((corners.min(axis=1) <= upper) & (corners.max(axis=1) >= lower), axis=1)
    rows = np.flatnonzero(touched)
    touched[rows] = ~_separated(corners[rows] - (lower + upper) / 2.0, (upper - lower) / 2.0)
    return np.asarray(touched)


def _separated(corners: Float64, half: Float64) -> npt.NDArray[np.bool_]:
    """Whether the triangle's plane, or the cross product of an edge and an axis, parts them from the centred box."""
    edges = np.roll(corners, -1, axis=1) - corners
    axes = [np.cross(edges[:, 0], edges[:, 1])]
    axes += [np.cross(edges[:, edge], np.eye(3)[axis]) for edge in range(3) for axis in range(3)]
    apart = np.zeros(len(corners), dtype=np.bool_)
    for axis in axes:
        along = np.einsum("tkj,tj->tk", corners, axis)
        reach = np.abs(axis) @ half
        slack = 1e-12 * (reach + np.abs(along).max(axis=1, initial=0.0))
        apart |= (along.min(axis=1) > reach + slack) | (along.max(axis=1) < -reach - slack)
    return apart


def face_group(mesh: TriangleMesh, edges: Topology, seed: Seed) -> npt.NDArray[np.int32]:
    """Triangles of a face group, sorted.

    Raises
    ------
    InvalidInput : the seed is not on the surface, or lies on a triangle that does not look along ``normal``
    """
    nearest, distance_mm = _nearest_triangle(
        mesh.vertices_mm, np.ascontiguousarray(mesh.triangles), np.array(seed.at_mm, dtype=np.float64)
    )
    if not distance_mm <= SEED_REACH_MM:
        message = f"The seed {seed.at_mm} is {distance_mm:.3g} mm from the surface, more than {SEED_REACH_MM:g} mm."
        raise InvalidInput("cad.zone.seed", message, "Put the seed on the surface.")
    normals = unit_normals(mesh)
    limit = np.cos(np.radians(seed.crease_deg)) - 1e-12
    allowed = np.ones(len(normals), dtype=np.bool_)
    if seed.normal is not None:
        allowed = normals @ (np.array(seed.normal) / np.linalg.norm(seed.normal)) >= limit
        if not allowed[nearest]:
            message = f"The surface at the seed {seed.at_mm} does not look along {seed.normal}."
            raise InvalidInput("cad.zone.seed", message, "Check the seed and its normal.")
    inside = _flood(edges.edge_of_corner, edges.pair, edges.count, normals, allowed, nearest, limit)
    return np.flatnonzero(inside).astype(np.int32)


def unit_normals(mesh: TriangleMesh) -> Float64:
    """Unit normals of triangles; zero where a triangle has no area."""
    a, b, c = (mesh.vertices_mm[mesh.triangles[:, corner]] for corner in range(3))
    normals = np.cross(b - a, c - a)
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    return np.asarray(np.divide(normals, length, out=np.zeros_like(normals), where=length > 0.0))


@kernel
def _flood(
    edge_of_corner: npt.NDArray[np.int32],
    pair: npt.NDArray[np.int32],
    count: npt.NDArray[np.int32],
    normals: Float64,
    allowed: npt.NDArray[np.bool_],
    start: int,
    limit: float,
) -> npt.NDArray[np.bool_]:
    """Triangles reached from ``start`` over edges of exactly two triangles whose normals agree."""
    inside = np.zeros(edge_of_corner.shape[0], dtype=np.bool_)
    stack = np.empty(edge_of_corner.shape[0], dtype=np.int32)
    inside[start] = True
    stack[0] = start
    depth = 1
    while depth > 0:
        depth -= 1
        here = stack[depth]
        for corner in range(3):
            edge = edge_of_corner[here, corner]
            if edge < 0 or count[edge] != 2:
                continue
            there = pair[edge, 0] if pair[edge, 1] == here else pair[edge, 1]
            turn = (
                normals[here, 0] * normals[there, 0]
                + normals[here, 1] * normals[there, 1]
                + normals[here, 2] * normals[there, 2]
            )
            if not inside[there] and allowed[there] and turn >= limit:
                inside[there] = True
                stack[depth] = there
                depth += 1
    return inside


@kernel
def _nearest_triangle(vertices: Float64, triangles: npt.NDArray[np.int32], point: Float64) -> tuple[int, float]:
    """The first of the triangles nearest to ``point``, and its distance."""
    best, nearest = np.inf, 0
    for row in range(triangles.shape[0]):
        a, b, c = vertices[triangles[row, 0]], vertices[triangles[row, 1]], vertices[triangles[row, 2]]
        gap = 0.0
        for axis in range(3):
            below = min(a[axis], b[axis], c[axis]) - point[axis]
            above = point[axis] - max(a[axis], b[axis], c[axis])
            gap += max(below, above, 0.0) ** 2
        if gap >= best:
            continue
        squared = _squared_distance(a, b, c, point)
        if squared < best:
            best, nearest = squared, row
    return nearest, np.sqrt(best)


@inline_kernel
def _dot(u: Float64, v: Float64) -> float:
    return u[0] * v[0] + u[1] * v[1] + u[2] * v[2]  # type: ignore[no-any-return]


@inline_kernel
def _squared_distance_to_edge(a: Float64, b: Float64, p: Float64) -> float:
    along, to_point = b - a, p - a
    length = _dot(along, along)
    share = min(1.0, max(0.0, _dot(to_point, along) / length)) if length > 0.0 else 0.0
    rest = to_point - share * along
    return _dot(rest, rest)


@inline_kernel
def _squared_distance(a: Float64, b: Float64, c: Float64, p: Float64) -> float:
    """Squared distance from ``p`` to a triangle: to its plane if the foot lies inside, else to its edges."""
    nearest = min(
        _squared_distance_to_edge(a, b, p), _squared_distance_to_edge(b, c, p), _squared_distance_to_edge(c, a, p)
    )
    ab, ac, ap = b - a, c - a, p - a
    normal = np.cross(ab, ac)
    size = _dot(normal, normal)
    if size > 0.0:
        s, t = _dot(np.cross(ap, ac), normal) / size, _dot(np.cross(ab, ap), normal) / size
        if s >= 0.0 and t >= 0.0 and s + t <= 1.0:
            nearest = min(nearest, _dot(ap, normal) ** 2 / size)
    return nearest
