"""Run rules against points that other programs flag, and against their chances under pure noise."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.errors import InvalidInput
from appliance.spc.records import Chart
from appliance.spc.reference_data import ALL_RULES_BROKEN
from appliance.spc.rules import (
    FOUR_OF_FIVE,
    NELSON,
    TWO_OF_THREE,
    WESTERN_ELECTRIC,
    Rule,
    alternating,
    beyond,
    complete_at,
    hugging,
    mixture,
    one_side,
    signals,
    trend,
)
from appliance.spc.variables import individuals_limits, location_chart

#: Points (from 1) that JASP flags, verified there with Minitab: 7 on a side, 7 and 14 steps, else Nelson's numbers.
FLAGGED = [
    (beyond(), [*range(37, 46)]),
    (one_side(7), [*range(22, 37), 43, 44]),
    (trend(8), [22]),
    (TWO_OF_THREE, [*range(38, 45)]),
    (hugging(15), [*range(29, 37)]),
    (mixture(8), [44, 45]),
    (FOUR_OF_FIVE, [*range(40, 45)]),
    (alternating(15), [15, 16]),
]


@pytest.mark.parametrize(("rule", "points"), FLAGGED, ids=lambda case: getattr(case, "name", ""))
def test_rules_flag_the_points_that_jasp_and_minitab_flag(rule: Rule, points: list[int]) -> None:
    chart = location_chart(individuals_limits(ALL_RULES_BROKEN), ALL_RULES_BROKEN)
    assert [signal.at + 1 for signal in signals(chart, [rule])] == points


def z_chart(z: list[float]) -> Chart:
    one = np.ones(len(z))
    return Chart("x", np.array(z), 0 * one, one, -3 * one, 3 * one)


@pytest.mark.parametrize(
    ("rule", "z"),
    [
        (NELSON[0], [3.01]),
        (NELSON[1], [0.1] * 9),
        (NELSON[2], [-0.3, -0.2, -0.1, 0.1, 0.2, 0.3]),
        (NELSON[3], [0.5, -0.5] * 7),
        (NELSON[4], [2.1, 0.0, 2.1]),
        (NELSON[5], [1.1, 1.1, 0.0, 1.1, 1.1]),
        (NELSON[6], [0.9, -0.9, 0.2] * 5),
        (NELSON[7], [1.1, -1.1] * 4),
    ],
    ids=lambda case: getattr(case, "name", ""),
)
def test_a_pattern_is_complete_at_its_last_point_and_not_before(rule: Rule, z: list[float]) -> None:
    found = complete_at(rule, np.array(z))
    assert found[-1]
    assert not found[:-1].any()


@pytest.mark.parametrize(
    ("rule", "z"),
    [
        (beyond(), [3.0]),
        (one_side(9), [0.1] * 8 + [0.0]),
        (trend(6), [1, 2, 3, 3, 4, 5]),
        (TWO_OF_THREE, [2.1, 0.0, -2.1]),
        (TWO_OF_THREE, [2.1, 2.1, 0.0][::1]),
        (hugging(15), [0.5] * 14 + [1.0]),
        (mixture(8), [1.1] * 7 + [1.0]),
    ],
    ids=lambda case: getattr(case, "name", ""),
)
def test_what_lies_on_a_border_or_ends_inside_is_no_signal(rule: Rule, z: list[float]) -> None:
    assert not complete_at(rule, np.array(z, dtype=float))[-1]


def test_a_gap_in_the_series_breaks_every_pattern() -> None:
    z = np.array([0.1] * 4 + [np.nan] + [0.1] * 5)
    assert not complete_at(one_side(9), z).any()


def test_signals_name_the_points_that_made_them_and_say_why() -> None:
    (signal,) = signals(z_chart([2.5, -0.5, 2.2]), [TWO_OF_THREE])
    assert signal.points == (0, 2)
    assert signal.reason == "2 of 3 points beyond 2 standard errors on one side: point 2 is at +2.20"


def test_many_series_are_judged_at_once_as_each_alone() -> None:
    z = np.random.default_rng(1).normal(size=(7, 200))
    for rule in (*NELSON, *WESTERN_ELECTRIC):
        together = complete_at(rule, z)
        for row in range(len(z)):
            np.testing.assert_array_equal(together[row], complete_at(rule, z[row]))


@pytest.mark.parametrize(
    ("rule", "chance"),
    [
        (beyond(), 0.0026998),
        (one_side(9), 2 * 0.5**9),
        (trend(6), 2 / 720),
        # up-down permutations of 14: 2 * 199360981 / 14!
        (alternating(14), 2 * 199_360_981 / 87_178_291_200),
        (hugging(15), 0.682689**15),
        (mixture(8), 0.317311**8),
    ],
    ids=lambda case: getattr(case, "name", ""),
)
def test_false_alarms_are_as_frequent_as_combinatorics_says(rule: Rule, chance: float) -> None:
    z = np.random.default_rng(11).normal(size=(40_000, rule.span * 4))[:, : rule.span * 4]
    windows = z.reshape(-1, rule.span)
    found = complete_at(rule, windows)[:, -1]
    assert found.mean() == pytest.approx(chance, abs=4 * np.sqrt(chance / len(windows)) + 1e-9)


def test_a_chart_without_spread_is_refused() -> None:
    one = np.ones(3)
    with pytest.raises(InvalidInput, match="standard error"):
        signals(Chart("x", one, one, 0 * one, one, one))
