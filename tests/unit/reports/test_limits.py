"""Limits as the report prints them: comparable with the value that stands beside them."""

from __future__ import annotations

import pytest

from appliance.qc.records import Characteristic
from appliance.reports.figures import limits


@pytest.mark.parametrize(
    ("quantity", "lower", "upper", "printed"),
    [
        ("mean", -0.05, 0.05, "−0.050 … +0.050"),
        ("min", -0.1, None, "≥ −0.100"),
        ("max", None, 0.08, "≤ +0.080"),
        ("profile", -0.2, 0.1, "≤ 0.300"),
    ],
)
def test_limits_are_those_that_the_value_is_compared_with(
    quantity: str, lower: float | None, upper: float | None, printed: str
) -> None:
    assert limits(Characteristic("c", "all", quantity, lower, upper, 0.9, 5.0)) == printed
