"""Meshes of known shape, and a slow closest point to compare with."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from appliance.cad.records import TriangleMesh

Array = npt.NDArray[np.float64]


def mesh_of(vertices: object, triangles: object) -> TriangleMesh:
    faces = np.array(triangles, dtype=np.int32)
    return TriangleMesh(np.array(vertices, dtype=np.float64), faces, np.full(len(faces), -1, np.int32))


def box(lower: tuple[float, float, float], upper: tuple[float, float, float]) -> TriangleMesh:
    """A closed box of twelve triangles."""
    spans = list(zip(lower, upper, strict=True))
    vertices = [(x, y, z) for x in spans[0] for y in spans[1] for z in spans[2]]
    sides = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    return mesh_of(vertices, [face for a, b, c, d in sides for face in ((a, b, c), (a, c, d))])


def box_distance(points: Array, lower: Array, upper: Array) -> Array:
    """Signed distance to a box, in closed form."""
    beyond = np.abs(points - (lower + upper) / 2) - (upper - lower) / 2
    return np.linalg.norm(np.maximum(beyond, 0), axis=1) + np.minimum(beyond.max(axis=1), 0)


def prism(outline: Array, height: float) -> TriangleMesh:
    """An extruded polygon, counter-clockwise and star-shaped about its first corner; caps are fans from that corner."""
    n = len(outline)
    here, there = np.arange(n), (np.arange(n) + 1) % n
    vertices = np.concatenate([np.column_stack([outline, np.full(n, z)]) for z in (0.0, height)])
    fan = np.stack([np.zeros(n - 2, int), here[1:-1], here[2:]], axis=1)
    walls = [np.stack([here, there, n + there], 1), np.stack([here, n + there, n + here], 1)]
    return mesh_of(vertices, np.concatenate([fan[:, ::-1], fan + n, *walls]))


def bumpy_ball(around: int, seed: int = 3) -> TriangleMesh:
    """A closed, star-shaped body with ridges, dents and saddles."""
    rng = np.random.default_rng(seed)
    v = [(0.0, 0.0, 10.0), (0.0, 0.0, -10.0)]
    rows = around // 2
    for i in range(1, rows):
        for j in range(around):
            a, b = np.pi * i / rows, 2 * np.pi * j / around
            r = 10.0 * rng.uniform(0.55, 1.3)
            v.append((r * np.sin(a) * np.cos(b), r * np.sin(a) * np.sin(b), r * np.cos(a)))
    t = []
    for j in range(around):
        k = (j + 1) % around
        t += [(0, 2 + j, 2 + k), (1, 2 + (rows - 2) * around + k, 2 + (rows - 2) * around + j)]
        for i in range(rows - 2):
            a, b = 2 + i * around, 2 + (i + 1) * around
            t += [(a + j, b + j, b + k), (a + j, b + k, a + k)]
    return mesh_of(v, t)


def _segment(p: Array, a: Array, b: Array) -> Array:
    e = b - a
    square = float(e @ e)
    s = np.clip((p - a) @ e / square, 0, 1) if square > 0 else np.zeros(len(p), p.dtype)
    return np.linalg.norm(p - a - s[:, None] * e, axis=1)


def slow_distance(mesh: TriangleMesh, points: Array) -> Array:
    """Unsigned distances by every triangle, in extended precision: plane where the foot is inside, else edges."""
    p = points.astype(np.longdouble)
    best = np.full(len(p), np.inf, np.longdouble)
    for a, b, c in mesh.vertices_mm.astype(np.longdouble)[mesh.triangles]:
        best = np.minimum(best, np.minimum(np.minimum(_segment(p, a, b), _segment(p, b, c)), _segment(p, c, a)))
        n = np.cross(b - a, c - a)
        square = float(n @ n)
        if square > 0:
            inside = np.ones(len(p), bool)
            for one, two in ((a, b), (b, c), (c, a)):
                inside &= (p - one) @ np.cross(n, two - one) >= 0
            best = np.where(inside, np.minimum(best, np.abs((p - a) @ n) / np.sqrt(n @ n)), best)
    return best.astype(np.float64)


def winding(mesh: TriangleMesh, points: Array) -> Array:
    """Winding number: 1 inside a closed mesh, 0 outside (van Oosterom & Strackee 1983)."""
    total = np.zeros(len(points))
    for corner in mesh.vertices_mm[mesh.triangles]:
        a, b, c = (q - points for q in corner)
        la, lb, lc = (np.linalg.norm(q, axis=1) for q in (a, b, c))
        over = (a * np.cross(b, c)).sum(1)
        under = la * lb * lc + (a * b).sum(1) * lc + (b * c).sum(1) * la + (c * a).sum(1) * lb
        total += 2 * np.arctan2(over, under)
    return total / (4 * np.pi)
