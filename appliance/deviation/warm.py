"""Compile and cache the kernels of this package, with the argument types that production uses."""

from __future__ import annotations

import numpy as np

from appliance.cad.records import TriangleMesh, Zone
from appliance.deviation.cells import SurfaceCells
from appliance.deviation.compare import compare
from appliance.deviation.field import field_of, values_on
from appliance.deviation.neighbourhood import examine
from appliance.deviation.statistics import counts_between, statistics
from appliance.mesh.surface import Surface


def warm_up() -> None:
    """Run every kernel once on a square of a few points."""
    corners = np.array([[0.0, 0.0, 0.0], [2.1, 0.0, 0.0], [2.1, 2.1, 0.0], [0.0, 2.1, 0.0]])
    triangles = np.array([[0, 1, 2], [0, 2, 3]], dtype=np.int32)
    surface = Surface.build(TriangleMesh(corners, triangles, np.zeros(2, dtype=np.int32)))
    cells = SurfaceCells.build(surface, Zone("all", np.arange(2, dtype=np.int32)), cell_mm=1.0)
    side = np.arange(0.0, 2.0, 0.2)
    points = np.stack([*np.meshgrid(side, side), np.full((len(side), len(side)), 0.01)], axis=-1).reshape(-1, 3)
    points = np.vstack([points, [[0.0, 0.0, 9.0]]])
    station = np.zeros(len(points), dtype=np.uint16)
    examine(points, isolation_mm=0.5)
    neighbourhood = examine(points, isolation_mm=0.5, station=station, station_positions_mm=[(0.0, 0.0, 99.0)])
    deviations = compare(surface, points, neighbourhood, cap_mm=1.0)
    counts_between(deviations.deviation_mm, neighbourhood.isolated, -1.0, 1.0, 4)
    statistics(deviations.deviation_mm, neighbourhood.isolated)
    statistics(deviations.deviation_mm)
    field_of(cells, *values_on(cells, surface, points, deviations.compatible_triangle, deviations.compatible_mm))
