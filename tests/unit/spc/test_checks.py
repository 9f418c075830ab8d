"""Numbers that statistics refuse."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.errors import InvalidInput
from appliance.spc.checks import finite, increasing, share


@pytest.mark.parametrize(
    ("values", "code"),
    [([[1.0]], "spc.shape"), ([], "spc.too_few"), ([1.0], "spc.too_few"), ([1.0, np.nan, 2.0], "spc.not_finite")],
)
def test_what_is_no_sample_is_refused_with_its_code(values: list[float], code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        finite(values, "values", least=2)
    assert refused.value.code == code


def test_a_sample_comes_back_as_floats() -> None:
    assert finite([1, 2], "values").dtype == np.float64
    assert finite([[1, 2], [3, 4]], "groups", least=2, axes=2).shape == (2, 2)


def test_times_may_repeat_unless_they_may_not() -> None:
    assert increasing([0.0, 1.0, 1.0], "times").tolist() == [0.0, 1.0, 1.0]
    with pytest.raises(InvalidInput, match="order"):
        increasing([0.0, 1.0, 1.0], "times", strictly=True)
    with pytest.raises(InvalidInput, match="order"):
        increasing([1.0, 0.0], "times")


@pytest.mark.parametrize("value", [0.0, 1.0, -1.0, float("nan")])
def test_a_share_lies_strictly_between_nothing_and_all(value: float) -> None:
    with pytest.raises(InvalidInput, match="between 0 and 1"):
        share(value, "confidence")
