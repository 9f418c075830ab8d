"""Forecasts: the edges of the decision rule, both days of a known line, plain words where there is none."""

from __future__ import annotations

import math

import numpy as np
import pytest

from appliance.errors import InvalidInput
from appliance.qc.decision import decide
from appliance.spc.forecast import ALREADY, EXPECTED, NEVER, NO_TREND, edges_of, forecast
from appliance.spc.series import REPAIR, Break, Series, series_of

RNG = np.random.default_rng(31)


def line(slope: float, n: int = 20, noise: float = 1e-4) -> Series:
    time = np.arange(n) * 10.0
    return series_of(time, slope * time + RNG.normal(0, noise, n))


@pytest.mark.parametrize(("lower", "upper"), [(-0.1, 0.1), (None, 0.1), (-0.1, None), (-0.04, 0.1)])
@pytest.mark.parametrize("u", [0.005, 0.01, 0.03])
def test_edges_are_where_the_decision_rule_changes_its_mind(lower: float | None, upper: float | None, u: float) -> None:
    edges, step = edges_of(lower, upper, u), 1e-7
    for edge, side in ((edges.pass_lower, -1), (edges.pass_upper, 1)):
        if math.isfinite(edge):
            assert decide(edge - side * step, u, lower, upper) == "pass"
            assert decide(edge + side * step, u, lower, upper) == "inconclusive"
    for edge, side in ((edges.fail_lower, -1), (edges.fail_upper, 1)):
        if math.isfinite(edge):
            assert decide(edge - side * step, u, lower, upper) == "inconclusive"
            assert decide(edge + side * step, u, lower, upper) == "fail"


def test_a_tolerance_that_can_never_pass_has_left_pass_already() -> None:
    found = forecast(line(1e-4), -0.1, 0.1, 0.06)
    assert math.isnan(found.edges.pass_upper)
    assert found.leaves_pass.state == ALREADY


def test_both_days_of_a_straight_line_are_where_it_meets_the_edges() -> None:
    found = forecast(line(2e-4), -0.1, 0.1, 0.01)
    for crossing, edge in ((found.leaves_pass, 0.0835), (found.reaches_fail, 0.1165)):
        assert crossing.state == EXPECTED
        assert crossing.day == pytest.approx(edge / 2e-4, rel=5e-3)
        assert crossing.earliest < edge / 2e-4 < crossing.latest
    assert found.leaves_pass.latest < found.reaches_fail.earliest


def test_a_falling_line_reaches_the_lower_limit_and_never_an_upper_one_alone() -> None:
    assert forecast(line(-2e-4), -0.1, 0.1, 0.01).leaves_pass.day == pytest.approx(417.5, rel=5e-3)
    assert forecast(line(-2e-4), None, 0.1, 0.01).leaves_pass.state == NEVER


def test_without_a_trend_no_day_is_named_and_the_latest_is_unbounded() -> None:
    found = forecast(series_of(np.arange(30.0), RNG.normal(0, 0.01, 30)), -0.1, 0.1, 0.01)
    assert not found.trend.exists
    for crossing in (found.leaves_pass, found.reaches_fail):
        assert crossing.state == NO_TREND
        assert math.isnan(crossing.day)
        assert crossing.latest == math.inf
        assert crossing.earliest > 29.0


def test_a_line_that_is_out_already_is_said_to_be() -> None:
    found = forecast(line(8e-4), None, 0.1, 0.01)
    assert (found.leaves_pass.state, found.reaches_fail.state) == (ALREADY, ALREADY)
    assert found.leaves_pass.day == 190.0


def test_a_forecast_begins_at_the_last_repair() -> None:
    time = np.arange(40) * 10.0
    value = np.where(time < 200, 4e-4 * time, 2e-4 * (time - 200)) + RNG.normal(0, 1e-4, 40)
    found = forecast(series_of(time, value, breaks=(Break(200.0, REPAIR),)), None, 0.1, 0.01)
    assert found.leaves_pass.day == pytest.approx(200 + 0.0835 / 2e-4, rel=5e-3)


def test_the_same_seed_gives_the_same_bits_on_one_thread_and_many(monkeypatch: pytest.MonkeyPatch) -> None:
    series = line(2e-4, noise=0.01)
    found = []
    for threads in ("1", "2"):
        monkeypatch.setenv("D2R_THREADS", threads)
        found.append(forecast(series, -0.1, 0.1, 0.01, seed=5, replicates=4999))
    assert found[0] == found[1]
    assert forecast(series, -0.1, 0.1, 0.01, seed=6).leaves_pass != found[0].leaves_pass


@pytest.mark.parametrize("correlation", [0.0, 0.5])
def test_intervals_hold_the_true_day_about_as_often_as_they_say(correlation: float) -> None:
    held = named = 0
    time = np.linspace(0, 300, 30)
    for seed in range(150):
        noise = np.random.default_rng(seed).normal(0, 0.01, 80)
        for k in range(1, 80):
            noise[k] += correlation * noise[k - 1]
        found = forecast(series_of(time, 4e-4 * time + noise[50:]), None, 0.3, 0.01, seed=seed, replicates=399)
        if found.leaves_pass.state == EXPECTED:
            named += 1
            held += found.leaves_pass.earliest <= (0.3 - 0.0165) / 4e-4 <= found.leaves_pass.latest
    assert named > 140
    assert held / named > 0.89


@pytest.mark.parametrize(("lower", "upper", "u"), [(None, None, 0.1), (0.1, -0.1, 0.1), (None, 0.1, 0.0)])
def test_a_forecast_without_limit_or_uncertainty_is_refused(lower: float | None, upper: float | None, u: float) -> None:
    with pytest.raises(InvalidInput):
        edges_of(lower, upper, u)
