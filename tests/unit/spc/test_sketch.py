"""The quantile sketch: its bound at every value, one spelling, and refusals."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.errors import InvalidInput
from appliance.spc.exact import NANO_LIMIT
from appliance.spc.sketch import RELATIVE_ERROR, QuantileSketch, middle_of


def test_every_value_is_told_within_the_bound_and_small_ones_exactly() -> None:
    octaves = np.unique(np.concatenate([2**e + np.array([-1, 0, 1]) for e in range(1, 53)]))
    values = np.concatenate([np.arange(5000), octaves, octaves * 3 // 2, [NANO_LIMIT]])
    values = values[values <= NANO_LIMIT]
    for value in (*values.tolist(), *(-values).tolist()):
        told = QuantileSketch.of(np.array([value])).quantile(0.5)
        assert abs(told - value) <= RELATIVE_ERROR * abs(value)
        assert abs(value) >= 256 or told == value


def test_buckets_follow_one_another_without_gap_or_overlap() -> None:
    values = np.arange(-70_000, 70_000)
    buckets = [next(iter(QuantileSketch.of(np.array([value])).counts)) for value in values[::7]]
    assert buckets == sorted(buckets)
    assert all(np.diff([middle_of(b) for b in dict.fromkeys(buckets)]) > 0)


@pytest.mark.parametrize("share", [0.0, 0.00135, 0.05, 0.5, 0.95, 0.99865, 1.0])
def test_quantiles_are_those_of_sorted_values_within_the_bound(share: float) -> None:
    rng = np.random.default_rng(8)
    values = np.rint(rng.normal(50_000, 200_000, 40_001)).astype(np.int64)
    exact = np.quantile(values, share, method="lower")
    assert QuantileSketch.of(values).quantile(share) == pytest.approx(exact, rel=RELATIVE_ERROR)


def test_a_sketch_of_nothing_has_no_quantile() -> None:
    assert np.isnan(QuantileSketch().quantile(0.5))
    assert QuantileSketch.from_bytes(b"") == QuantileSketch()


def test_bytes_bring_the_sketch_back_and_are_small() -> None:
    values = np.rint(np.random.default_rng(3).normal(0, 30_000, 10_000)).astype(np.int64)
    sketch = QuantileSketch.of(values)
    data = sketch.to_bytes()
    assert QuantileSketch.from_bytes(data) == sketch
    assert len(data) < 6_000


@pytest.mark.parametrize("data", [b"\x00", b"\x80", b"\x00\x00", b"\x02\x01\x00\x01", b"\x80\x00\x01", b"\xff" * 40])
def test_bytes_in_another_spelling_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput):
        QuantileSketch.from_bytes(data)


def test_what_is_not_in_a_sketch_cannot_be_taken_out() -> None:
    with pytest.raises(InvalidInput, match="taken out"):
        QuantileSketch.of(np.array([5, 7])) - QuantileSketch.of(np.array([6]))
