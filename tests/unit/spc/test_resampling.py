"""Replicates of a series: lines kept, residuals drawn anew, neighbours together where they are alike."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.spc.resampling import differ, resampled, residuals_of
from appliance.spc.series import RECALIBRATION, Break, series_of

RNG = np.random.default_rng(83)


def test_each_segment_has_residuals_about_its_own_median() -> None:
    time = np.arange(10.0)
    series = series_of(time, 2.0 * time + np.where(time < 5, 0.0, 7.0), breaks=(Break(5.0, RECALIBRATION),))
    np.testing.assert_allclose(residuals_of(series, series.stratum, 2.0), 0.0, atol=1e-12)


def test_replicates_spread_about_the_line_as_the_values_do() -> None:
    time = np.arange(40.0)
    series = series_of(time, 0.5 * time + RNG.normal(0, 1, 40))
    drawn = resampled(series, series.stratum, 0.5, 4000, seed=1)
    rest = residuals_of(series, series.stratum, 0.5)
    np.testing.assert_allclose(drawn.mean(axis=0), series.value - rest + rest.mean(), atol=0.1)
    assert drawn.std(axis=0) == pytest.approx(rest.std() * np.sqrt(40 / 38), rel=0.05)


def test_sure_values_get_small_residuals() -> None:
    u = np.tile([0.1, 1.0], 20)
    series = series_of(np.arange(40.0), RNG.normal(0, u), u)
    drawn = resampled(series, series.stratum, 0.0, 2000, seed=1)
    assert drawn[:, 1::2].std() == pytest.approx(10 * drawn[:, ::2].std(axis=0).mean(), rel=0.1)


def test_alike_neighbours_are_drawn_together() -> None:
    value = np.zeros(200)
    for k in range(1, 200):
        value[k] = 0.8 * value[k - 1] + RNG.normal()
    series = series_of(np.arange(200.0), value)
    drawn = resampled(series, series.stratum, 0.0, 300, seed=1)
    single = resampled(series, series.stratum, 0.0, 300, seed=1, block=1)
    line = series.value - residuals_of(series, series.stratum, 0.0)

    def lag_one(rows: np.ndarray) -> float:
        rest = rows - line
        return float((rest[:, 1:] * rest[:, :-1]).sum() / np.square(rest - rest.mean()).sum())

    assert lag_one(drawn) > 0.6
    assert abs(lag_one(single)) < 0.25


def test_uncertainties_that_hardly_differ_are_alike() -> None:
    assert not differ(None)
    assert not differ(np.array([1.0, 1.4]))
    assert differ(np.array([1.0, 1.6]))
