"""Compatible feet on thin walls, and the thickness of walls."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.mesh.surface import Surface
from tests.unit.mesh import shapes

UP = np.array([[0.0, 0.0, 1.0]])


@pytest.fixture(scope="module")
def sheet() -> Surface:
    """A sheet of 0.8 mm, top at z = 0."""
    return Surface.build(shapes.box((0, 0, -0.8), (60, 40, 0)))


@pytest.mark.parametrize(("wear", "closest"), [(0.5, -0.3), (0.7, -0.1), (0.9, 0.1)])
def test_wear_of_a_thin_sheet_is_read_from_the_side_that_was_scanned(
    sheet: Surface, wear: float, closest: float
) -> None:
    points = np.array([[31.0, 22.0, -wear]])
    feet = sheet.closest(points)
    assert feet.distance_mm[0] == pytest.approx(closest, abs=1e-12)
    found = sheet.closest_compatible(points, UP, feet, cap_mm=2.0)
    assert found.distance_mm[0] == pytest.approx(-wear, abs=1e-12)
    np.testing.assert_allclose(sheet.face_normals[found.triangle[0]], [0, 0, 1], atol=1e-15)


def test_beyond_the_cap_and_without_a_normal_there_is_no_foot(sheet: Surface) -> None:
    points = np.array([[31.0, 22.0, -0.9]] * 4)
    normals = np.array([[0, 0, 1.0], [np.nan, 0, 0], [0, 0, 0], [0, 0, 5.0]])
    found = sheet.closest_compatible(points, normals, sheet.closest(points), cap_mm=0.85)
    assert np.isnan(found.distance_mm).all()
    assert (found.triangle == -1).all()
    wide = sheet.closest_compatible(points, normals, sheet.closest(points), cap_mm=0.95)
    np.testing.assert_allclose(wide.distance_mm, [-0.9, np.nan, np.nan, -0.9], atol=1e-12)


def test_normals_of_unknown_direction_admit_both_sides(sheet: Surface) -> None:
    points = np.array([[31.0, 22.0, -0.7], [31.0, 22.0, -0.1]])
    feet = sheet.closest(points)
    found = sheet.closest_compatible(points, np.repeat(-UP, 2, 0), feet, cap_mm=2.0, unoriented=True)
    np.testing.assert_allclose(found.distance_mm, [-0.1, -0.1], atol=1e-12)
    sideways = np.array([[1.0, 0, 0]] * 2)
    none = sheet.closest_compatible(points, sideways, feet, cap_mm=2.0, unoriented=True)
    assert (none.triangle == -1).all()


def test_a_worn_trailing_edge_stays_negative_where_only_its_top_is_compatible() -> None:
    """A 4 degree blade worn at its edge: points past the bottom, whose foot is the edge itself."""
    blade = Surface.build(shapes.prism(np.array([[0.0, 0.0], [40.0, -3.0], [40.0, 0.0]]), 30.0))
    points = np.array([[-0.001, -0.5, 15.0]])
    normals = np.array([[0.0, 1.0, 0.0]])
    feet = blade.closest(points)
    assert feet.distance_mm[0] > 0
    found = blade.closest_compatible(points, normals, feet, cap_mm=2.0)
    assert found.distance_mm[0] == pytest.approx(-np.hypot(0.001, 0.5), abs=1e-12)


def test_at_a_corner_of_compatible_faces_the_sign_is_that_of_the_closest_foot() -> None:
    cube = Surface.build(shapes.box((0, 0, 0), (9, 9, 9)))
    points = np.array([[9.3, 9.4, 9.2], [8.9, 8.8, 8.95]])
    normals = np.ones((2, 3))
    feet = cube.closest(points)
    found = cube.closest_compatible(points, normals, feet, cap_mm=2.0)
    np.testing.assert_allclose(found.distance_mm, [np.sqrt(0.29), -0.05], atol=1e-12)


def test_compatible_feet_are_the_closest_of_the_faces_that_look_the_same_way() -> None:
    mesh = shapes.bumpy_ball(14)
    surface = Surface.build(mesh)
    rng = np.random.default_rng(3)
    points, normals = rng.uniform(-13, 13, (300, 3)), rng.normal(size=(300, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    found = surface.closest_compatible(points, normals, surface.closest(points), cap_mm=6.0)
    for point, normal, distance in zip(points, normals, found.distance_mm, strict=True):
        facing = mesh.triangles[surface.face_normals @ normal > 0.5]
        expected = shapes.slow_distance(shapes.mesh_of(mesh.vertices_mm, facing), point[None])[0]
        if expected <= 6.0:
            assert abs(distance) == pytest.approx(expected, abs=1e-9)
        else:
            assert np.isnan(distance)


def test_wall_thickness_is_the_way_to_the_opposing_face_within_the_limit(sheet: Surface) -> None:
    points = np.array([[31.0, 22.0, 0.0], [30.0, 20.0, 0.0], [0.0, 20.0, -0.4], [5.0, 5.0, 0.0]])
    feet = sheet.closest(points)
    triangle = feet.triangle.copy()
    triangle[3] = -1
    found = sheet.wall_thickness_mm(points, triangle, 3.0)
    np.testing.assert_allclose(found, [0.8, 0.8, np.inf, np.nan], atol=1e-12)
    assert np.isinf(sheet.wall_thickness_mm(points[:1], triangle[:1], 0.7)[0])


def test_wall_thickness_of_a_wedge_grows_along_it() -> None:
    wedge = Surface.build(shapes.prism(np.array([[0.0, 0.0], [40.0, -4.0], [40.0, 0.0]]), 30.0))
    x = np.array([1.0, 5.0, 20.0, 39.0])
    points = np.stack([x, np.zeros(4), np.full(4, 11.0)], 1)
    top = wedge.closest(points).triangle
    np.testing.assert_allclose(wedge.wall_thickness_mm(points, top, 10.0), x / 10, rtol=1e-9)
