"""Fit of a million points against its bar, and against the bare queries that no exact fit can do without.

    python tests/bench/alignment.py [points] [runs]

A block of 400 x 300 x 120 mm with three studs, noise of 0.1 mm, a start that is off by 5 mm and 0.5 degrees.
Bar: the transform within 5 um (at the middle of the scan) and 5 microrad of the truth in under 10 s, jackknife
and search for rivals included.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from appliance.alignment import warm_up
from appliance.alignment.fit import align
from appliance.mesh.surface import Surface


def parts() -> Any:
    path = Path(__file__).resolve().parent.parent / "unit" / "alignment" / "parts.py"
    spec = importlib.util.spec_from_file_location("parts", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main(count: int, runs: int) -> None:
    make = parts()
    mesh = make.plate_with_studs((110, 60), (-150, -50), (30, -110), size=(400, 300, 120))
    surface = Surface.build(mesh)
    zones = make.zones_by_face(mesh)
    warm_up()
    for run in range(runs):
        points, _ = make.scan_of(mesh, count, 0.1, seed=100 + run)
        truth = make.motion((20.0, -35.0, 50.0), (1500.0, -800.0, 400.0))
        scan = make.moved(truth, points)
        axis = np.array([0.6, 0.0, 0.8])
        start = make.motion(tuple(0.5 * axis), tuple(5.0 * axis)) @ np.linalg.inv(truth)
        begun = time.perf_counter()
        surface.closest(points)
        bare = time.perf_counter() - begun
        marks: list[tuple[float, float]] = []
        begun = time.perf_counter()
        found = align(
            surface, scan, mode="best_fit_all", zones=zones, start=start, tolerance_mm=0.5, cell_mm=1.0,
            progress=lambda share: marks.append((share, time.perf_counter())),  # noqa: B023
        )  # fmt: skip
        took = time.perf_counter() - begun
        rest = found.part_from_scanner @ truth
        centre = found.pivot_mm
        shift = float(np.linalg.norm(rest[:3, :3] @ centre + rest[:3, 3] - centre))
        turn = float(Rotation.from_matrix(rest[:3, :3]).magnitude())
        queries = found.details["steps"] + 1
        print(
            f"run {run}: {count} points, {took:.2f} s (bar 10); off by {1e3 * shift:.3f} um, {1e6 * turn:.2f} urad "
            f"(bar 5, 5); stated u {1e3 * (found.translation_u_mm or 0):.3f} um, "
            f"{1e6 * (found.rotation_u_rad or 0):.2f} urad; "
            f"{queries} bare queries of all points {queries * bare:.2f} s: ratio {took / (queries * bare):.2f}; "
            f"rival ratio {found.best_distinct_ratio}"
        )
        print("   ", ", ".join(f"{share:.0%} at {at - begun:.2f} s" for share, at in marks))


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    main(given[0] if given else 1_000_000, given[1] if len(given) > 1 else 3)
