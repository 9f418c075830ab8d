"""Run rules: patterns of points that a process in control shows rarely.

Every rule sees standard errors from the centre, z, and marks the point at which a pattern is complete:

    beyond        1 point beyond 3
    one_side      r points in a row on one side of the centre
    trend         r points in a row, each higher (lower) than the one before
    alternating   r points in a row that go up and down in turn
    two_of_three  2 of 3 beyond 2 on one side, the last of them one of the 2
    four_of_five  4 of 5 beyond 1 on one side, the last of them one of the 4
    hugging       r points in a row within 1
    mixture       r points in a row beyond 1, on either side

"Beyond" is strictly beyond; a point on the centre is on no side.  r counts points: Nelson's six points have five steps.
Programs that count steps (Minitab and what follows it) name the same pattern by one less.

Rules of a skewed statistic (ranges, counts that are rare) give more false alarms than these: for such, use ``beyond``.

Source: Nelson, Journal of Quality Technology 16 (1984) 237-239, doi:10.1080/00224065.1984.11978921; Western Electric,
Statistical Quality Control Handbook (1956), pages 23-28.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from appliance.spc.checks import Bool, Float64, require
from appliance.spc.records import Chart, Signal

Test = Callable[[Float64], Bool]


@dataclass(frozen=True)
class Rule:
    """One rule: ``test`` sees windows z (..., span) and tells which of them are its pattern, (...,)."""

    name: str
    span: int
    test: Test
    words: str


def _beyond(limit: float) -> Test:
    return lambda z: np.asarray(np.abs(z[..., 0]) > limit)


def _one_side(z: Float64) -> Bool:
    return np.asarray((z > 0).all(axis=-1) | (z < 0).all(axis=-1))


def _trend(z: Float64) -> Bool:
    step = np.diff(z, axis=-1)
    return np.asarray((step > 0).all(axis=-1) | (step < 0).all(axis=-1))


def _alternating(z: Float64) -> Bool:
    step = np.diff(z, axis=-1)
    return np.asarray((step[..., 1:] * step[..., :-1] < 0).all(axis=-1))


def _some_beyond(least: int, limit: float) -> Test:
    """``least`` of the window beyond ``limit`` on the side on which its last point is."""

    def test(z: Float64) -> Bool:
        high, low = z > limit, z < -limit
        above = (high.sum(axis=-1) >= least) & high[..., -1]
        return np.asarray(above | ((low.sum(axis=-1) >= least) & low[..., -1]))

    return test


def _hugging(z: Float64) -> Bool:
    return np.asarray((np.abs(z) < 1.0).all(axis=-1))


def _mixture(z: Float64) -> Bool:
    return np.asarray((np.abs(z) > 1.0).all(axis=-1))


def beyond(limit: float = 3.0) -> Rule:
    """One point beyond ``limit`` standard errors."""
    return Rule("beyond", 1, _beyond(limit), f"beyond {limit:g} standard errors")


def one_side(points: int) -> Rule:
    """``points`` in a row on one side of the centre."""
    return Rule("one_side", points, _one_side, f"{points} points in a row on one side of the centre")


def trend(points: int) -> Rule:
    """``points`` in a row that rise, or fall."""
    return Rule("trend", points, _trend, f"{points} points in a row that rise or fall")


def alternating(points: int) -> Rule:
    """``points`` in a row that go up and down in turn."""
    return Rule("alternating", points, _alternating, f"{points} points in a row that go up and down in turn")


def hugging(points: int) -> Rule:
    """``points`` in a row within one standard error: mixed strata in subgroups, or limits that are wrong."""
    return Rule("hugging", points, _hugging, f"{points} points in a row within 1 standard error")


def mixture(points: int) -> Rule:
    """``points`` in a row beyond one standard error, on either side."""
    return Rule("mixture", points, _mixture, f"{points} points in a row beyond 1 standard error")


TWO_OF_THREE: Final = Rule(
    "two_of_three", 3, _some_beyond(2, 2.0), "2 of 3 points beyond 2 standard errors on one side"
)
FOUR_OF_FIVE: Final = Rule("four_of_five", 5, _some_beyond(4, 1.0), "4 of 5 points beyond 1 standard error on one side")

#: Nelson's eight, in his order.
NELSON: Final = (
    beyond(), one_side(9), trend(6), alternating(14), TWO_OF_THREE, FOUR_OF_FIVE, hugging(15), mixture(8),
)  # fmt: skip
#: The four zone tests of the Western Electric handbook.
WESTERN_ELECTRIC: Final = (beyond(), TWO_OF_THREE, FOUR_OF_FIVE, one_side(8))


def complete_at(rule: Rule, z: Float64) -> Bool:
    """At which points of series ``z`` (..., k) the rule's pattern is complete, bool (..., k); NaN breaks a pattern."""
    found = np.zeros(z.shape, dtype=np.bool_)
    if z.shape[-1] >= rule.span:
        found[..., rule.span - 1 :] = rule.test(sliding_window_view(z, rule.span, axis=-1))
    return found


def signals(chart: Chart, rules: Iterable[Rule] = NELSON) -> tuple[Signal, ...]:
    """Every rule that the points of ``chart`` broke, in the order of the points and then of the rules.

    Raises
    ------
    InvalidInput : a standard error is not positive
    """
    require((chart.error > 0).all(), "spc.no_spread", "A point without a standard error cannot be judged.")
    z = chart.standardised()
    found = [signal for rule in rules for signal in _signals(chart.statistic, rule, z)]
    return tuple(sorted(found, key=lambda signal: signal.at))


def _signals(statistic: str, rule: Rule, z: Float64) -> Iterator[Signal]:
    for at in np.flatnonzero(complete_at(rule, z)):
        last = int(at)
        points = tuple(range(last - rule.span + 1, last + 1))
        if rule.name in ("two_of_three", "four_of_five"):
            limit = 2.0 if rule.name == "two_of_three" else 1.0
            points = tuple(point for point in points if z[point] * np.sign(z[last]) > limit)
        yield Signal(statistic, rule.name, last, points, f"{rule.words}: point {last} is at {z[last]:+.2f}")
