"""Sign at faces, edges and corners: against the winding number, on tied feet, at rims and odd edges."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.mesh.surface import Surface
from tests.unit.mesh import shapes


@pytest.mark.parametrize("around", [6, 10, 24])
def test_the_sign_is_that_of_the_winding_number(around: int) -> None:
    mesh = shapes.bumpy_ball(around)
    surface = Surface.build(mesh)
    assert surface.closed
    points = np.random.default_rng(1).uniform(-14, 14, (3000, 3))
    inside = shapes.winding(mesh, points) > 0.5
    assert 150 < inside.sum() < 2850
    assert np.array_equal(surface.closest(points).distance_mm < 0, inside)


def test_points_tied_between_faces_at_edges_and_corners_have_the_sign_of_the_winding_number() -> None:
    """Points beside the middles of edges and beside corners, ridges and saddles alike, on both sides."""
    mesh = shapes.bumpy_ball(12)
    v = mesh.vertices_mm
    edges = np.concatenate([mesh.triangles[:, [0, 1]], mesh.triangles[:, [1, 2]], mesh.triangles[:, [2, 0]]])
    places = np.concatenate([(v[edges[:, 0]] + v[edges[:, 1]]) / 2, v])
    steps = np.random.default_rng(4).normal(size=(8, 1, 3))
    steps *= 1e-3 / np.linalg.norm(steps, axis=2, keepdims=True)
    points = (places[None] + steps).reshape(-1, 3)
    inside = shapes.winding(mesh, points) > 0.5
    assert np.array_equal(Surface.build(mesh).closest(points).distance_mm < 0, inside)


def test_a_sharp_ridge_needs_its_pseudonormal() -> None:
    """Beyond a 10 degree knife edge a point is outside, though it lies under the plane of one of the two faces."""
    knife = shapes.prism(np.array([[0.0, 0.0], [20.0, -1.75], [20.0, 1.75]]), 30.0)
    surface = Surface.build(knife)
    points = np.array([[-0.5, 0.01, 15.0], [-0.5, -0.01, 15.0], [-0.5, 0.0, 15.0]])
    np.testing.assert_allclose(surface.closest(points).distance_mm, np.hypot([0.5] * 3, [0.01, 0.01, 0]), atol=1e-14)


def test_on_the_surface_the_distance_is_zero() -> None:
    surface = Surface.build(shapes.box((0, 0, 0), (8, 8, 8)))
    points = np.array([[0, 0, 0], [8, 8, 8], [4, 0, 0], [4, 4, 0], [8, 1, 2.0]])
    assert np.abs(surface.closest(points).distance_mm).max() < 1e-15


def test_an_open_sheet_is_positive_on_the_side_of_its_normal_and_past_its_rim() -> None:
    sheet = shapes.mesh_of([(0, 0, 0), (10, 0, 0), (10, 10, 0), (0, 10, 0)], [(0, 1, 2), (0, 2, 3)])
    surface = Surface.build(sheet)
    points = np.array([[5, 5, 1], [5, 5, -1], [13, 5, 4], [13, 5, -4], [13, 14, 0.0], [-3, -4, -12]])
    assert not surface.closed
    np.testing.assert_allclose(surface.closest(points).distance_mm, [1, -1, 5, -5, 5, -13], atol=1e-14)


def test_neighbours_lie_across_each_edge_and_rims_have_none() -> None:
    sheet = shapes.mesh_of([(0, 0, 0), (10, 0, 0), (10, 10, 0), (0, 10, 0)], [(0, 1, 2), (0, 2, 3)])
    assert Surface.build(sheet).neighbours.tolist() == [[-1, -1, 1], [0, -1, -1]]
    np.testing.assert_allclose(Surface.build(sheet).areas_mm2, [50.0, 50.0], rtol=1e-14)


def test_an_edge_of_three_triangles_takes_the_sum_of_their_normals() -> None:
    """A box with a fin along one edge: the fin has no say on its own, the body stays closed around it."""
    fin = shapes.mesh_of(
        [(0, 0, 0), (10, 0, 0), (5, 10, 0), (5, -10, 0), (5, 0, 10)], [(0, 1, 2), (1, 0, 3), (0, 1, 4)]
    )
    surface = Surface.build(fin)
    assert (surface.neighbours == -1).all()
    assert not surface.closed
    # normals at the shared edge: +z, +z and -y, so the pseudonormal is (0, -1, 2)
    points = np.array([[-0.0001, 0.0, -3.0], [5.0, 0.0, -3.0], [5.0, 0.0, 0.0]])
    assert (surface.closest(points).distance_mm <= 0).all()


def test_two_triangles_turned_against_each_other_are_not_neighbours() -> None:
    turned = shapes.mesh_of([(0, 0, 0), (10, 0, 0), (10, 10, 0), (0, 10, 0)], [(0, 1, 2), (0, 3, 2)])
    assert (Surface.build(turned).neighbours == -1).all()


def test_a_triangle_without_area_in_a_ridge_leaves_the_sign_right() -> None:
    """A 20 degree wedge whose ridge holds a collinear triangle between its two flanks."""
    up, down, low = (0.0, 0.0, 0.0), (0.0, 0.0, 30.0), (0.0, 0.0, 12.0)
    v = [up, down, low, (20.0, -3.5, 0.0), (20.0, -3.5, 30.0), (20.0, 3.5, 0.0), (20.0, 3.5, 30.0)]
    t = [
        (0, 3, 4), (0, 4, 1),  # flank -y holds the long edge
        (0, 2, 5), (2, 6, 5), (2, 1, 6),  # flank +y meets the ridge in two pieces
        (0, 1, 2),  # without area
        (3, 5, 6), (3, 6, 4), (0, 5, 3), (1, 4, 6),
    ]  # fmt: skip
    surface = Surface.build(shapes.mesh_of(v, t))
    assert surface.closed
    points = np.array([[-0.5, y, z] for y in (-0.4, -0.02, 0.0, 0.02, 0.4) for z in (5.0, 12.0, 20.0)])
    assert (surface.closest(points).distance_mm > 0).all()
    assert (surface.closest(points + [4.0, 0.0, 0.0]).distance_mm < 0).all()


def test_a_fan_with_a_hub_of_thousands_of_slivers_keeps_its_sign() -> None:
    turn = 2 * np.pi * np.arange(5000) / 5000
    surface = Surface.build(shapes.prism(40 * np.stack([np.cos(turn), np.sin(turn)], 1), 5.0))
    rng = np.random.default_rng(0)
    radius, angle, z = rng.uniform(0, 60, 4000), rng.uniform(0, 2 * np.pi, 4000), rng.uniform(-3, 8, 4000)
    points = np.stack([radius * np.cos(angle), radius * np.sin(angle), z], 1)
    inside = (radius < 40) & (z > 0) & (z < 5)
    clear = np.abs(radius - 40) > 0.001
    assert np.array_equal((surface.closest(points).distance_mm < 0)[clear], inside[clear])
