"""Time from points to field: ``python tests/bench/field.py [million points]``.

A wavy sheet of 500,000 triangles, seen from one setup, points in scan lines with 30 um of noise.  Prints seconds and
extra bytes a point of each pass; the alignment and the mesh index are not part of it.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from appliance.cad.records import TriangleMesh, Zone
from appliance.deviation.cells import SurfaceCells
from appliance.deviation.compare import compare
from appliance.deviation.coverage import coverage, largest_uncovered_mm
from appliance.deviation.field import field_of, values_on
from appliance.deviation.neighbourhood import examine
from appliance.deviation.statistics import statistics
from appliance.deviation.warm import warm_up
from appliance.mesh.surface import Surface
from appliance.qc.quantities import sampling_u_of_extreme

SIDE_MM = 500.0
STEPS = 500


def height(x: Any, y: Any) -> Any:
    """The sheet: waves of 4 mm over 60 mm."""
    return 4.0 * np.sin(2 * np.pi * x / 60.0) * np.cos(2 * np.pi * y / 60.0)


def sheet() -> TriangleMesh:
    x, y = np.meshgrid(*[np.linspace(0.0, SIDE_MM, STEPS + 1)] * 2, indexing="ij")
    a = (np.arange(STEPS)[:, None] * (STEPS + 1) + np.arange(STEPS)).ravel()
    b, c, d = a + STEPS + 1, a + STEPS + 2, a + 1
    triangles = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)]).astype(np.int32)
    vertices = np.stack([x, y, height(x, y)], axis=-1).reshape(-1, 3)
    return TriangleMesh(vertices, triangles, np.zeros(len(triangles), dtype=np.int32))


def timed(name: str, count: int, work: Callable[[], Any]) -> Any:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - start
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    print(
        f"{name:22s} {seconds:7.2f} s  {count / seconds / 1e6:8.1f} Mpt/s  peak +{grown / count:5.1f} B/pt", flush=True
    )
    return result


def main() -> None:
    count = int(float(sys.argv[1] if len(sys.argv) > 1 else "5") * 1e6)
    warm_up()
    rng = np.random.default_rng(1)
    lines = int(np.sqrt(count))
    x, y = np.meshgrid(*[np.linspace(0.1, SIDE_MM - 0.1, lines)] * 2, indexing="ij")
    points = np.stack([x, y, height(x, y)], axis=-1).reshape(-1, 3)
    points += rng.normal(0.0, 0.03, points.shape)
    count = len(points)
    isolation = 4 * SIDE_MM / lines
    station = np.zeros(count, dtype=np.uint16)
    surface = timed("index (mesh)", count, lambda: Surface.build(sheet()))
    zone = Zone("all", np.arange(len(surface.mesh.triangles), dtype=np.int32))
    seen = timed(
        "examine",
        count,
        lambda: examine(points, isolation_mm=isolation, station=station, station_positions_mm=[(250.0, 250.0, 2000.0)]),
    )
    deviations = timed("compare (mesh)", count, lambda: compare(surface, points, seen, cap_mm=2.0))
    print(f"isolated {int(seen.isolated.sum())}, without foot {int(np.isnan(deviations.compatible_mm).sum())}")
    timed("statistics", count, lambda: statistics(deviations.deviation_mm, seen.isolated))
    for step in (2.0, 0.5):
        cells = timed(f"cells {step} mm", count, lambda step=step: SurfaceCells.build(surface, zone, cell_mm=step))
        where = timed(
            "values on cells",
            count,
            lambda c=cells: values_on(c, surface, points, deviations.compatible_triangle, deviations.compatible_mm),
        )
        field = timed("field", count, lambda c=cells, w=where: field_of(c, *w))
        timed("coverage", count, lambda f=field: (coverage(f), largest_uncovered_mm(f)))
        timed("sampling max", count, lambda f=field: sampling_u_of_extreme(f.mean_mm[f.count >= 5], largest=True))
        print(f"{len(cells)} cells, coverage {coverage(field):.4f}")


if __name__ == "__main__":
    main()
