"""Mann and Kendall: exact chances against all orders, false alarms where neighbours are alike."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from appliance.spc.fields import partitions
from appliance.spc.kendall import inflation_of, mann_kendall, normal_p, null_distribution, null_variance, tie_counts
from appliance.spc.slopes import median_slopes, pairs_of


def one(values: np.ndarray) -> np.ndarray:
    return np.zeros(len(values), dtype=np.int64)


def score_of(time: np.ndarray, value: np.ndarray) -> int:
    pairs = [(i, j) for i in range(len(time)) for j in range(i + 1, len(time))]
    return int(sum(np.sign(value[j] - value[i]) * (time[j] > time[i]) for i, j in pairs))


@pytest.mark.parametrize(("n", "p"), [(4, 1 / 12), (5, 1 / 60), (3, 1 / 3)])
def test_a_monotone_series_has_the_published_exact_probability(n: int, p: float) -> None:
    rising = np.arange(n, dtype=float)
    found = mann_kendall(rising, rising, one(rising))
    assert found.method == "exact"
    assert found.p == pytest.approx(p, rel=1e-12)


@pytest.mark.parametrize("seed", range(30))
def test_exact_probabilities_are_those_of_all_orders_with_ties_of_values_and_times(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 7))
    time = np.sort(rng.integers(0, n + 2, n)).astype(float)
    value = rng.integers(0, n, n).astype(float)
    scores = np.array([score_of(time, np.array(order)) for order in permutations(value)])
    found = mann_kendall(time, value, one(value))
    assert found.score == score_of(time, value)
    assert found.p == pytest.approx(np.mean(np.abs(scores) >= abs(found.score)), rel=1e-12)
    assert found.variance == pytest.approx(np.mean(scores**2), rel=1e-12)


@pytest.mark.parametrize("n", range(2, 11))
def test_the_counted_distribution_has_the_variance_of_the_formula_for_every_way_of_tying(n: int) -> None:
    for ties in partitions(n):
        probability = null_distribution((1,) * n, ties)
        score = np.arange(len(probability)) - len(probability) // 2
        assert probability.sum() == pytest.approx(1.0, rel=1e-12)
        assert probability @ score**2 == pytest.approx(null_variance((1,) * n, ties), rel=1e-11, abs=1e-12)


def test_the_normal_probability_is_near_the_exact_one_where_they_meet() -> None:
    probability = null_distribution((1,) * 10, (1,) * 10)
    for score in (5, 15, 23, 31):
        exact = probability[np.abs(np.arange(-45, 46)) >= score].sum()
        assert normal_p(score, null_variance((1,) * 10, (1,) * 10)) == pytest.approx(exact, abs=0.008)


def test_segments_are_compared_within_themselves() -> None:
    time = np.arange(10.0)
    value = np.array([5.0, 6, 7, 8, 9, 0, 1, 2, 3, 4])
    stratum = np.repeat([0, 1], 5)
    found = mann_kendall(time, value, stratum)
    assert found.score == 20
    # two monotone halves of five: both rise or both fall, 2 of 120^2 orders
    assert found.p == pytest.approx(2 / 120**2, rel=1e-12)


def test_values_that_are_all_alike_show_no_trend() -> None:
    value = np.ones(30)
    assert mann_kendall(np.arange(30.0), value, one(value)).p == 1.0
    assert tie_counts(value) == (30,)


def false_alarms(correlation: float, n: int, series: int, *, corrected: bool) -> float:
    """Share of first-order series without a trend in which a test at 5 % finds one."""
    noise = np.random.default_rng(9).normal(size=(series, n + 80))
    values = np.zeros_like(noise)
    for k in range(1, n + 80):
        values[:, k] = correlation * values[:, k - 1] + noise[:, k]
    values, time = np.ascontiguousarray(values[:, 80:]), np.arange(n, dtype=float)
    slopes = median_slopes(values, pairs_of(time)).slope
    found = 0
    for row, slope in zip(values, slopes, strict=True):
        inflation = inflation_of(row, time, one(row), float(slope)) if corrected else 1.0
        found += mann_kendall(time, row, one(row), inflation).p <= 0.05
    return found / series


def test_without_correction_alike_neighbours_give_a_quarter_to_two_fifths_false_alarms() -> None:
    """Metrology, section on trends: 25 to 39 % at 0.5 to 0.7."""
    assert false_alarms(0.5, 100, 600, corrected=False) == pytest.approx(0.25, abs=0.05)
    assert false_alarms(0.7, 100, 600, corrected=False) == pytest.approx(0.39, abs=0.06)


@pytest.mark.parametrize(("correlation", "most"), [(0.0, 0.065), (0.5, 0.085), (0.7, 0.10)])
def test_with_correction_false_alarms_are_about_as_many_as_stated(correlation: float, most: float) -> None:
    assert 0.015 < false_alarms(correlation, 100, 800, corrected=True) < most


def test_short_series_need_the_bias_of_their_correlation_put_right() -> None:
    """20 values at 0.5: 20 % without any correction, 11 % with the correlation as it is seen."""
    assert false_alarms(0.5, 20, 1500, corrected=True) < 0.095


def test_ten_values_are_not_corrected() -> None:
    value = np.arange(10.0)
    assert inflation_of(value, value, one(value), 0.0) == 1.0
