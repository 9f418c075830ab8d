"""Isolation is counted exactly; normals survive noise, edges and thin sheets."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.spatial import cKDTree

from appliance.deviation.neighbourhood import examine
from appliance.errors import InvalidInput

ABOVE = [(0.0, 0.0, 500.0)]


def one_station(count: int) -> Any:
    return np.zeros(count, dtype=np.uint16)


@pytest.mark.parametrize("isolation_mm", [0.05, 0.3, 0.55, 2.0])
@pytest.mark.parametrize("offset_mm", [0.0, 100_000.0])
def test_isolated_points_are_those_of_a_kd_tree(shapes: Any, isolation_mm: float, offset_mm: float) -> None:
    rng = np.random.default_rng(3)
    surface, _ = shapes.points_on(shapes.box((10, 8, 6)), 6_000)
    points = np.vstack([surface + rng.normal(0, 0.05, surface.shape), rng.uniform(-5, 15, (600, 3))]) + offset_mm
    neighbours = cKDTree(points).query_ball_point(points, isolation_mm, return_length=True) - 1
    found = examine(points, isolation_mm=isolation_mm).isolated
    np.testing.assert_array_equal(found, neighbours < 4)
    assert found.sum() > 0


def test_a_neighbour_at_exactly_h_counts() -> None:
    cross = np.array([[0, 0, 0], [1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0]], dtype=np.float64)
    assert list(examine(cross, isolation_mm=1.0).isolated) == [False, True, True, True, True]
    assert examine(cross, isolation_mm=np.nextafter(1.0, 0.0)).isolated.all()


def test_points_on_top_of_each_other_are_neighbours() -> None:
    assert not examine(np.zeros((5, 3)), isolation_mm=1.0).isolated.any()
    assert examine(np.zeros((4, 3)), isolation_mm=1.0).isolated.all()


def test_an_isolated_cluster_of_any_deviation_is_kept() -> None:
    rng = np.random.default_rng(0)
    far = rng.normal(0, 0.05, (20, 3)) + [0, 0, 30.0]
    plane = np.column_stack([rng.uniform(0, 10, (5_000, 2)), np.zeros(5_000)])
    assert not examine(np.vstack([plane, far]), isolation_mm=0.6).isolated[-20:].any()


@pytest.mark.parametrize(("spacing_mm", "sigma_mm"), [(0.2, 0.0), (0.2, 0.1), (0.1, 0.1), (0.05, 0.1), (1.0, 0.01)])
def test_normals_of_a_noisy_plane_point_to_the_scanner(spacing_mm: float, sigma_mm: float) -> None:
    rng = np.random.default_rng(1)
    side = np.arange(0, 150 * spacing_mm, spacing_mm)
    x, y = np.meshgrid(side, side)
    normal = np.array([0.48, -0.6, 0.64])
    across = np.linalg.svd(normal[None])[2][1:]
    points = x.reshape(-1, 1) * across[0] + y.reshape(-1, 1) * across[1]
    points += rng.normal(0, sigma_mm, points.shape) if sigma_mm else 0.0
    found = examine(
        points, isolation_mm=6 * spacing_mm, station=one_station(len(points)),
        station_positions_mm=[tuple(500 * normal)],
    )  # fmt: skip
    assert found.oriented
    dot = found.normals @ normal
    assert np.isfinite(dot).all()
    assert (dot > 0.5).mean() > 0.9995
    assert np.median(dot) > 0.99


@pytest.mark.parametrize("sigma_mm", [0.0, 0.03])
def test_normals_at_the_edges_of_a_cube_belong_to_one_of_its_faces(shapes: Any, sigma_mm: float) -> None:
    rng = np.random.default_rng(2)
    mesh = shapes.box((10, 10, 10), corner=(-5, -5, -5))
    points, triangle = shapes.points_on(mesh, 60_000)
    points = points[np.isin(triangle // 2, (1, 3, 5))]
    noisy = points + rng.normal(0, sigma_mm, points.shape)
    found = examine(
        noisy, isolation_mm=0.6, station=one_station(len(noisy)), station_positions_mm=[(400.0, 400.0, 400.0)]
    )
    # the three faces look along +x, +y, +z; points lie 0.1 mm apart
    assert np.isfinite(found.normals).all()
    for reach_mm, share in ((4 * sigma_mm, 0.99), (4 * sigma_mm + 0.2, 0.9999)):
        own = (np.abs(points - 5.0) <= reach_mm + 1e-9) * found.normals
        assert (own.max(axis=1) > 0.5).mean() >= share


def test_both_sides_of_a_thin_sheet_share_the_axis_and_not_the_sign() -> None:
    rng = np.random.default_rng(5)
    flat = rng.uniform(0, 30, (40_000, 2))
    height = np.where(np.arange(40_000) < 20_000, 0.4, -0.4) + rng.normal(0, 0.02, 40_000)
    points = np.column_stack([flat, height])
    station = (np.arange(40_000) >= 20_000).astype(np.uint16)
    found = examine(
        points, isolation_mm=1.0, station=station, station_positions_mm=[(15.0, 15.0, 400.0), (15.0, 15.0, -400.0)]
    )
    assert found.oriented
    assert (np.sign(height) * found.normals[:, 2] > 0.9).mean() > 0.999


def test_normals_of_the_file_win(shapes: Any) -> None:
    points, _ = shapes.points_on(shapes.plane(5, 5), 500)
    normals = np.tile(np.array([[2.0, 0.0, 0.0]], dtype=np.float32), (500, 1))
    normals[7] = 0.0
    found = examine(points, isolation_mm=1.0, station=one_station(500), station_positions_mm=ABOVE, normals=normals)
    assert found.oriented
    np.testing.assert_array_equal(np.delete(found.normals, 7, 0)[0], [1.0, 0.0, 0.0])
    assert np.isnan(found.normals[7]).all()


def test_a_setup_without_a_position_leaves_the_cloud_unoriented(shapes: Any) -> None:
    points, _ = shapes.points_on(shapes.plane(5, 5), 2_000)
    station = (np.arange(2_000) % 2).astype(np.uint16)
    mixed = examine(points, isolation_mm=1.0, station=station, station_positions_mm=[ABOVE[0], None])
    assert not mixed.oriented
    assert (np.abs(mixed.normals[:, 2]) > 0.99).all()
    assert not examine(points, isolation_mm=1.0).oriented
    only = examine(points, isolation_mm=1.0, station=one_station(2_000), station_positions_mm=[ABOVE[0], None])
    assert only.oriented


def test_points_in_a_line_and_lonely_points_have_an_uncertain_normal() -> None:
    line = np.column_stack([np.linspace(0, 10, 300), np.zeros(300), np.zeros(300)])
    found = examine(np.vstack([line, [[50.0, 50.0, 50.0]]]), isolation_mm=0.2)
    assert found.uncertain.all()
    assert list(np.flatnonzero(found.isolated)) == [0, 300 - 1, 300] or found.isolated[300]


def test_the_answer_has_the_same_bits_on_one_thread_and_on_many(shapes: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    points, _ = shapes.points_on(shapes.box((10, 8, 6)), 200_000)
    points = points + np.random.default_rng(0).normal(0, 0.02, points.shape)
    answers = []
    for threads in ("1", "3"):
        monkeypatch.setenv("D2R_THREADS", threads)
        answers.append(examine(points, isolation_mm=0.1, station=one_station(len(points)), station_positions_mm=ABOVE))
    assert answers[0].normals.tobytes() == answers[1].normals.tobytes()
    np.testing.assert_array_equal(answers[0].isolated, answers[1].isolated)


def test_a_turn_takes_the_normals_along(shapes: Any) -> None:
    points, _ = shapes.points_on(shapes.plane(5, 5), 1_000)
    found = examine(points, isolation_mm=1.0, station=one_station(1_000), station_positions_mm=ABOVE)
    turn = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
    found.turn_in_place(turn)
    np.testing.assert_allclose(found.normals, np.tile([[0.0, -1.0, 0.0]], (1_000, 1)), atol=1e-6)


def test_what_cannot_be_examined_is_refused() -> None:
    points = np.random.default_rng(0).uniform(0, 1, (100, 3))
    with pytest.raises(InvalidInput, match="not a positive length"):
        examine(points, isolation_mm=0.0)
    with pytest.raises(InvalidInput) as refusal:
        examine(np.vstack([points, [[1e9, 0, 0]]]), isolation_mm=0.1)
    assert refusal.value.code == "scan.spread"
    with pytest.raises(InvalidInput) as refusal:
        examine(points, isolation_mm=0.1, station=np.full(100, 3, np.uint16), station_positions_mm=[None])
    assert refusal.value.code == "scan.stations"
    with pytest.raises(InvalidInput):
        examine(points * np.nan, isolation_mm=0.1)


def test_no_points_have_no_neighbours() -> None:
    assert len(examine(np.empty((0, 3)), isolation_mm=1.0).isolated) == 0
