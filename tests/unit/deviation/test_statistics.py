"""Statistics: type-7 percentiles, exact, and nothing passes as a number that is none."""

from __future__ import annotations

import math

import numpy as np
import pytest

from appliance.deviation.statistics import PERCENTILES, statistics
from appliance.errors import InvalidInput


@pytest.mark.parametrize("count", [1, 2, 3, 7, 100, 200_003])
def test_statistics_are_those_of_numpy_over_the_inliers(count: int) -> None:
    rng = np.random.default_rng(count)
    value = rng.normal(0.1, 0.5, count + 5)
    isolated = np.zeros(count + 5, dtype=np.bool_)
    isolated[rng.choice(count + 5, 5, replace=False)] = True
    inlier = value[~isolated]
    found = statistics(value, isolated)
    assert (found.count, found.outliers) == (count, 5)
    assert found.count + found.outliers == len(value)
    assert found.mean_mm == pytest.approx(inlier.mean(), rel=1e-12)
    assert (found.min_mm, found.max_mm) == (inlier.min(), inlier.max())
    if count > 1:
        assert found.std_mm == pytest.approx(inlier.std(ddof=1), rel=1e-12)
    for percent in PERCENTILES:
        expected = np.percentile(inlier, percent, method="linear")
        assert found.percentiles_mm[percent] == pytest.approx(expected, rel=1e-12, abs=1e-15)


def test_the_percentiles_of_five_values_are_those_of_hyndman_and_fan() -> None:
    found = statistics(np.array([5.0, 1.0, 4.0, 2.0, 3.0])).percentiles_mm
    assert found == pytest.approx({1: 1.04, 5: 1.2, 25: 2.0, 50: 3.0, 75: 4.0, 95: 4.8, 99: 4.96})


def test_a_cylinder_against_its_chord_facets() -> None:
    # deviation s (1 - t^2) along a facet, t uniform in -1..1: mean 2 s / 3, max s, sd 0.298 s
    t = (np.arange(1_000_000) + 0.5) / 500_000 - 1.0
    found = statistics(0.04 * (1.0 - t**2))
    assert found.mean_mm == pytest.approx(0.04 * 2 / 3, rel=1e-6)
    assert found.max_mm == pytest.approx(0.04, rel=1e-6)
    assert found.std_mm == pytest.approx(0.298 * 0.04, rel=1e-3)


def test_without_inliers_there_are_no_figures() -> None:
    found = statistics(np.array([1.0, 2.0]), np.array([True, True]))
    assert (found.count, found.outliers) == (0, 2)
    assert math.isnan(found.mean_mm)
    assert all(math.isnan(v) for v in found.percentiles_mm.values())


def test_the_values_are_left_in_their_order() -> None:
    value = np.array([3.0, 1.0, 2.0])
    statistics(value)
    assert list(value) == [3.0, 1.0, 2.0]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_deviation_that_is_not_finite_is_refused_unless_it_is_isolated(bad: float) -> None:
    value = np.array([0.1, bad, 0.2])
    with pytest.raises(InvalidInput):
        statistics(value)
    assert statistics(value, np.array([False, True, False])).count == 2


@pytest.mark.parametrize("threads", ["1", "3"])
def test_percentiles_are_exact_over_signs_octaves_and_ties(threads: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("D2R_THREADS", threads)
    rng = np.random.default_rng(7)
    spread = rng.choice([-1.0, 1.0], 90_000) * 10.0 ** rng.uniform(-100, 100, 90_000)
    value = rng.permutation(np.concatenate([spread, np.zeros(5_000), -np.zeros(5_000), np.full(9_000, 0.25), [np.nan]]))
    found = statistics(value, np.isnan(value))
    inlier = value[~np.isnan(value)]
    assert (found.min_mm, found.max_mm) == (inlier.min(), inlier.max())
    assert list(found.percentiles_mm.values()) == pytest.approx(list(np.percentile(inlier, PERCENTILES)), rel=1e-12)
