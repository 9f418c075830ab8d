"""Whatever rigid motion a scan went through, the fit undoes it."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from appliance.alignment.fit import align
from appliance.mesh.surface import Surface

angle = st.floats(-180.0, 180.0)
place = st.floats(-5_000.0, 5_000.0)


@cache
def bench() -> tuple[Any, Surface, np.ndarray]:
    path = Path(__file__).resolve().parent.parent / "unit" / "alignment" / "parts.py"
    spec = importlib.util.spec_from_file_location("alignment_parts", path)
    assert spec
    assert spec.loader
    parts = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(parts)
    mesh = parts.plate_with_studs((30, 10), (-45, -20))
    return parts, Surface.build(mesh), parts.scan_of(mesh, 3_000, 0.0, seed=6)[0]


@settings(max_examples=4, deadline=None, derandomize=True, phases=[Phase.generate])
@given(st.tuples(angle, angle, angle), st.tuples(place, place, place))
def test_a_scan_that_lies_anywhere_is_laid_back_on_its_part(
    turn: tuple[float, float, float], shift: tuple[float, float, float]
) -> None:
    parts, surface, points = bench()
    scan = parts.moved(parts.motion(turn, shift), points)
    zones = parts.zones_by_face(surface.mesh)
    found = align(surface, scan, mode="best_fit_all", zones=zones, tolerance_mm=0.2, cell_mm=1.0)
    np.testing.assert_allclose(parts.moved(found.part_from_scanner, scan), points, atol=1e-5)
    assert not found.ambiguous
