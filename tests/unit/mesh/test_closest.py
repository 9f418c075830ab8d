"""Closest feet against closed forms, extended precision and libigl."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from appliance.cad.records import TriangleMesh
from appliance.errors import InvalidInput
from appliance.mesh.surface import Surface
from tests.unit.mesh import shapes

Array = npt.NDArray[np.float64]
#: 0.001 um, the bar of the product.
EXACT_MM = 1e-6


def slivers(seed: int = 1) -> TriangleMesh:
    """Separate triangles with areas 0.01 to 500 mm2 and aspect ratios up to 1e6."""
    rng = np.random.default_rng(seed)
    corners = []
    for _ in range(150):
        aspect, area = 10 ** rng.uniform(0.3, 6), 10 ** rng.uniform(-2, 2.7)
        length = np.sqrt(2 * area * aspect)
        along, aside = np.linalg.qr(rng.normal(size=(3, 2)))[0].T
        a = rng.uniform(-40, 40, 3)
        corners += [a, a + length * along, a + rng.uniform(0, 1) * length * along + length / aspect * aside]
    return shapes.mesh_of(corners, np.arange(450).reshape(-1, 3))


def near(mesh: TriangleMesh, count: int, spread: float, seed: int = 2) -> Array:
    """Points about the triangles, each with the same number."""
    rng = np.random.default_rng(seed)
    weights = rng.dirichlet((1, 1, 1), count)
    chosen = mesh.vertices_mm[mesh.triangles[rng.integers(0, len(mesh.triangles), count)]]
    return np.einsum("nk,nkd->nd", weights, chosen) + rng.normal(0, spread, (count, 3))


def test_distance_to_a_box_is_the_closed_form_inside_outside_at_edges_and_corners() -> None:
    lower, upper = np.array([0.0, 0, 0]), np.array([40.0, 30, 7])
    points = np.random.default_rng(0).uniform(-12, 50, (20_000, 3))
    feet = Surface.build(shapes.box((0, 0, 0), (40, 30, 7))).closest(points)
    np.testing.assert_allclose(feet.distance_mm, shapes.box_distance(points, lower, upper), atol=1e-12)


@pytest.mark.parametrize("spread", [0.05, 2.0, 300.0])
def test_slivers_are_exact_against_extended_precision(spread: float) -> None:
    mesh = slivers()
    points = near(mesh, 1000, spread)
    found = np.abs(Surface.build(mesh).closest(points).distance_mm)
    np.testing.assert_allclose(found, shapes.slow_distance(mesh, points), rtol=0, atol=EXACT_MM)


@pytest.mark.parametrize("reach_mm", [0.01, 0.5, 30.0])
def test_the_reach_sets_speed_and_never_results(reach_mm: float) -> None:
    mesh = shapes.bumpy_ball(24)
    points = np.concatenate([near(mesh, 1500, 0.3), near(mesh, 500, 40.0)])
    found = np.abs(Surface.build(mesh, reach_mm=reach_mm).closest(points).distance_mm)
    np.testing.assert_allclose(found, shapes.slow_distance(mesh, points), rtol=0, atol=EXACT_MM)


def test_dense_detail_on_a_large_plate_is_exact() -> None:
    fine = shapes.bumpy_ball(40)
    plate = shapes.box((-900, -900, -40), (900, 900, -20))
    vertices = np.concatenate([fine.vertices_mm * 0.05, plate.vertices_mm])
    mesh = shapes.mesh_of(vertices, np.concatenate([fine.triangles, plate.triangles + len(fine.vertices_mm)]))
    points = near(mesh, 1000, 0.4)
    found = np.abs(Surface.build(mesh).closest(points).distance_mm)
    np.testing.assert_allclose(found, shapes.slow_distance(mesh, points), rtol=0, atol=EXACT_MM)


def test_a_hundred_metres_from_the_origin_distances_are_the_same() -> None:
    shift = np.array([100_000.0, -100_000.0, 65_536.0])
    mesh = shapes.bumpy_ball(16)
    far = shapes.mesh_of(mesh.vertices_mm + shift, mesh.triangles)
    near_mesh = shapes.mesh_of(far.vertices_mm - shift, mesh.triangles)
    points = near(mesh, 2000, 0.5) + shift
    one, two = Surface.build(far).closest(points), Surface.build(near_mesh).closest(points - shift)
    np.testing.assert_allclose(one.distance_mm, two.distance_mm, rtol=0, atol=1e-10)


def test_cylinder_points_lie_off_their_chord_facets_as_the_closed_form_says() -> None:
    sides, radius = 256, 50.0
    turn = 2 * np.pi * np.arange(sides) / sides
    surface = Surface.build(shapes.prism(radius * np.stack([np.cos(turn), np.sin(turn)], 1), 20.0))
    sagitta = radius * (1 - np.cos(np.pi / sides))
    at = 2 * np.pi * (np.arange(400_000) + 0.5) / 400_000
    points = np.stack([radius * np.cos(at), radius * np.sin(at), np.full_like(at, 9.0)], 1)
    distance = surface.closest(points).distance_mm
    assert distance.mean() == pytest.approx(2 / 3 * sagitta, rel=1e-3)
    assert distance.max() == pytest.approx(sagitta, rel=1e-3)
    assert distance.std() == pytest.approx(0.298 * sagitta, rel=2e-3)


def test_feet_lie_on_their_triangle_at_the_distance_stated() -> None:
    mesh = shapes.bumpy_ball(20)
    surface = Surface.build(mesh)
    points = near(mesh, 3000, 1.0)
    feet = surface.closest(points)
    places = surface.foot_points(points, feet)
    np.testing.assert_allclose(np.linalg.norm(points - places, axis=1), np.abs(feet.distance_mm), atol=1e-12)
    corners = mesh.vertices_mm[mesh.triangles[feet.triangle]]
    weights = np.linalg.solve(np.swapaxes(corners, 1, 2), places[..., None])[..., 0]
    assert weights.min() > -1e-9
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, atol=1e-9)


def test_libigl_agrees() -> None:
    igl = pytest.importorskip("igl", reason="libigl is not installed")
    mesh = shapes.bumpy_ball(40)
    points = near(mesh, 5000, 1.0)
    answer = igl.signed_distance(
        points, mesh.vertices_mm, mesh.triangles.astype(np.int64), igl.SIGNED_DISTANCE_TYPE_PSEUDONORMAL
    )
    np.testing.assert_allclose(Surface.build(mesh).closest(points).distance_mm, answer[0], atol=1e-9)


def test_points_that_are_not_finite_have_no_foot() -> None:
    points = np.array([[np.nan, 0, 0], [0, np.inf, 0], [1.0, 1.0, 2.0], [1e160, 0, 0]])
    surface = Surface.build(shapes.box((0, 0, 0), (9, 9, 9)))
    feet = surface.closest(points)
    assert feet.triangle.tolist()[:2] == [-1, -1]
    assert np.isnan(feet.distance_mm).tolist() == [True, True, False, True]
    assert feet.distance_mm[2] == -1.0
    assert np.isnan(surface.foot_points(points, feet)[0]).all()
    assert len(surface.closest(np.zeros((0, 3))).distance_mm) == 0


def test_triangles_without_area_count_as_segments_and_points() -> None:
    vertices = [(0, 0, 0), (10, 0, 0), (4, 0, 0), (5, 5, 5), (0, 30, 0), (1, 30, 0), (0, 31, 0)]
    surface = Surface.build(shapes.mesh_of(vertices, [(0, 1, 2), (3, 3, 3), (4, 5, 6)]))
    points = np.array([[7.0, 0, 3], [-3, 0, 4], [5, 5, 7], [0.2, 30.2, 1]])
    feet = surface.closest(points)
    np.testing.assert_allclose(np.abs(feet.distance_mm), [3, 5, 2, 1], atol=1e-14)
    np.testing.assert_allclose(np.linalg.norm(surface.face_normals, axis=1), 1.0, atol=1e-12)


def test_the_same_bits_come_from_one_thread_and_from_two(monkeypatch: pytest.MonkeyPatch) -> None:
    mesh = shapes.bumpy_ball(48)
    points = np.concatenate([near(mesh, 60_000, 0.2), near(mesh, 3000, 30.0)])
    normals = np.random.default_rng(5).normal(size=points.shape)
    answers = []
    for threads in ("1", "2"):
        monkeypatch.setenv("D2R_THREADS", threads)
        surface = Surface.build(mesh)
        feet = surface.closest(points)
        other = surface.closest_compatible(points, normals, feet, cap_mm=4.0)
        answers.append([a.tobytes() for f in (feet, other) for a in (f.distance_mm, f.triangle)])
    assert answers[0] == answers[1]


def test_the_order_of_points_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    mesh = shapes.bumpy_ball(30)
    points = np.concatenate([near(mesh, 20_000, 0.2), near(mesh, 2000, 30.0)])
    shuffled = np.random.default_rng(1).permutation(len(points))
    surface = Surface.build(mesh)
    straight = surface.closest(points)
    monkeypatch.setattr("appliance.mesh.feet.BLOCK", 4096)
    mixed = surface.closest(points[shuffled])
    assert np.array_equal(straight.distance_mm[shuffled], mixed.distance_mm)
    assert np.array_equal(straight.triangle[shuffled], mixed.triangle)


def test_progress_rises_to_one() -> None:
    seen: list[float] = []
    surface = Surface.build(shapes.box((0, 0, 0), (9, 9, 9)))
    surface.closest(np.random.default_rng(0).uniform(0, 9, (50_000, 3)), progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("vertices", "triangles", "code"),
    [
        ([(0, 0, 0)], np.zeros((0, 3)), "mesh.empty"),
        ([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [(0, 1, 3)], "mesh.index"),
        ([(0, 0, np.nan), (1, 0, 0), (0, 1, 0)], [(0, 1, 2)], "mesh.nan"),
    ],
)
def test_a_mesh_that_cannot_be_used_is_refused(vertices: object, triangles: object, code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Surface.build(shapes.mesh_of(vertices, triangles))
    assert caught.value.code == code


def test_points_of_a_wrong_shape_and_a_reach_of_zero_are_refused() -> None:
    mesh = shapes.box((0, 0, 0), (9, 9, 9))
    with pytest.raises(InvalidInput, match="shape"):
        Surface.build(mesh).closest(np.zeros((4, 2)))
    with pytest.raises(InvalidInput, match="reach"):
        Surface.build(mesh, reach_mm=0.0)
