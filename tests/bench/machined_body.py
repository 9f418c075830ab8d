"""A large machined assembly as a mesh with the slivers of CAD export, and scan points near it.

Gears with tall one-piece flanks (aspect ratios beyond 100) and fans or spokes as caps, finely
triangulated freeform rings, and plates of few large triangles.  Every body is closed.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from appliance.cad.records import TriangleMesh

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]


def _gear(points: int, radius: float, height: float, fan: bool) -> tuple[Array, Index]:
    """An extruded gear outline; caps are fans about the middle, or spokes to a bore."""
    turn = np.linspace(0.0, 2 * np.pi, points, endpoint=False)
    wave = radius + 2.0 * np.tanh(3.0 * np.sin(24 * turn))
    outline = np.stack([wave * np.cos(turn), wave * np.sin(turn)], axis=1)
    bore = 0.3 * radius * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    here, there = np.arange(points), (np.arange(points) + 1) % points

    def ring(flat: Array, z: float) -> Array:
        return np.column_stack([flat, np.full(len(flat), z)])

    def wall(low: int, high: int) -> list[Index]:
        return [
            np.stack([low + here, low + there, high + there], axis=1),
            np.stack([low + here, high + there, high + here], axis=1),
        ]

    n = points
    vertices = [ring(outline, 0.0), ring(outline, height)]
    faces = wall(0, n)
    if fan:
        vertices.append(np.array([[0.0, 0.0, 0.0], [0.0, 0.0, height]]))
        faces.append(np.stack([there, here, np.full(n, 2 * n)], axis=1))
        faces.append(np.stack([n + here, n + there, np.full(n, 2 * n + 1)], axis=1))
    else:
        vertices += [ring(bore, 0.0), ring(bore, height)]
        faces += wall(n, 3 * n) + wall(3 * n, 2 * n) + wall(2 * n, 0)
    return np.concatenate(vertices), np.concatenate(faces)


def _ring(around: int, across: int, radius: float, tube: float) -> tuple[Array, Index]:
    """A torus whose tube swells and narrows: freeform, finely triangulated."""
    u, v = np.meshgrid(
        np.linspace(0, 2 * np.pi, around, endpoint=False), np.linspace(0, 2 * np.pi, across, endpoint=False),
        indexing="ij",
    )  # fmt: skip
    r = tube * (1 + 0.15 * np.sin(5 * u) * np.cos(2 * v))
    vertices = np.stack([(radius + r * np.cos(v)) * np.cos(u), (radius + r * np.cos(v)) * np.sin(u), r * np.sin(v)], -1)
    i, j = np.meshgrid(np.arange(around), np.arange(across), indexing="ij")
    a, b = i * across + j, (i + 1) % around * across + j
    c, d = (i + 1) % around * across + (j + 1) % across, i * across + (j + 1) % across
    faces = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])
    return vertices.reshape(-1, 3), faces


def _plate(width: float, cells: int, thick: float) -> tuple[Array, Index]:
    """A square plate of ``cells`` x ``cells`` squares on top and bottom, one strip around."""
    edge = np.linspace(0.0, width, cells + 1)
    x, y = np.meshgrid(edge, edge, indexing="ij")
    n = cells + 1
    flat = np.stack([x.ravel(), y.ravel()], axis=1)
    i, j = np.meshgrid(np.arange(cells), np.arange(cells), indexing="ij")
    a, b, c, d = (i * n + j).ravel(), ((i + 1) * n + j).ravel(), ((i + 1) * n + j + 1).ravel(), (i * n + j + 1).ravel()
    top = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
    vertices = np.concatenate([np.column_stack([flat, np.full(n * n, z)]) for z in (0.0, thick)])
    rim = np.concatenate(
        [np.arange(cells) * n, cells * n + np.arange(cells), n * n - 1 - np.arange(cells) * n, cells - np.arange(cells)]
    )
    after = np.roll(rim, -1)
    wall = np.concatenate([np.stack([rim, after, after + n * n], 1), np.stack([rim, after + n * n, rim + n * n], 1)])
    return vertices, np.concatenate([top[:, ::-1], top + n * n, wall])


def machined_body(scale: float = 1.0) -> TriangleMesh:
    """About 1.1 M triangles at ``scale`` 1, 3.5 m2; the parts do not touch."""
    parts: list[tuple[Array, Index]] = []
    for k in range(36):
        vertices, faces = _gear(max(24, int((2000 + 70 * k) * scale)), 55.0, 60.0 if k % 3 else 12.0, k % 2 == 0)
        parts.append((vertices + [150.0 * (k % 6), 150.0 * (k // 6), 0.0], faces))
    for k in range(9):
        vertices, faces = _ring(max(16, int(350 * scale**0.5)), max(8, int(110 * scale**0.5)), 120.0, 28.0)
        parts.append((vertices + [290.0 * (k % 3), 290.0 * (k // 3), 150.0], faces))
    for k in range(4):
        vertices, faces = _plate(400.0, 13, 8.0)
        parts.append((vertices + [450.0 * (k % 2) - 80.0, 450.0 * (k // 2) - 80.0, -60.0], faces))
    start = np.cumsum([0] + [len(v) for v, _ in parts[:-1]])
    triangles = np.concatenate([f + s for (_, f), s in zip(parts, start, strict=True)]).astype(np.int32)
    return TriangleMesh(np.concatenate([v for v, _ in parts]), triangles, np.full(len(triangles), -1, np.int32))


def scan_points(mesh: TriangleMesh, count: int, *, spread_mm: float, seed: int = 7) -> Array:
    """Points about the surface, spread along its normals (normal, cut at 1 mm), in the lines of six views."""
    rng = np.random.default_rng(seed)
    corners = mesh.vertices_mm[mesh.triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(normals, axis=1)
    chosen = rng.choice(len(area), size=count, p=area / area.sum())
    a, b = rng.random(count), rng.random(count)
    fold = a + b > 1
    a[fold], b[fold] = 1 - a[fold], 1 - b[fold]
    c, n = corners[chosen], normals[chosen] / area[chosen, None]
    on = c[:, 0] + a[:, None] * (c[:, 1] - c[:, 0]) + b[:, None] * (c[:, 2] - c[:, 0])
    points = on + np.clip(rng.normal(0.0, spread_mm, count), -1, 1)[:, None] * n
    axis = np.abs(n).argmax(axis=1)
    view = 2 * axis + (n[np.arange(count), axis] > 0)
    line = np.floor(points[np.arange(count), (axis + 1) % 3] / 0.8).astype(np.int64)
    order = np.lexsort((points[np.arange(count), (axis + 2) % 3], line, view))
    return np.ascontiguousarray(points[order])
