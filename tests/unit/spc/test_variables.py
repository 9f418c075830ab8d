"""Charts of measured values against the limits that qcc and SAS publish, and NIST's wafer thickness by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from appliance.errors import InvalidInput
from appliance.spc.reference_data import PART_GAPS, PISTON_RINGS
from appliance.spc.rules import beyond, signals
from appliance.spc.variables import (
    deviation_limits,
    dispersion_chart,
    individuals_limits,
    location_chart,
    pooled_spread,
    range_limits,
)

RINGS = PISTON_RINGS[:25]
#: qcc divides by d2 = 2.326, exact is 2.3259289.
QCC = 5e-5


def test_piston_rings_have_the_limits_that_qcc_publishes_for_means_and_ranges() -> None:
    limits = range_limits(RINGS)
    means, ranges = location_chart(limits, RINGS), dispersion_chart(limits, RINGS)
    assert limits.centre == pytest.approx(74.00118, abs=5e-6)
    assert limits.spread is not None
    assert limits.spread.sigma == pytest.approx(0.009785039, rel=QCC)
    assert means.lower[0] == pytest.approx(73.98805, abs=5e-6)
    assert means.upper[0] == pytest.approx(74.0143, abs=5e-5)
    assert ranges.centre[0] == pytest.approx(0.02276, abs=5e-6)
    assert ranges.upper[0] == pytest.approx(0.04812533, rel=QCC)
    assert np.isnan(ranges.lower).all()


def test_piston_rings_have_the_limits_that_qcc_publishes_for_deviations() -> None:
    limits = deviation_limits(RINGS)
    chart = dispersion_chart(limits, RINGS)
    assert limits.spread is not None
    assert limits.spread.sigma == pytest.approx(0.009829977, abs=5e-10)
    assert chart.centre[0] == pytest.approx(0.009240037, abs=5e-10)
    assert chart.upper[0] == pytest.approx(0.01930242, abs=5e-9)


def test_part_gaps_have_the_limits_that_sas_publishes() -> None:
    limits = range_limits(PART_GAPS)
    means, ranges = location_chart(limits, PART_GAPS), dispersion_chart(limits, PART_GAPS)
    assert (means.lower[0], means.centre[0], means.upper[0]) == pytest.approx((242.087, 259.667, 277.246), abs=5e-4)
    assert limits.spread is not None
    assert limits.spread.sigma == pytest.approx(13.1028, abs=5e-5)
    assert (ranges.centre[0], ranges.upper[0]) == pytest.approx((30.4762, 64.4419), abs=5e-5)


def test_later_rings_leave_the_limits_of_the_first_where_the_textbook_says() -> None:
    """Montgomery, figure 6.5: samples 37, 38 and 39 plot above the upper limit, no other of phase II."""
    chart = location_chart(range_limits(RINGS), PISTON_RINGS)
    assert [signal.at + 1 for signal in signals(chart, [beyond()])] == [37, 38, 39]


def test_wafer_thickness_agrees_with_a_computation_by_table_constants(shared_data: Path) -> None:
    lines = (shared_data / "spc/nist_handbook/CCXBAR.DAT").read_text().splitlines()[25:]
    table = np.array([[float(word) for word in line.split()] for line in lines if line.strip()])
    groups = table[:, 0].reshape(-1, 5)
    assert (np.diff(table[:, 1].reshape(-1, 5), axis=1) == 0).all()
    means, mean_range = groups.mean(axis=1), np.ptp(groups, axis=1).mean()
    chart = location_chart(range_limits(groups), groups)
    # A2 = 0.577 and D4 = 2.114 for subgroups of 5: ISO 7870-2, table 2
    assert chart.upper[0] == pytest.approx(means.mean() + 0.577 * mean_range, abs=1e-3)
    assert dispersion_chart(range_limits(groups), groups).upper[0] == pytest.approx(2.114 * mean_range, rel=5e-4)
    mean_deviation = groups.std(axis=1, ddof=1).mean()
    # B4 = 2.089 and A3 = 1.427
    assert dispersion_chart(deviation_limits(groups), groups).upper[0] == pytest.approx(
        2.089 * mean_deviation, rel=5e-4
    )
    assert location_chart(deviation_limits(groups), groups).upper[0] == pytest.approx(
        means.mean() + 1.427 * mean_deviation, abs=1e-3
    )


def test_individuals_are_three_sigma_from_their_mean_by_the_factor_266() -> None:
    values = [33.75, 33.05, 34.0, 33.81, 33.46, 34.02, 33.68, 33.27, 33.49, 33.20, 33.62, 33.00, 33.54, 33.12, 33.84]
    chart = location_chart(individuals_limits(values), values)
    mean_range = np.abs(np.diff(values)).mean()
    assert chart.centre[0] == pytest.approx(33.52, abs=5e-3)
    # NIST e-Handbook 6.3.2.2 on individuals: mean +- 3 MR-bar / 1.128; D4 = 3.267
    assert chart.upper[0] == pytest.approx(chart.centre[0] + 3 * mean_range / 1.128, abs=1e-3)
    ranges = dispersion_chart(individuals_limits(values), values)
    assert ranges.upper[0] == pytest.approx(3.267 * mean_range, abs=1e-3)
    assert len(ranges.value) == len(values) - 1


def test_excluded_points_make_no_limits_and_are_named() -> None:
    rings = RINGS.copy()
    rings[3] += 1.0
    limits = range_limits(rings, excluded={3: "clamp was loose"})
    assert limits.excluded == ((3, "clamp was loose"),)
    assert limits.groups == 24
    assert limits.centre == pytest.approx(np.delete(RINGS, 3, axis=0).mean(), rel=1e-12)


def test_no_moving_range_bridges_an_excluded_value() -> None:
    limits = individuals_limits([1.0, 1.2, 9.0, 1.1, 1.3], excluded={2: "wrong part"})
    assert limits.spread is not None
    assert limits.spread.sigma == pytest.approx(0.2 / 1.1283791671, rel=1e-9)


def test_an_exclusion_without_a_reason_is_refused() -> None:
    with pytest.raises(InvalidInput, match="without a reason"):
        range_limits(RINGS, excluded={3: " "})


@pytest.mark.parametrize("bad", [[1.0], [1.0, 1.0], [1.0, float("nan"), 2.0], [[1.0, 2.0]]])
def test_values_that_make_no_limits_are_refused(bad: list[float]) -> None:
    with pytest.raises(InvalidInput):
        individuals_limits(bad)


def test_frozen_limits_refuse_subgroups_of_another_size() -> None:
    with pytest.raises(InvalidInput, match="subgroups of 5, not of 4"):
        location_chart(range_limits(RINGS), RINGS[:, :4])


def test_the_pooled_spread_has_a_degree_of_freedom_for_every_value_but_the_means() -> None:
    spread = pooled_spread(RINGS)
    assert spread.freedom == 100
    assert spread.sigma == pytest.approx(np.sqrt(RINGS.var(axis=1, ddof=1).mean()) * (1 + 0.25 / 100), rel=1e-5)


def test_freedom_of_moving_ranges_is_that_of_a_simulation() -> None:
    values = np.random.default_rng(3).normal(size=(40_000, 30))
    means = np.abs(np.diff(values, axis=1)).mean(axis=1)
    spread = individuals_limits(values[0]).spread
    assert spread is not None
    assert spread.freedom == pytest.approx(0.5 * (means.mean() / means.std()) ** 2, rel=0.03)
