"""Judging a characteristic: profile, budget, coverage, doubts."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from appliance.alignment.records import Alignment
from appliance.qc.budget import Conditions
from appliance.qc.judge import ZoneMeasurement, judge
from appliance.qc.quantities import CellStatistics
from appliance.qc.records import FAIL, INCONCLUSIVE, NOT_MEASURED, PASS, Characteristic, Instrument

NO_FIT = Alignment(np.eye(4), "supplied", 0.0, 0, np.empty((0, 6)), np.zeros(3))
SCANNER = Instrument(u_cal_mm=0.01, u_cal_source="test")


def zone(
    means: list[float], *, count: int = 100, sd: float = 0.02, coverage: float = 1.0, hole: float = 0.0
) -> ZoneMeasurement:
    mean = np.asarray(means, dtype=float)
    cells = len(mean)
    centre = np.stack([np.arange(cells) * 2.0, np.zeros(cells), np.zeros(cells)], axis=1)
    normal, area = np.tile([0.0, 0.0, 1.0], (cells, 1)), np.full(cells, 4.0)
    table = CellStatistics(np.full(cells, count), mean, np.full(cells, sd), centre, normal, area)
    return ZoneMeasurement(table, np.repeat(mean, count), coverage, hole, 4.0 * cells, 0.0)


def ask(quantity: str, lower: float | None = -0.1, upper: float | None = 0.1, **more) -> Characteristic:
    return Characteristic(
        "c", "z", quantity, lower, upper, more.pop("coverage", 0.9), more.pop("detect_mm", 10.0), **more
    )


def conditions(
    instrument: Instrument | None = SCANNER, alignment: Alignment = NO_FIT, chord: float = 0.0
) -> Conditions:
    return Conditions(instrument, alignment, chord)


def test_a_profile_is_twice_the_greatest_distance_from_the_middle_of_its_zone() -> None:
    # limits -0.1 / 0.3: o = 0.1, t = 0.4; extremes 0.2 and -0.05: P = 2 max(0.1, 0.15) = 0.3
    found = judge(ask("profile", -0.1, 0.3), zone([0.0, 0.2, -0.05]), conditions())
    assert found.value_mm == pytest.approx(0.3)
    assert (found.minimum_mm, found.maximum_mm) == (-0.05, 0.2)


def test_the_uncertainty_of_a_profile_is_twice_that_of_its_extreme() -> None:
    flat = [0.01] * 5
    profile = judge(ask("profile"), zone(flat), conditions())
    largest = judge(ask("max"), zone(flat), conditions())
    assert profile.u_mm == pytest.approx(2 * largest.u_mm)


def test_the_budget_adds_up_in_squares_to_the_combined_uncertainty() -> None:
    warm = replace(SCANNER, temperature_c=23.0, expansion_per_k=11.5e-6)
    found = judge(ask("max"), zone([0.0, 0.01, 0.02]), conditions(warm, chord=0.03))
    assert found.u_mm == pytest.approx(math.sqrt(sum(line.u_mm**2 for line in found.budget)))
    lines = {line.name: line.u_mm for line in found.budget}
    assert lines["instrument"] == 0.01
    assert lines["noise"] == pytest.approx(0.02 / 10)
    assert lines["CAD chord"] == pytest.approx(0.03 / math.sqrt(3))
    assert lines["temperature"] == pytest.approx(4.0 * 11.5e-6 * 3.0)
    assert lines["alignment"] == 0.0


def test_calibration_is_not_reduced_by_the_number_of_points() -> None:
    few, many = (judge(ask("mean"), zone([0.0] * 4, count=n), conditions()) for n in (10, 100_000))
    assert {line.name: line.u_mm for line in few.budget}["instrument"] == 0.01
    assert {line.name: line.u_mm for line in many.budget}["instrument"] == 0.01
    assert many.u_mm == pytest.approx(0.01, rel=1e-3)


def test_points_that_share_their_noise_count_as_one() -> None:
    # 4 cells of 4 mm2 and a correlation of 2 mm: four independent patches
    found = judge(ask("mean"), zone([0.0] * 4), conditions(replace(SCANNER, correlation_mm=2.0)))
    assert {line.name: line.u_mm for line in found.budget}["noise"] == pytest.approx(0.02 / 2)


def test_the_jackknife_of_the_alignment_enters_the_budget() -> None:
    shifts = np.zeros((20, 6))
    shifts[:, 5] = np.linspace(-0.01, 0.01, 20)
    fitted = replace(NO_FIT, mode="best_fit_all", replicates=shifts)
    found = judge(ask("mean"), zone([0.0] * 4), conditions(alignment=fitted))
    expected = math.sqrt(19 / 20 * float(np.sum(shifts[:, 5] ** 2)))
    assert {line.name: line.u_mm for line in found.budget}["alignment"] == pytest.approx(expected)


def test_without_an_instrument_a_good_part_is_inconclusive_and_a_bad_one_fails() -> None:
    good, bad = (judge(ask("mean"), zone([value] * 4), conditions(None)) for value in (0.0, 0.5))
    assert (good.decision, bad.decision) == (INCONCLUSIVE, FAIL)
    assert "uncertainty is not stated" in good.reasons[0]


def test_the_plan_may_state_the_instrument_itself() -> None:
    assert judge(ask("mean", u_instrument_mm=0.01), zone([0.0] * 4), conditions(None)).decision == PASS


def test_a_doubt_turns_a_pass_into_inconclusive_and_leaves_a_fail() -> None:
    doubtful = replace(zone([0.0] * 4), doubts=("Walls are thin.",))
    assert judge(ask("mean"), doubtful, conditions()).decision == INCONCLUSIVE
    beyond = replace(zone([0.4] * 4), doubts=("Walls are thin.",))
    assert judge(ask("mean"), beyond, conditions()).decision == FAIL


@pytest.mark.parametrize("quantity", ["max", "profile", "mean"])
@pytest.mark.parametrize("value", [0.0, 5.0])
def test_a_value_whose_uncertainty_is_not_known_decides_nothing(quantity: str, value: float) -> None:
    free = replace(NO_FIT, mode="best_fit_all", replicates=np.full((4, 6), np.nan))
    found = judge(ask(quantity), zone([value] * 5), conditions(alignment=free))
    assert found.decision == INCONCLUSIVE
    assert (found.u_mm, found.expanded_mm, found.guard_band_mm, found.conformance_probability) == (None,) * 4
    assert "how sure" in found.reasons[0]
    assert next(line for line in found.budget if line.name == "alignment").u_mm is None


def test_too_little_coverage_is_not_measured_whatever_the_value() -> None:
    for value in (0.0, 0.5):
        found = judge(ask("max"), zone([value] * 4, coverage=0.899), conditions())
        assert found.decision == NOT_MEASURED
        assert "89.9%" in found.reasons[0]
    assert judge(ask("max"), zone([0.0] * 4, coverage=0.9), conditions()).decision == PASS


def test_a_hole_larger_than_allowed_is_not_measured() -> None:
    assert judge(ask("max", uncovered_mm=3.0), zone([0.0] * 4, hole=3.1), conditions()).decision == NOT_MEASURED
    assert judge(ask("max", uncovered_mm=3.2), zone([0.0] * 4, hole=3.1), conditions()).decision == PASS


def test_cells_of_fewer_than_five_points_are_no_extremes() -> None:
    found = judge(ask("max"), zone([0.0] * 4, count=4), conditions())
    assert found.decision == NOT_MEASURED
    assert found.value_mm is None


def test_a_zone_without_points_is_not_measured() -> None:
    found = judge(ask("mean"), zone([], coverage=0.0), conditions())
    assert (found.decision, found.value_mm) == (NOT_MEASURED, None)


def test_a_percentile_is_that_of_the_points() -> None:
    found = judge(ask("p25"), zone([0.0, 0.01, 0.02, 0.03, 0.04]), conditions())
    assert found.value_mm == pytest.approx(0.01)


def test_an_uncertainty_too_large_for_the_tolerance_is_named() -> None:
    found = judge(ask("mean", -0.01, 0.01), zone([0.0] * 4), conditions())
    assert found.decision == INCONCLUSIVE
    assert any("3.92 u" in reason for reason in found.reasons)
