"""Charts of counts against Ishikawa's examples and the e-Handbook's wafers."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from appliance.errors import InvalidInput
from appliance.spc.attributes import attribute_chart, attribute_limits
from appliance.spc.rules import beyond, signals


def columns(path: Path) -> np.ndarray:
    lines = path.read_text().splitlines()[25:]
    return np.array([[float(word) for word in line.split()] for line in lines if line.strip()]).T


def test_defective_motors_have_limits_of_their_own_sample_size(shared_data: Path) -> None:
    _, defective, total = columns(shared_data / "spc/nist_handbook/PCC.DAT")
    chart = attribute_chart(attribute_limits("p", defective, total), defective, total)
    share = Fraction(int(defective.sum()), int(total.sum()))
    assert chart.centre[0] == float(share)
    for index in (0, 6, 16):
        error = math.sqrt(float(share * (1 - share)) / total[index])
        assert chart.upper[index] == pytest.approx(float(share) + 3 * error, rel=1e-14)
    # the smallest sample, 55 motors, has no lower limit; the largest has one
    assert np.isnan(chart.lower[16])
    assert chart.lower[10] > 0


def test_surface_defects_have_the_limits_of_a_poisson_count(shared_data: Path) -> None:
    counts = columns(shared_data / "spc/nist_handbook/CCC.DAT")[0]
    chart = attribute_chart(attribute_limits("c", counts), counts)
    assert chart.centre[0] == pytest.approx(113 / 20, rel=1e-15)
    assert chart.upper[0] == pytest.approx(5.65 + 3 * math.sqrt(5.65), rel=1e-14)
    assert np.isnan(chart.lower).all()
    assert [signal.at + 1 for signal in signals(chart, [beyond()])] == [20]


def test_defective_chips_have_the_limits_that_the_handbook_prints(shared_data: Path) -> None:
    """NIST e-Handbook 6.3.3.1: c-bar = 16, limits 4 and 28, wafers 3 and 24 (28 and 31) at or beyond."""
    counts = columns(shared_data / "spc/nist_handbook/MONITOR-6_3_3_1.DAT")[1]
    chart = attribute_chart(attribute_limits("c", counts), counts)
    assert chart.centre[0] == 16.0
    assert (chart.lower[0], chart.upper[0]) == (4.0, 28.0)
    assert [signal.at + 1 for signal in signals(chart, [beyond()])] == [24]


def test_np_is_p_times_the_sample_and_u_divides_by_the_area() -> None:
    counts, size = [3, 5, 2, 6], 50
    share = attribute_chart(attribute_limits("p", counts, size), counts, size)
    number = attribute_chart(attribute_limits("np", counts, size), counts, size)
    np.testing.assert_allclose(number.upper, share.upper * size, rtol=1e-14)
    np.testing.assert_array_equal(number.value, counts)
    rate = attribute_chart(attribute_limits("u", counts, [1.0, 2.0, 1.0, 2.0]), counts, [1.0, 2.0, 1.0, 2.0])
    assert rate.centre[0] == pytest.approx(16 / 6)
    assert rate.upper[1] == pytest.approx(16 / 6 + 3 * math.sqrt(16 / 6 / 2), rel=1e-14)


def test_a_share_has_no_limit_above_one() -> None:
    assert np.isnan(attribute_chart(attribute_limits("p", [9, 10, 8], 10), [9, 10, 8], 10).upper).all()


@pytest.mark.parametrize(
    ("kind", "counts", "sizes"),
    [
        ("x", [1, 2], None),
        ("c", [1.5, 2], None),
        ("c", [-1, 2], None),
        ("c", [1, 2], 10),
        ("p", [1, 2], None),
        ("p", [11, 2], 10),
        ("np", [1, 2], [10, 20]),
        ("u", [1, 2], [0, 1]),
        ("p", [0, 0], 10),
        ("p", [10, 10], 10),
    ],
)
def test_counts_that_make_no_limits_are_refused(kind: str, counts: list[float], sizes: list[float] | None) -> None:
    with pytest.raises(InvalidInput):
        attribute_limits(kind, counts, sizes)
