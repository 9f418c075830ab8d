"""Points are examined in the frame of their file while the pose is found; what they say is used in the part frame."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from appliance.cad.records import TriangleMesh
from appliance.inspections import pipeline
from appliance.inspections.request import InspectionRequest
from appliance.inspections.steps import NoWatcher, Steps
from appliance.mesh.surface import Surface
from appliance.scans.records import PointCloud, ScanSummary, Station

PART_FROM_SCANNER = np.array([[0.0, -1, 0, 5], [0, 0, -1, 2], [1, 0, 0, -3], [0, 0, 0, 1]])


def scanned(places_mm: list[tuple[float, float, float] | None]) -> PointCloud:
    """A square of 20 x 20 mm seen from stations at places of the part frame, in the frame of the scanner."""
    rng = np.random.default_rng(4)
    xyz = np.column_stack([rng.uniform(0, 20, (20_000, 2)), rng.normal(0.0, 0.005, 20_000)])
    station = np.repeat(np.arange(len(places_mm), dtype=np.uint16), -(-20_000 // len(places_mm)))[:20_000]
    back = np.linalg.inv(PART_FROM_SCANNER)
    stations = tuple(
        Station(f"setup {n}", 1, None if place is None else tuple((back @ [*place, 1.0])[:3]))
        for n, place in enumerate(places_mm)
    )
    return PointCloud(ScanSummary("test", 20_000, 0, stations, None), xyz @ back[:3, :3].T + back[:3, 3], station)


def examined(tmp_path: Path, cloud: PointCloud) -> tuple[Any, pipeline.Line]:
    (tmp_path / "pose.json").write_text(json.dumps({"part_from_scanner": PART_FROM_SCANNER.tolist()}))
    pose = tmp_path / "pose.json"
    request = InspectionRequest(pose, pose, pose, datetime.now(UTC), supplied=pose)
    line = pipeline.Line(request, Steps(NoWatcher()))
    corners = np.array([[-5.0, -5, 0], [25, -5, 0], [25, 25, 0], [-5, 25, 0]])
    mesh = TriangleMesh(corners, np.array([[0, 1, 2], [0, 2, 3]], np.int32), np.zeros(2, np.int32))
    plan: Any = SimpleNamespace(
        characteristics=SimpleNamespace(characteristics=[SimpleNamespace(cell_mm=1.0)], alignment=None)
    )
    cad: Any = SimpleNamespace(mesh=mesh)
    _, near = pipeline._align_and_examine(line, plan, cad, Surface.build(mesh), cloud)
    return near, line


def test_normals_towards_the_scanner_come_back_in_the_part_frame(tmp_path: Path) -> None:
    near, line = examined(tmp_path, scanned([(10.0, 10.0, 300.0)]))
    assert near.oriented
    assert not line.warnings
    inner = ~near.uncertain
    assert inner.mean() > 0.8
    np.testing.assert_allclose(near.normals[inner], np.tile([0.0, 0.0, 1.0], (inner.sum(), 1)), atol=0.05)


@pytest.mark.parametrize("others", [[], [(10.0, 10.0, 300.0)]])
def test_a_station_that_the_pose_belies_orients_nothing(
    tmp_path: Path, others: list[tuple[float, float, float] | None]
) -> None:
    near, line = examined(tmp_path, scanned([*others, (10.0, 10.0, -300.0)]))
    assert not near.oriented
    assert [f"setup {len(others)}" in warning for warning in line.warnings] == [True]
    believed = np.arange(20_000) < (10_000 if others else 0)
    inner = ~near.uncertain
    assert (near.normals[inner & believed, 2] > 0.9).all()
    assert (np.abs(near.normals[inner, 2]) > 0.9).all()
