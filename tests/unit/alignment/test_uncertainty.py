"""The jackknife: what it states is what fits are off by."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from appliance.alignment.fit import blocked_replicates
from appliance.alignment.newton import FIT_SHARE
from appliance.alignment.polish import Stage, polish
from appliance.alignment.sampling import BLOCKS, blocks, drawn, strays, thinned
from appliance.alignment.uncertainty import spread, standard_uncertainties
from appliance.mesh.surface import Surface

EVERYTHING = (Stage("whole scan", None, False, FIT_SHARE),)


def test_the_stated_uncertainty_is_that_of_the_error_within_a_factor_of_two(parts: ModuleType) -> None:
    mesh = parts.plate_with_studs((30, 10), (-45, -20))
    surface = Surface.build(mesh)
    shifts, turns, stated = [], [], []
    for seed in range(24):
        points, _ = parts.scan_of(mesh, 4_000, 0.05, seed=seed)
        fit = polish(surface, points, np.eye(4), EVERYTHING, cap_mm=1.0)
        pose = fit.part_from_scanner
        shifts.append(pose[:3, :3] @ fit.pivot_mm + pose[:3, 3] - fit.pivot_mm)
        turns.append(Rotation.from_matrix(pose[:3, :3]).as_rotvec())
        stated.append(standard_uncertainties(blocked_replicates(surface, fit, EVERYTHING)))
    actual = [float(np.sqrt(np.square(errors).sum(axis=1).mean())) for errors in (shifts, turns)]
    typical = np.median(np.array(stated, dtype=np.float64), axis=0)
    for said, true in zip(typical, actual, strict=True):
        assert 0.5 < said / true < 2.0


def test_one_step_replicates_are_what_whole_refits_give(parts: ModuleType) -> None:
    mesh = parts.plate_with_studs((30, 10), (-45, -20))
    surface = Surface.build(mesh)
    points, _ = parts.scan_of(mesh, 6_000, 0.05, seed=2)
    fit = polish(surface, points, np.eye(4), EVERYTHING, cap_mm=1.0)
    motions = blocked_replicates(surface, fit, EVERYTHING)
    label = blocks(fit.xyz)
    for block in (0, 13, 31):
        again = polish(surface, points[label != block], fit.part_from_scanner, EVERYTHING, cap_mm=1.0)
        rest = again.part_from_scanner @ np.linalg.inv(fit.part_from_scanner)
        turn = Rotation.from_matrix(rest[:3, :3]).as_rotvec()
        shift = rest[:3, :3] @ fit.pivot_mm + rest[:3, 3] - fit.pivot_mm
        size = np.abs(motions[block])
        np.testing.assert_allclose(turn, motions[block, :3], atol=0.1 * size[:3].max())
        np.testing.assert_allclose(shift, motions[block, 3:], atol=0.1 * size[3:].max())


def test_the_jackknife_variance_of_a_mean_is_that_of_the_textbook() -> None:
    values = np.random.default_rng(1).normal(size=40)
    means = np.array([np.delete(values, k).mean() for k in range(40)])
    assert spread(means[:, None])[0] == pytest.approx(values.var(ddof=1) / 40, rel=1e-12)


def test_blocks_hold_equally_many_points_that_lie_together() -> None:
    points = np.random.default_rng(1).uniform(size=(32_000, 3)) * [100.0, 10.0, 1.0]
    label = blocks(points)
    assert np.bincount(label, minlength=BLOCKS).tolist() == [1000] * BLOCKS
    first = points[label == 0]
    assert np.ptp(first[:, 0]) < 10.0


def test_thinning_levels_out_density_and_is_the_same_every_time() -> None:
    rng = np.random.default_rng(1)
    dense, loose = rng.uniform(0, 1, (90_000, 2)), rng.uniform(0, 1, (10_000, 2)) + [1.0, 0.0]
    points = np.column_stack([np.concatenate([dense, loose]), np.zeros(100_000)])
    kept = thinned(points, 2_000)
    assert 1_000 < len(kept) <= 2_000
    assert (kept < 90_000).mean() == pytest.approx(0.5, abs=0.05)
    np.testing.assert_array_equal(kept, thinned(points, 2_000))
    assert (np.diff(kept) > 0).all()


def test_drawing_takes_an_even_share() -> None:
    chosen = drawn(1_000_000, 10_000)
    assert len(chosen) == pytest.approx(10_000, rel=0.05)
    assert np.histogram(chosen, 10, (0, 1_000_000))[0].min() > 850
    assert len(drawn(500, 1000)) == 500


def test_a_point_with_three_neighbours_is_a_stray_and_one_with_four_is_not() -> None:
    four, five = np.zeros((4, 3)), np.full((5, 3), 100.0)
    rng = np.random.default_rng(1)
    points = np.concatenate([four, five]) + 0.1 * rng.random((9, 3))
    assert strays(points, 1.0).tolist() == [True] * 4 + [False] * 5
