"""M3C2 against closed forms: planes that move, tilt and break, and the level of detection."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.change.compare import LEAST_POINTS, compare_scans, level_of_detection
from appliance.change.records import Scales
from appliance.errors import InvalidInput
from tests.unit.change.surfaces import UP, heights_in_cylinder, lattice

SCALES = Scales((4.0,), 2.0, 10.0)
ORIGIN = np.zeros((1, 3))


def test_a_plane_that_moved_has_changed_by_the_part_along_its_normal() -> None:
    flat = lattice(10.0, 0.25)
    found = compare_scans(flat, flat + (0.3, -0.2, 1.5), ORIGIN, SCALES, towards=UP)
    assert found.distance_mm == pytest.approx([1.5], abs=1e-12)
    assert found.spread_mm == pytest.approx(np.zeros((1, 2)), abs=1e-12)
    # lattice points within 8 steps of the middle: Gauss's circle problem, N(8) = 197
    assert found.count[0, 0] == 197
    assert found.significant[0]


@pytest.mark.parametrize("turned", [(0.6, 0.0, 0.8), (0.0, -0.28, 0.96), (0.48, 0.6, 0.64)])
def test_the_change_of_an_inclined_plane_is_told_along_its_normal(turned: tuple[float, float, float]) -> None:
    normal = np.array(turned)
    across = np.cross(normal, [1.0, 0.0, 0.0])
    across /= np.linalg.norm(across)
    flat = lattice(10.0, 0.25)
    plane = flat[:, :1] * across + flat[:, 1:2] * np.cross(normal, across) + (5e4, -3e4, 2e4)
    core = np.array([[5e4, -3e4, 2e4]])
    found = compare_scans(plane, plane - 0.7 * normal, core, SCALES, towards=UP)
    assert found.normal[0] == pytest.approx(normal, abs=1e-9)
    assert found.distance_mm == pytest.approx([-0.7], abs=1e-9)


def test_change_is_positive_on_the_side_that_each_core_point_is_given() -> None:
    flat = lattice(10.0, 0.25)
    cores = np.array([[0.0, 0.0, 0.0], [1.0, 1.0, 0.0]])
    sides = np.array([[0.3, 0.0, 1.0], [0.3, 0.0, -1.0]])
    found = compare_scans(flat, flat + (0.0, 0.0, 1.0), cores, SCALES, towards=sides)
    assert found.distance_mm == pytest.approx([1.0, -1.0], abs=1e-12)


def test_a_plane_that_tilted_has_changed_by_its_slope_and_spreads_by_half_the_radius() -> None:
    slope = 0.05
    flat, tilted = lattice(12.0, 0.1), lattice(12.0, 0.1, lambda x, y: slope * x)
    cores = np.array([[-4.0, 0.0, 0.0], [0.0, 3.0, 0.0], [5.0, -2.0, 0.0]])
    found = compare_scans(flat, tilted, cores, Scales((4.0,), 2.03, 10.0), towards=UP)  # no lattice point on its rim
    assert found.distance_mm == pytest.approx(slope * cores[:, 0], abs=1e-9)
    # the standard deviation of x over a disc is r / 2
    assert found.spread_mm[:, 1] == pytest.approx(np.full(3, slope * 2.03 / 2), rel=0.01)


@pytest.mark.parametrize("beyond", [-1.5, -0.5, 0.05, 1.0])
def test_beside_a_step_the_share_of_the_disc_beyond_it_counts(beyond: float) -> None:
    height, radius = 0.8, SCALES.radius_mm
    flat = lattice(8.0, 0.05)
    stepped = lattice(8.0, 0.05, lambda x, y: np.where(x > beyond, height, 0.0))
    found = compare_scans(flat, stepped, ORIGIN, SCALES, towards=UP)
    t = beyond / radius
    share = (np.arccos(t) - t * np.sqrt(1 - t * t)) / np.pi
    assert found.distance_mm == pytest.approx([share * height], abs=0.012)
    assert found.spread_mm[0, 1] == pytest.approx(height * np.sqrt(share * (1 - share)), abs=0.012)


def test_where_one_scan_has_no_point_nothing_is_known_and_nothing_is_significant() -> None:
    flat = lattice(10.0, 0.25)
    elsewhere = flat[flat[:, 0] > 4.0]
    found = compare_scans(flat, elsewhere, np.array([[0.0, 0.0, 0.0], [7.0, 0.0, 0.0]]), SCALES, towards=UP)
    assert found.count[0, 1] == 0
    assert np.isnan(found.distance_mm[0])
    assert np.isnan(found.lod_mm[0])
    assert not found.significant[0]
    assert found.distance_mm[1] == pytest.approx(0.0, abs=1e-12)


def test_a_change_beyond_the_end_of_the_cylinder_is_not_seen() -> None:
    flat = lattice(10.0, 0.25)
    found = compare_scans(flat, flat + (0.0, 0.0, 10.5), ORIGIN, SCALES, towards=UP)
    assert found.count[0, 1] == 0
    assert np.isnan(found.distance_mm[0])


def test_points_in_a_line_fix_no_plane() -> None:
    line = np.stack((np.arange(-5.0, 5.0, 0.1), np.zeros(100), np.zeros(100)), axis=1)
    found = compare_scans(line, line, ORIGIN, SCALES, towards=UP)
    assert np.isnan(found.normal).all()
    assert np.isnan(found.distance_mm).all()


def test_the_level_of_detection_is_that_of_its_formula() -> None:
    lod = level_of_detection(np.array([[0.3, 0.4]]), np.array([[9, 16]], dtype=np.int32), 0.05)
    assert lod == pytest.approx([1.96 * np.sqrt(0.1**2 + 0.1**2) + 0.05], rel=1e-12)


def test_few_points_give_no_level_of_detection() -> None:
    count = np.array([[LEAST_POINTS, LEAST_POINTS - 1], [LEAST_POINTS, LEAST_POINTS]], dtype=np.int32)
    assert np.isnan(level_of_detection(np.ones((2, 2)), count, 0.0)).tolist() == [True, False]


def test_where_nothing_changed_one_core_point_in_twenty_is_called_significant() -> None:
    rng = np.random.default_rng(4)
    flat = lattice(100.0, 0.5)
    noisy = [flat + rng.normal(0.0, (0.0, 0.0, 0.02), flat.shape) for _ in range(2)]
    cores = lattice(90.0, 5.0)  # cylinders that share no point
    found = compare_scans(*noisy, cores, SCALES, towards=UP)
    assert found.significant.mean() == pytest.approx(0.05, abs=0.02)
    surer = compare_scans(*noisy, cores, Scales((4.0,), 2.0, 10.0, registration_mm=0.02), towards=UP)
    assert surer.lod_mm == pytest.approx(found.lod_mm + 0.02)
    assert not surer.significant.any()


def test_medians_leave_out_what_a_few_strays_say() -> None:
    rng = np.random.default_rng(5)
    flat = lattice(6.0, 0.1)
    first, second = (flat + rng.normal(0.0, (0.0, 0.0, 0.01), flat.shape) for _ in range(2))
    second[:, 2] += np.where(rng.random(len(flat)) < 0.05, 5.0, 0.0)
    robust = compare_scans(first, second, ORIGIN, Scales((4.0,), 2.0, 10.0, robust=True), towards=UP)
    plain = compare_scans(first, second, ORIGIN, SCALES, towards=UP)
    assert abs(robust.distance_mm[0]) < 0.003 < plain.distance_mm[0]
    assert robust.spread_mm[0] == pytest.approx([0.01, 0.01], rel=0.15)


def test_of_several_scales_the_one_is_taken_in_which_the_surface_is_flattest() -> None:
    # a ball of 1 mm sees grains of 0.2 mm, one of 12 mm the plane that they lie on
    grainy = lattice(12.0, 0.1, lambda x, y: np.random.default_rng(6).normal(0.0, 0.2, x.shape))
    smooth = lattice(12.0, 0.1, lambda x, y: -(x**2 + y**2) / 80.0)
    wide = compare_scans(grainy, grainy, ORIGIN, Scales((1.0, 12.0), 2.0, 10.0), towards=UP)
    narrow = compare_scans(smooth, smooth, ORIGIN, Scales((1.0, 12.0), 2.0, 10.0), towards=UP)
    assert (wide.normal_mm[0], narrow.normal_mm[0]) == (12.0, 1.0)
    assert wide.normal[0] == pytest.approx(UP, abs=0.02)


@pytest.mark.parametrize("seed", range(6))
def test_counts_are_those_of_looking_at_every_point(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first, second = rng.uniform(-5, 5, (4000, 3)), rng.uniform(-6, 4, (3000, 3))
    cores = rng.uniform(-7, 7, (60, 3))
    normals = rng.normal(size=(60, 3))
    normals[:3] = np.eye(3)
    normals /= np.linalg.norm(normals, axis=1)[:, None]
    scales = Scales((1.0,), float(rng.uniform(0.3, 2.0)), float(rng.uniform(0.2, 6.0)))
    found = compare_scans(first, second, cores, scales, towards=UP, normals=normals)
    for k, points in enumerate((first, second)):
        for i in range(len(cores)):
            expected = heights_in_cylinder(points, cores[i], normals[i], scales.radius_mm, scales.half_length_mm)
            assert found.count[i, k] == len(expected)
            if len(expected):
                assert found.spread_mm[i, k] == pytest.approx(expected.std(), abs=1e-12)


def test_one_thread_and_many_give_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(8)
    first, second = rng.uniform(-5, 5, (20_000, 3)), rng.uniform(-5, 5, (20_000, 3))
    found = []
    for threads in ("1", "3"):
        monkeypatch.setenv("D2R_THREADS", threads)
        found.append(compare_scans(first, second, first[:5000], Scales((1.0, 2.0), 0.5, 2.0), towards=UP))
    for name in ("normal", "normal_mm", "distance_mm", "spread_mm", "count", "lod_mm", "significant"):
        assert getattr(found[0], name).tobytes() == getattr(found[1], name).tobytes()


def test_points_that_are_none_and_scales_that_are_none_are_refused() -> None:
    flat = lattice(1.0, 0.5)
    with pytest.raises(InvalidInput, match="second scan holds no points"):
        compare_scans(flat, flat[:0], ORIGIN, SCALES, towards=UP)
    with pytest.raises(InvalidInput, match="not finite"):
        compare_scans(flat, flat * np.nan, ORIGIN, SCALES, towards=UP)
    for wrong in ({"normal_mm": ()}, {"radius_mm": 0.0}, {"half_length_mm": np.inf}, {"registration_mm": -1.0}):
        with pytest.raises(InvalidInput):
            Scales(**{"normal_mm": (1.0,), "radius_mm": 1.0, "half_length_mm": 1.0, **wrong})
