"""Compile and cache the kernels of this package, on the types that production uses."""

from __future__ import annotations

import numpy as np

from appliance.cad.records import TriangleMesh
from appliance.mesh.surface import Surface


def warm_up() -> None:
    """Run every kernel once on a tetrahedron with an edge of three triangles and one without area."""
    vertices = np.array([[0, 0, 0], [9, 0, 0], [0, 9, 0], [0, 0, 9], [4.5, 0, 0]], dtype=np.float64)
    corners = [[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3], [1, 0, 2], [0, 4, 1]]
    triangles = np.array(corners, dtype=np.int32)
    surface = Surface.build(TriangleMesh(vertices, triangles, np.full(len(triangles), -1, np.int32)))
    points = np.array([[1.0, 1.0, 0.1], [40.0, 0.0, 0.0], [np.nan, 0.0, 0.0]])
    feet = surface.closest(points)
    surface.closest_compatible(points, np.ones((3, 3)), feet, cap_mm=50.0)
    surface.closest_compatible(points, np.ones((3, 3), dtype=np.float32), feet, cap_mm=50.0)
    surface.wall_thickness_mm(surface.foot_points(points, feet), feet.triangle, 10.0)
