"""EWMA and CUSUM against the worked examples of the e-Handbook and published run lengths."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.errors import InvalidInput
from appliance.spc.reference_data import CUSUM_EXAMPLE, EWMA_EXAMPLE
from appliance.spc.weighted import cusum, ewma_chart

#: As the e-Handbook prints them.
EWMA_PRINTED = [
    50.60, 49.52, 50.56, 50.18, 50.16, 49.21, 49.75, 49.85, 50.26, 50.33, 50.11, 49.36, 49.52, 50.05, 49.38, 49.92,
    50.73,
    51.23, 51.94, 51.99,
]  # fmt: skip
CUSUM_PRINTED = [4.94, 7.45, 10.63, 11.99, 14.44, 16.00, 19.04]


def test_ewma_is_that_of_the_handbook() -> None:
    chart = ewma_chart(EWMA_EXAMPLE, 50.0, 2.0539, weight=0.3, width=3.0)
    np.testing.assert_allclose(chart.value, EWMA_PRINTED, atol=5.1e-3)
    # the handbook prints the limits that are approached
    assert chart.upper[-1] == pytest.approx(52.5884, abs=6e-4)
    assert chart.lower[-1] == pytest.approx(47.4115, abs=6e-4)
    assert chart.upper[0] == pytest.approx(50.0 + 3 * 0.3 * 2.0539, rel=1e-14)


def test_cusum_is_that_of_the_handbook() -> None:
    found = cusum(CUSUM_EXAMPLE, 325.0, 1.0, reference=0.3175, decision=4.1959)
    np.testing.assert_allclose(found.high[13:], CUSUM_PRINTED, atol=0.011)
    first, *_ = found.signals()
    assert first.at + 1 == 14
    assert first.points == (12, 13)
    assert (found.low[12:] == 0).all()


def test_a_head_start_begins_both_sums_at_its_share_of_the_decision() -> None:
    found = cusum([0.0, 0.0, 0.0], 0.0, 1.0, head_start=0.5)
    assert found.high == pytest.approx([2.0, 1.5, 1.0])
    assert found.low == pytest.approx([2.0, 1.5, 1.0])


def first_signals(shift: float, length: int, series: int, head_start: float = 0.0) -> np.ndarray:
    """Run lengths of CUSUMs of white noise about ``shift``."""
    found = []
    for values in np.random.default_rng(2).normal(shift, 1.0, (series, length)):
        sums = cusum(values, 0.0, 1.0, head_start=head_start)
        out = np.flatnonzero((sums.high > sums.decision) | (sums.low > sums.decision))
        found.append(out[0] + 1 if len(out) else length)
    return np.array(found)


def test_run_lengths_are_those_that_lucas_and_crosier_print() -> None:
    """k = 0.5, h = 5: 465 in control, 10.4 at one sigma; 6.35 there with a head start of half h."""
    assert first_signals(1.0, 100, 3000).mean() == pytest.approx(10.4, rel=0.04)
    assert first_signals(1.0, 100, 3000, head_start=0.5).mean() == pytest.approx(6.35, rel=0.05)
    assert first_signals(0.0, 4000, 600).mean() == pytest.approx(465, rel=0.12)


def test_an_ewma_gives_a_false_alarm_every_370_points_or_so() -> None:
    lengths = []
    for values in np.random.default_rng(4).normal(size=(600, 3500)):
        chart = ewma_chart(values, 0.0, 1.0)
        out = np.flatnonzero(np.abs(chart.standardised()) > 2.86)
        lengths.append(out[0] + 1 if len(out) else 3500)
    assert np.mean(lengths) == pytest.approx(370, rel=0.12)


@pytest.mark.parametrize("weight", [0.0, -0.1, 1.1])
def test_a_weight_out_of_its_range_is_refused(weight: float) -> None:
    with pytest.raises(InvalidInput, match="weight"):
        ewma_chart([1.0], 0.0, 1.0, weight=weight)
