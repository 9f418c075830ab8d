"""Where the scan fixes no plane, the scanner's place decides which faces a point may lie on."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.cad.records import TriangleMesh
from appliance.deviation.compare import compare
from appliance.deviation.neighbourhood import examine
from appliance.mesh.surface import Surface
from appliance.simulate.part import machined_housing
from appliance.simulate.scan import StationSetup, simulate_scan

PART = machined_housing(edge_mm=2.0)
STATION = StationSetup("corner", (500.0, 370.0, 395.0))


@pytest.fixture(scope="module")
def compared():
    """A sparse scan (one point per 2 mm2) of a part with small bosses and a bore, seen from one place."""
    (station,) = simulate_scan(PART.mesh, [STATION], 25_000, noise_mm=0.01, seed=3)
    points = station.points_mm
    near = examine(
        points, isolation_mm=5.0, station=np.zeros(len(points), np.uint16),
        station_positions_mm=[STATION.position_mm],
    )  # fmt: skip
    return points, near, compare(Surface.build(PART.mesh), points, near, cap_mm=2.0)


def test_points_of_small_bosses_and_bores_keep_their_foot(compared) -> None:
    _, _, found = compared
    curved = np.concatenate([PART.zones[name] for name in ("boss_side", "stub_side", "bore_wall")])
    on_curved = np.isin(found.triangle, curved)
    assert on_curved.sum() > 500
    assert np.isfinite(found.compatible_mm[on_curved]).mean() > 0.98


def test_no_point_at_the_foot_of_a_wall_is_taken_for_material_on_the_floor(compared) -> None:
    _, _, found = compared
    good = np.isfinite(found.compatible_mm)
    assert good.mean() > 0.98
    assert np.abs(found.compatible_mm[good]).max() < 0.06


def test_points_away_from_the_edges_of_a_flat_face_are_certain(compared) -> None:
    _, near, found = compared
    assert near.uncertain[np.isin(found.triangle, PART.zones["pad"])].mean() < 0.25
    assert near.uncertain.any()


def test_an_uncertain_point_never_lies_on_a_face_turned_away_from_its_scanner() -> None:
    # a 0.8 mm sheet, top worn by 0.5 mm, eight scattered points: too few for a plane
    corners = np.array([[x, y, z] for z in (0.0, -0.8) for x, y in ((0, 0), (40, 0), (40, 40), (0, 40))])
    triangles = np.array(
        [[0, 1, 2], [0, 2, 3], [4, 6, 5], [4, 7, 6], [0, 4, 5], [0, 5, 1], [1, 5, 6], [1, 6, 2], [2, 6, 7], [2, 7, 3],
         [3, 7, 4], [3, 4, 0]], dtype=np.int32,
    )  # fmt: skip
    surface = Surface.build(TriangleMesh(corners, triangles, np.zeros(12, np.int32)))
    points = np.array([[x, y, -0.5] for x, y in ((9, 9), (9.2, 9.4), (9.4, 9.1), (9.1, 9.2), (9.3, 9.3))])
    near = examine(points, isolation_mm=2.0, station=np.zeros(5, np.uint16), station_positions_mm=[(20.0, 20.0, 300.0)])
    assert near.uncertain.all()
    found = compare(surface, points, near, cap_mm=2.0)
    assert found.deviation_mm == pytest.approx([-0.3] * 5)
    assert found.compatible_mm == pytest.approx([-0.5] * 5)
