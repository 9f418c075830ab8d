"""The decision rule against the examples of its definition (ISO 14253-1, JCGM 106)."""

from __future__ import annotations

import math

import pytest
from scipy.stats import norm

from appliance.qc.decision import can_ever_pass, conformance_probability, contradicts, decide, verdict_of
from appliance.qc.records import FAIL, INCONCLUSIVE, NOT_MEASURED, PASS, Characteristic, CharacteristicResult


@pytest.mark.parametrize(
    ("value", "decision"),
    [(0.0, PASS), (0.0835, PASS), (0.0836, INCONCLUSIVE), (0.1, INCONCLUSIVE), (0.1165, INCONCLUSIVE), (0.1166, FAIL)],
)
def test_limits_of_a_tenth_with_u_of_a_hundredth(value: float, decision: str) -> None:
    assert decide(value, 0.01, -0.1, 0.1) == decision
    assert decide(-value, 0.01, -0.1, 0.1) == decision


def test_the_guard_band_alone_would_pass_too_much_at_four_u() -> None:
    u = 0.05
    value = 0.1 - 1.65 * u
    assert conformance_probability(value, u, -0.1, 0.1) == pytest.approx(0.941, abs=5e-4)
    assert decide(value, u, -0.1, 0.1) == INCONCLUSIVE


@pytest.mark.parametrize(("lower", "upper"), [(-0.1, None), (None, 0.1), (-0.2, 0.1)])
def test_conformance_agrees_with_an_independent_normal_distribution(lower: float | None, upper: float | None) -> None:
    for value in (-0.31, -0.1, 0.0, 0.07, 0.14, 0.5):
        expected = norm.cdf(math.inf if upper is None else upper, value, 0.03) - norm.cdf(
            -math.inf if lower is None else lower, value, 0.03
        )
        assert conformance_probability(value, 0.03, lower, upper) == pytest.approx(expected, abs=1e-12)


def test_a_tolerance_below_392_u_never_passes_and_says_so_before() -> None:
    assert not can_ever_pass(0.05, -0.0975, 0.0975)
    assert decide(0.0, 0.05, -0.0975, 0.0975) == INCONCLUSIVE
    assert can_ever_pass(0.05, -0.0981, 0.0981)
    assert decide(0.0, 0.05, -0.0981, 0.0981) == PASS
    assert can_ever_pass(1.0, None, 0.1)


@pytest.mark.parametrize(("value", "u"), [(math.nan, 0.1), (0.0, math.nan), (0.0, 0.0), (0.0, -1.0), (math.inf, 0.1)])
def test_figures_without_meaning_are_refused(value: float, u: float) -> None:
    with pytest.raises(ValueError, match="finite value and a positive uncertainty"):
        conformance_probability(value, u, -1.0, 1.0)


def result(decision: str, name: str = "c") -> CharacteristicResult:
    asked = Characteristic(name, "all", "mean", -0.1, 0.1, 0.9, 5.0)
    return CharacteristicResult(asked, decision, 0.0, 0.01, 1.0)


@pytest.mark.parametrize(
    ("decisions", "ambiguous", "verdict"),
    [
        ([PASS, PASS], False, PASS),
        ([PASS, FAIL, NOT_MEASURED], False, FAIL),
        ([PASS, FAIL], True, INCONCLUSIVE),
        ([PASS, PASS], True, INCONCLUSIVE),
        ([PASS, INCONCLUSIVE, NOT_MEASURED], False, INCONCLUSIVE),
        ([PASS, NOT_MEASURED], False, NOT_MEASURED),
    ],
)
def test_the_verdict_takes_the_gravest_decision(decisions: list[str], ambiguous: bool, verdict: str) -> None:
    assert verdict_of(tuple(result(item) for item in decisions), ambiguous).decision == verdict


def test_no_characteristics_is_an_error_and_not_a_pass() -> None:
    with pytest.raises(ValueError, match="no verdict"):
        verdict_of((), False)


def test_the_reason_names_the_characteristics_that_failed() -> None:
    verdict = verdict_of((result(PASS, "flat"), result(FAIL, "bore")), False)
    assert verdict.reasons == ("1 of 2 characteristics beyond limits: bore.",)


@pytest.mark.parametrize(
    ("stated", "value", "u", "is_wrong"),
    [
        (PASS, 0.0, 0.01, False), (PASS, 0.1, None, False), (PASS, 0.11, None, True), (PASS, 0.11, 0.1, True),
        (PASS, 0.2, 0.01, True), (FAIL, 0.2, 0.01, False), (FAIL, 0.0, 0.01, True), (FAIL, 0.0, None, True),
        (FAIL, 0.099, 0.01, False), (FAIL, 0.11, None, False), (INCONCLUSIVE, 0.2, 0.01, False),
        (None, 0.2, 0.01, False),
    ],
)  # fmt: skip
def test_another_verdict_contradicts_ours_where_both_cannot_be_right(
    stated: str | None, value: float, u: float | None, is_wrong: bool
) -> None:
    ours = decide(value, u, -0.1, 0.1) if u else INCONCLUSIVE
    assert contradicts(stated, ours, value, u, -0.1, 0.1) == is_wrong


def test_nothing_contradicts_where_nothing_was_measured() -> None:
    assert not contradicts(PASS, NOT_MEASURED, None, None, -0.1, 0.1)
