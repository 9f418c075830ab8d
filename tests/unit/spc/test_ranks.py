"""The number of a rank, found by counting: exact for numbers that a search could stumble over."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.spc.ranks import COLLECTED, counts, value_of_rank

RNG = np.random.default_rng(71)
CASES = {
    "spread evenly": RNG.uniform(-1, 1, 3000),
    "all alike": np.full(500, 2.5),
    "two values": RNG.choice([0.0, 1.0], 1000),
    "most of them alike": np.where(RNG.random(2000) < 0.9, 3.0, RNG.normal(size=2000)),
    "over all magnitudes": np.exp(RNG.uniform(-600, 600, 2000)) * RNG.choice([-1, 1], 2000),
    "neighbouring numbers": 1.0 + np.arange(400) * np.finfo(float).eps,
    "with NaN": np.where(RNG.random(900) < 0.3, np.nan, RNG.normal(size=900)),
    "few": RNG.normal(size=5),
    "one": np.array([4.0]),
    "a far tail": np.concatenate([RNG.normal(size=1000), np.full(300, 1e300)]),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("first", "step"), [(0.0, 1e-3), (1e9, 1e-300), (-5.0, 1e250)])
def test_every_rank_is_that_of_the_sorted_numbers_wherever_the_search_begins(
    name: str, first: float, step: float
) -> None:
    numbers = CASES[name]
    ordered = np.sort(numbers[~np.isnan(numbers)])
    count, inside = len(ordered), np.empty(COLLECTED + 1)
    for rank in {0, count // 3, count // 2, count - 1}:
        found, following = value_of_rank(numbers, rank, count, -np.inf, 0, np.inf, 0, first, step, inside)
        assert found == ordered[rank]
        if rank + 1 < count:
            assert following == ordered[rank + 1]


def test_a_search_that_begins_between_known_ends_stays_there() -> None:
    numbers = CASES["spread evenly"]
    below, above = counts(numbers, 0.0)
    ordered, inside = np.sort(numbers), np.empty(COLLECTED + 1)
    rank = below + above // 2
    found, _ = value_of_rank(numbers, rank, 3000, 0.0, 3000 - above, np.inf, 0, 0.9, 1e-3, inside)
    assert found == ordered[rank]


def test_what_is_not_a_number_is_neither_below_nor_above() -> None:
    assert counts(np.array([np.nan, 1.0, 2.0, 3.0]), 2.0) == (1, 1)
