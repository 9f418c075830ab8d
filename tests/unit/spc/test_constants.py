"""Constants of charts against closed forms, published tables and a simulation of their definition."""

from __future__ import annotations

import math

import numpy as np
import pytest

from appliance.errors import InvalidInput
from appliance.spc.constants import c4, d2, d2_star, d3, deviation_freedom, range_freedom

#: n -> d2, d3, c4 as printed in ASTM E2587 and Montgomery, appendix VI.
PUBLISHED = {
    2: (1.128, 0.853, 0.7979), 3: (1.693, 0.888, 0.8862), 4: (2.059, 0.880, 0.9213), 5: (2.326, 0.864, 0.9400),
    6: (2.534, 0.848, 0.9515), 7: (2.704, 0.833, 0.9594), 8: (2.847, 0.820, 0.9650), 9: (2.970, 0.808, 0.9693),
    10: (3.078, 0.797, 0.9727), 15: (3.472, 0.756, 0.9823), 20: (3.735, 0.729, 0.9869), 25: (3.931, 0.708, 0.9896),
}  # fmt: skip


@pytest.mark.parametrize("n", sorted(PUBLISHED))
def test_constants_are_those_of_the_tables_to_the_digits_printed(n: int) -> None:
    printed = PUBLISHED[n]
    assert d2(n) == pytest.approx(printed[0], abs=5.001e-4)
    assert d3(n) == pytest.approx(printed[1], abs=5.001e-4)
    assert c4(n) == pytest.approx(printed[2], abs=5.001e-5)


def test_small_subgroups_have_closed_forms() -> None:
    assert d2(2) == pytest.approx(2.0 / math.sqrt(math.pi), rel=1e-13)
    assert d3(2) == pytest.approx(math.sqrt(2.0 - 4.0 / math.pi), rel=1e-12)
    assert d2(3) == pytest.approx(3.0 / math.sqrt(math.pi), rel=1e-13)
    assert d2(4) == pytest.approx(6.0 / math.sqrt(math.pi) * (0.5 + math.asin(1.0 / 3.0) / math.pi), rel=1e-13)
    assert c4(2) == pytest.approx(math.sqrt(2.0 / math.pi), rel=1e-14)


def test_d2_of_five_has_the_digits_that_the_reference_limits_need() -> None:
    assert d2(5) == pytest.approx(2.3259289, abs=5e-8)


@pytest.mark.parametrize(
    ("n", "groups", "factor"), [(3, 1, 0.5231), (2, 1, 0.7071), (10, 1, 0.3146), (5, 1, 0.4030), (8, 1, 0.3375)]
)
def test_the_factors_of_gauge_studies_are_those_of_the_manual(n: int, groups: int, factor: float) -> None:
    """K2 and K3 of AIAG MSA, 4th edition, are 1 / d2*."""
    assert 1.0 / d2_star(n, groups) == pytest.approx(factor, abs=5.1e-5)


def test_freedom_is_that_of_a_simulated_mean_range_and_mean_deviation() -> None:
    values = np.random.default_rng(5).normal(size=(20_000, 25, 5))
    for found, per_group in (
        (range_freedom(5, 25), np.ptp(values, axis=2)),
        (deviation_freedom(5, 25), values.std(axis=2, ddof=1)),
    ):
        mean = per_group.mean(axis=1)
        assert found == pytest.approx(0.5 * (mean.mean() / mean.std()) ** 2, rel=0.05)


def test_one_group_of_a_deviation_has_the_freedom_of_its_values() -> None:
    assert deviation_freedom(7, 1) == pytest.approx(6.0, rel=1e-9)


@pytest.mark.parametrize("n", [1, 0, -3, 1001])
def test_a_subgroup_without_a_range_is_refused(n: int) -> None:
    with pytest.raises(InvalidInput, match="A range needs"):
        d2(n)
