"""Compile the kernels of this package ahead of their first use."""

from __future__ import annotations

import numpy as np

from appliance.alignment.facing import Viewpoints
from appliance.alignment.fit import align
from appliance.alignment.rigid import apply_in_place
from appliance.alignment.sampling import drawn
from appliance.cad.records import TriangleMesh, Zone
from appliance.mesh.surface import Surface


def warm_up() -> None:
    """Fit a small tetrahedron by its datums: every kernel is called with the types that production uses."""
    vertices = np.array([[0.0, 0.0, 0.0], [9.0, 0.0, 0.0], [0.0, 7.0, 0.0], [0.0, 0.0, 5.0]])
    triangles = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]], dtype=np.int32)
    surface = Surface.build(TriangleMesh(vertices, triangles, np.arange(4, dtype=np.int32)))
    steps = np.linspace(0.02, 0.98, 20)
    a, b = (axis.ravel() for axis in np.meshgrid(steps, steps))
    inside = a + b < 1.0
    weights = np.stack([1.0 - a - b, a, b], axis=1)[inside]
    points = np.concatenate([weights @ vertices[triangle] for triangle in triangles])
    zones = {"base": Zone("base", np.array([0], dtype=np.int32))}
    align(surface, points, mode="datum", zones=zones, datums=("base",), start=np.eye(4), tolerance_mm=0.1, cell_mm=1.0)
    outward = np.repeat(surface.face_normals, len(weights), axis=0).astype(np.float32)
    viewpoints = Viewpoints(np.zeros(len(points), dtype=np.uint16), np.array([[20.0, 20.0, 20.0]]))
    align(
        surface, points, mode="best_fit_all", zones=zones, tolerance_mm=0.1, cell_mm=1.0, normals=outward,
        viewpoints=viewpoints,
    )  # fmt: skip
    drawn(100, 50)
    apply_in_place(np.eye(4), points)
