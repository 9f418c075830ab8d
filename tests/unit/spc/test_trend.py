"""Trends of single series: against scipy, under breaks, with uncertainties, and how often intervals hold the truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import theilslopes

from appliance.errors import InvalidInput
from appliance.spc.series import CAD_CHANGE, RECALIBRATION, REPAIR, Break, series_of
from appliance.spc.trend import least_p, trend_of

RNG = np.random.default_rng(23)


def noisy(n: int, slope: float, sd: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    time = np.sort(RNG.uniform(0, 100, n))
    return time, slope * time + RNG.normal(0, sd, n)


@pytest.mark.parametrize("n", [5, 8, 11, 40, 301])
def test_slope_is_that_of_scipy_on_irregular_times(n: int) -> None:
    time, value = noisy(n, 0.05)
    assert trend_of(series_of(time, value)).slope == pytest.approx(theilslopes(value, time).slope, rel=1e-12)


def test_the_interval_of_independent_values_is_that_of_scipy() -> None:
    time = np.arange(60.0)
    value = 0.05 * time + np.tile([1.0, -1.0], 30) * RNG.uniform(0.5, 1.5, 60)  # neighbours differ: nothing is inflated
    found, expected = trend_of(series_of(time, value)), theilslopes(value, time)
    assert found.test.inflation == 1.0
    assert (found.lower, found.upper) == pytest.approx((expected.low_slope, expected.high_slope), rel=0.01)


@pytest.mark.parametrize("n", [7, 30])
def test_intervals_hold_the_true_slope_and_agree_with_the_test(n: int) -> None:
    held = agreed = 0
    for _ in range(300):
        found = trend_of(series_of(*noisy(n, 0.02)))
        held += found.lower <= 0.02 <= found.upper
        agreed += (found.lower <= 0.0 <= found.upper) == (found.test.p > 0.05)
    assert held >= 0.92 * 300
    assert agreed >= 0.98 * 300


@pytest.mark.parametrize("n", [4, 10, 11, 60])
@pytest.mark.parametrize("correlation", [0.0, 0.6])
def test_no_trend_has_a_smaller_p_than_its_least(n: int, correlation: float) -> None:
    larger = 0
    for _ in range(50):
        time, value = noisy(n, 0.02)
        for k in range(1, n):
            value[k] += correlation * value[k - 1]
        series = series_of(time, np.round(value, 1), None, (Break(float(time[1]), CAD_CHANGE),))
        p, least = trend_of(series).test.p, least_p(series)
        assert p >= least > 0.0
        larger += p > least
    assert (larger > 0) == (n > 10), "where neighbours are alike, and their number tells"


def test_the_least_p_is_that_of_the_current_life() -> None:
    time, value = np.arange(24.0), np.concatenate([np.arange(12.0), RNG.normal(0, 1, 12)])
    repaired = series_of(time, value, None, (Break(12.0, REPAIR),))
    assert least_p(repaired) == least_p(series_of(time[12:], value[12:]))
    with pytest.raises(InvalidInput):
        least_p(series_of(time, value, None, (Break(22.0, REPAIR),)))


def test_four_values_are_never_a_trend_and_five_may_be_one() -> None:
    assert not trend_of(series_of(np.arange(4.0), np.arange(4.0))).exists
    assert trend_of(series_of(np.arange(4.0), np.arange(4.0))).upper == np.inf
    assert trend_of(series_of(np.arange(5.0), np.arange(5.0))).exists


def test_wild_values_leave_the_slope_where_it_is() -> None:
    time = np.arange(20.0)
    value = 0.1 * time
    value[[3, 11, 16]] = 50.0, -40.0, 90.0
    assert trend_of(series_of(time, value)).slope == pytest.approx(0.1, rel=0.02)


def test_what_was_before_a_repair_is_left_out() -> None:
    time = np.arange(20.0)
    value = np.where(time < 10, 1.0 * time, 0.2 * (time - 10))
    found = trend_of(series_of(time, value, breaks=(Break(10.0, REPAIR),)))
    assert found.count == 10
    assert found.slope == pytest.approx(0.2)


@pytest.mark.parametrize("kind", [RECALIBRATION, CAD_CHANGE])
def test_a_step_of_the_instrument_or_the_model_is_no_change_of_the_part(kind: str) -> None:
    time = np.arange(24.0)
    value = 0.2 * time + np.where(time >= 12, -5.0, 0.0) + RNG.normal(0, 0.01, 24)
    found = trend_of(series_of(time, value, breaks=(Break(12.0, kind),)))
    assert (found.segments, found.count) == (2, 24)
    assert found.slope == pytest.approx(0.2, abs=5e-3)
    assert found.level == pytest.approx(0.2 * 23 - 5.0, abs=0.05)
    assert trend_of(series_of(time, value)).slope < 0.1


def test_a_value_of_the_moment_of_a_break_comes_after_it() -> None:
    breaks = (Break(3.0, CAD_CHANGE), Break(1.0, RECALIBRATION), Break(2.0, REPAIR))
    series = series_of([0.0, 1.0, 2.0, 3.0], [0.0] * 4, breaks=breaks)
    assert series.stratum.tolist() == [0, 1, 2, 3]
    assert series.current_life().time_days.tolist() == [2.0, 3.0]
    assert series.current_life().stratum.tolist() == [1, 2]


def test_a_repair_after_the_last_value_changes_nothing() -> None:
    time = np.arange(8.0)
    plain = trend_of(series_of(time, time))
    assert trend_of(series_of(time, time, breaks=(Break(99.0, REPAIR),))) == plain


def test_sure_values_count_for_more_than_unsure_ones() -> None:
    errors = {False: [], True: []}
    for seed in range(60):
        rng = np.random.default_rng(seed)
        time, u = np.arange(30.0), np.where(rng.random(30) < 0.5, 0.1, 2.0)
        value = 0.05 * time + rng.normal(0, u)
        for weighted in errors:
            found = trend_of(series_of(time, value, u if weighted else None), seed=seed)
            assert found.weighted == weighted
            errors[weighted].append(abs(found.slope - 0.05))
    assert np.median(errors[True]) < 0.6 * np.median(errors[False])


def test_intervals_of_weighted_slopes_hold_the_truth_about_as_often_as_they_say() -> None:
    held, rng = 0, np.random.default_rng(3)
    for seed in range(200):
        u = rng.choice([0.2, 1.0], 20)
        found = trend_of(series_of(np.arange(20.0), 0.02 * np.arange(20.0) + rng.normal(0, u), u), seed=seed)
        held += found.lower <= 0.02 <= found.upper
    assert 0.91 < held / 200 < 0.99


def test_equal_uncertainties_change_no_bit_of_the_slope() -> None:
    time, value = noisy(25, 0.03)
    assert trend_of(series_of(time, value, np.full(25, 0.2))) == trend_of(series_of(time, value))


def test_the_same_seed_gives_the_same_bits() -> None:
    time, value = noisy(25, 0.03)
    series = series_of(time, value, np.linspace(0.1, 1.0, 25))
    assert trend_of(series, seed=7) == trend_of(series, seed=7)
    assert trend_of(series, seed=7) != trend_of(series, seed=8)


def test_what_is_no_series_is_refused() -> None:
    with pytest.raises(InvalidInput, match="order"):
        series_of([1.0, 0.0], [0.0, 0.0])
    with pytest.raises(InvalidInput, match="no break"):
        series_of([0.0], [0.0], breaks=(Break(0.0, "lunch"),))
    with pytest.raises(InvalidInput, match="not positive"):
        series_of([0.0, 1.0], [0.0, 0.0], [0.1, 0.0])
    with pytest.raises(InvalidInput, match="finite"):
        series_of([0.0, 1.0], [0.0, np.nan])
    with pytest.raises(InvalidInput, match="3 values"):
        trend_of(series_of([0.0, 1.0, 2.0], [0.0, 1.0, 2.0], breaks=(Break(1.0, REPAIR),)))
    with pytest.raises(InvalidInput, match="two times"):
        trend_of(series_of([1.0, 1.0, 1.0], [0.0, 1.0, 2.0]))
