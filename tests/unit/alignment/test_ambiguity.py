"""The honesty gate: parts that look the same another way round are ambiguous, others are not."""

from __future__ import annotations

import struct
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from appliance.alignment.fit import align
from appliance.alignment.records import Alignment
from appliance.cad.records import TriangleMesh, Zone
from appliance.mesh.surface import Surface


def everything(mesh: TriangleMesh) -> dict[str, Zone]:
    return {"all": Zone("all", np.arange(len(mesh.triangles), dtype=np.int32))}


def fit(mesh: TriangleMesh, points: np.ndarray, **given: Any) -> Alignment:
    given = {"tolerance_mm": 0.2, "cell_mm": 1.0, "start": np.eye(4)} | given
    return align(Surface.build(mesh), points, mode="best_fit_all", zones=everything(mesh), **given)


@pytest.mark.parametrize(
    "shape", ["cube", "bare plate", "cylinder of 24 facets", "cylinder of 64 facets", "studs that face each other"]
)
def test_a_part_that_looks_the_same_another_way_round_is_ambiguous(parts: ModuleType, shape: str) -> None:
    mesh = {
        "cube": lambda: parts.box((50, 50, 50)),
        "bare plate": lambda: parts.box((120, 80, 10)),
        "cylinder of 24 facets": lambda: parts.cylinder(20, 60, 24),
        "cylinder of 64 facets": lambda: parts.cylinder(20, 60, 64),
        "studs that face each other": lambda: parts.plate_with_studs((30, 10), (-30, -10)),
    }[shape]()
    points, _ = parts.scan_of(mesh, 5_000, 0.02, seed=1)
    found = fit(mesh, points)
    assert found.ambiguous
    assert found.best_distinct_ratio == pytest.approx(1.0, abs=0.01)
    assert "distinct pose" in found.reasons[0]


def test_studs_that_break_the_symmetry_leave_one_pose(parts: ModuleType) -> None:
    mesh = parts.plate_with_studs((30, 10), (-45, -20))
    points, _ = parts.scan_of(mesh, 5_000, 0.02, seed=1)
    found = fit(mesh, points)
    assert not found.ambiguous
    assert found.best_distinct_ratio is not None
    assert found.best_distinct_ratio > 10.0
    assert found.reasons == ()


def test_a_feature_that_drowns_in_the_noise_does_not_make_a_pose_certain(parts: ModuleType) -> None:
    """A stud moved by 2 mm tells the two ways round apart at 0.02 mm of noise, not at 1 mm."""
    mesh = parts.plate_with_studs((30, 10), (-32, -10))
    ratios = []
    for noise in (0.02, 1.0):
        points, _ = parts.scan_of(mesh, 20_000, noise, seed=1)
        ratios.append(fit(mesh, points, cap_mm=8.0).best_distinct_ratio)
    assert ratios[0] is not None
    assert ratios[1] is not None
    assert ratios[0] > 1.2 > ratios[1] > 0.95


def test_a_scan_of_one_face_alone_may_slide_and_says_so(parts: ModuleType) -> None:
    mesh = parts.plate_with_studs((30, 10), (-45, -20))
    g = np.linspace(-20, 20, 60)
    x, y = (axis.ravel() for axis in np.meshgrid(g, g))
    found = fit(mesh, np.column_stack([x, y, np.full_like(x, -5.0)]))
    assert found.ambiguous
    assert any("3 of 6 freedoms open" in reason for reason in found.reasons)


def stl_of(path: Path, mm_per_unit: float) -> TriangleMesh:
    """Binary STL, read here by itself."""
    raw = path.read_bytes()
    (count,) = struct.unpack("<I", raw[80:84])
    record = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
    corners = np.frombuffer(raw[84 : 84 + 50 * count], record)["corners"].astype(np.float64).reshape(-1, 3)
    vertices, index = np.unique(corners * mm_per_unit, axis=0, return_inverse=True)
    return TriangleMesh(vertices, index.reshape(-1, 3).astype(np.int32), np.zeros(count, dtype=np.int32))


def ply_of(path: Path, mm_per_unit: float) -> np.ndarray:
    """The first three columns of an ASCII PLY."""
    body = path.read_text().split("end_header\n")[1].split("\n")
    return np.array([[float(word) for word in line.split()[:3]] for line in body if line.strip()]) * mm_per_unit


@pytest.mark.parametrize("scan", ["object_with_end.ply", "object_two_end.ply"])
def test_the_depth_camera_scans_of_a_symmetric_part_are_ambiguous(shared_data: Path, scan: str) -> None:
    mesh = stl_of(shared_data / "cadscan_workr" / "cad.stl", 1000.0)
    found = fit(mesh, ply_of(shared_data / "cadscan_workr" / scan, 1000.0), start=None, tolerance_mm=1.0)
    assert found.ambiguous
    assert found.best_distinct_ratio == pytest.approx(1.0, abs=0.01)


def test_the_nist_plate_has_one_pose(shared_data: Path, parts: ModuleType) -> None:
    mesh = stl_of(shared_data / "cadscan_nist_mtc_plate" / "nist_mtc_crada_plate.derived.stl", 1.0)
    points, _ = parts.scan_of(mesh, 20_000, 0.03, seed=1)
    truth = parts.motion((5, -7, 30), (1000, 2000, -500))
    found = fit(mesh, parts.moved(truth, points), start=None)
    assert not found.ambiguous
    assert found.best_distinct_ratio is not None
    assert found.best_distinct_ratio > 20.0
    np.testing.assert_allclose(found.part_from_scanner @ truth, np.eye(4), atol=0.02)
