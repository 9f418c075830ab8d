"""What saves time says what the long way says: cubes, the sketch, and feet that are not sought again."""

from __future__ import annotations

from types import ModuleType

import numpy as np

from appliance.alignment.cubes import around, cubes_of, first_of_each
from appliance.alignment.following import Following
from appliance.alignment.rigid import compose, from_small_motion
from appliance.alignment.sketch import sketch_of
from appliance.alignment.uncertainty import covariance, shift_u_mm
from appliance.mesh.surface import Surface


def test_the_first_of_each_cube_is_what_sorting_finds() -> None:
    numbers = cubes_of(np.random.default_rng(1).uniform(0.0, 30.0, (20_000, 3)), 1.5)
    expected = np.sort(np.unique(numbers, return_index=True)[1])
    np.testing.assert_array_equal(first_of_each(numbers), expected)


def test_points_around_are_those_of_the_27_cubes() -> None:
    points = np.random.default_rng(2).uniform(0.0, 10.0, (800, 3))
    cell = np.floor((points - points.min(axis=0)) / 1.0)
    expected = (np.abs(cell[:, None] - cell[None]).max(axis=2) <= 1).sum(axis=1)
    np.testing.assert_array_equal(around(cubes_of(points, 1.0), 1_000), expected)


def test_the_sketch_never_says_less_than_the_exact_distance(parts: ModuleType) -> None:
    surface = Surface.build(parts.plate_with_studs((30, 10), (-45, -20)))
    points = np.random.default_rng(3).uniform(-150.0, 150.0, (20_000, 3))
    exact = np.abs(surface.closest(points).distance_mm)
    sketched = np.abs(sketch_of(surface).closest(points).distance_mm)
    assert (sketched >= exact - 1e-9).all()
    assert np.median(sketched - exact) < 0.5


def test_following_finds_every_point_within_the_cap_that_asking_all_finds(parts: ModuleType) -> None:
    surface = Surface.build(parts.box((50, 50, 50)))
    rng = np.random.default_rng(4)
    points = rng.uniform(-40.0, 40.0, (5_000, 3))
    way, pose = Following(surface, points, None, np.eye(4)), np.eye(4)
    way.measure(pose, 1.0)
    for _ in range(12):
        motion = np.concatenate([rng.uniform(-0.01, 0.01, 3), rng.uniform(-0.4, 0.4, 3)])
        pose = compose(from_small_motion(motion, way.pivot_mm), pose)
        way.moved(motion)
        way.measure(pose, 1.0)
        exact = surface.closest(points @ pose[:3, :3].T + pose[:3, 3]).distance_mm
        near = np.abs(exact) <= 1.0
        np.testing.assert_array_equal(np.abs(way.feet.distance_mm) <= 1.0, near)
        np.testing.assert_allclose(way.feet.distance_mm[near], exact[near], atol=1e-12)


def test_shifts_of_a_covariance_are_those_of_its_replicates() -> None:
    rng = np.random.default_rng(5)
    motions, points, pivot = rng.normal(size=(32, 6)) * 1e-3, rng.normal(size=(50, 3)) * 30.0, np.array([1.0, 2.0, 3.0])
    normals = rng.normal(size=(50, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    moved = np.cross(motions[:, None, :3], points - pivot) + motions[:, None, 3:]
    along = np.einsum("gpk,pk->gp", moved, normals)
    across = moved - along[:, :, None] * normals
    expected = [np.sqrt(31 * along.var(axis=0).max()), np.sqrt(31 * across.var(axis=0).sum(axis=1).max())]
    np.testing.assert_allclose(shift_u_mm(covariance(motions), points, normals, pivot), expected, rtol=1e-12)
