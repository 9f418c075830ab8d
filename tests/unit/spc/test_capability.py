"""Capability against qcc, SAS and the closed forms of metrology, and how often intervals hold the truth."""

from __future__ import annotations

import math

import numpy as np
import pytest

from appliance.errors import InvalidInput
from appliance.spc.capability import capability, performance, performance_of, with_freedom
from appliance.spc.exact import ExactSums, nano
from appliance.spc.quantile_capability import LEAST_EMPIRICAL, OUTER_HIGH, OUTER_LOW, by_quantiles, by_sketch, study
from appliance.spc.records import Spread
from appliance.spc.reference_data import PART_GAPS, PISTON_RINGS
from appliance.spc.sketch import QuantileSketch
from appliance.spc.variables import range_limits

RNG = np.random.default_rng(53)


def rings(freedom: float | None = None):  # type: ignore[no-untyped-def]
    limits = range_limits(PISTON_RINGS[:25])
    assert limits.spread is not None
    spread = limits.spread if freedom is None else with_freedom(limits.spread, freedom)
    return capability(limits.centre, spread, 125, 73.95, 74.05, target=74.0)


def test_piston_rings_have_the_indices_and_intervals_that_qcc_publishes() -> None:
    found = rings(freedom=124)
    assert found.potential is not None
    assert found.target is not None
    assert found.potential.value == pytest.approx(1.703, abs=5e-4)
    assert found.actual.value == pytest.approx(1.663, abs=5e-4)
    assert found.target.value == pytest.approx(1.691, abs=5e-4)
    assert (found.potential.lower, found.potential.upper) == pytest.approx((1.491, 1.915), abs=5e-4)
    assert (found.actual.lower, found.actual.upper) == pytest.approx((1.448, 1.878), abs=5e-4)


def test_the_interval_of_sigma_from_ranges_is_wider_than_with_n_minus_one() -> None:
    assert rings().actual.lower < rings(freedom=124).actual.lower
    assert rings().spread.freedom == pytest.approx(90.8, abs=0.1)


def test_part_gaps_have_the_indices_that_sas_publishes() -> None:
    limits = range_limits(PART_GAPS)
    assert limits.spread is not None
    found = capability(limits.centre, limits.spread, 105, 240, 270)
    assert found.potential is not None
    assert found.lower_side is not None
    assert found.potential.value == pytest.approx(0.38160, abs=5e-6)
    assert found.lower_side.value == pytest.approx(0.50032, abs=5e-6)
    assert found.actual.value == pytest.approx(0.26288, abs=5e-6)
    assert found.actual == found.upper_side


@pytest.mark.parametrize(("lower", "upper"), [(None, 3.0), (-3.0, None)])
def test_one_limit_has_one_side_and_neither_cp_nor_cpm(lower: float | None, upper: float | None) -> None:
    found = performance(RNG.normal(size=50), lower, upper, target=0.0)
    assert found.potential is None
    assert found.target is None
    assert found.actual == (found.lower_side or found.upper_side)


def test_the_share_outside_is_that_of_the_normal_distribution() -> None:
    found = capability(0.0, Spread(1.0, 99.0, "given"), 100, -3.0, 3.0)
    assert found.expected_outside == pytest.approx(0.0026998, abs=5e-8)


def test_intervals_hold_the_true_index_about_as_often_as_they_say() -> None:
    held = {"pp": 0, "ppk": 0, "cpm": 0}
    for values in RNG.normal(0.5, 1.0, (1000, 40)):
        found = performance(values, -4.0, 4.0, target=0.0)
        assert found.potential is not None
        assert found.target is not None
        held["pp"] += found.potential.lower <= 4 / 3 <= found.potential.upper
        held["ppk"] += found.actual.lower <= 3.5 / 3 <= found.actual.upper
        held["cpm"] += found.target.lower <= 4 / 3 / math.sqrt(1.25) <= found.target.upper
    for name, count in held.items():
        assert count / 1000 == pytest.approx(0.95, abs=0.025), name


@pytest.mark.parametrize(("lower", "upper"), [(None, None), (1.0, -1.0), (math.nan, 1.0)])
def test_limits_that_are_none_are_refused(lower: float | None, upper: float | None) -> None:
    with pytest.raises(InvalidInput):
        performance([1.0, 2.0, 3.0], lower, upper)


RAYLEIGH = tuple(math.sqrt(-2.0 * math.log(1.0 - q)) for q in (OUTER_LOW, 0.5, OUTER_HIGH))


def test_a_rayleigh_characteristic_has_the_index_of_its_quantiles() -> None:
    """Metrology: sigma 1, U = 5 gives 1.555, where the normal formula says 1.906."""
    assert by_quantiles(RAYLEIGH, None, 5.0)[1] == pytest.approx(1.555, abs=5e-4)
    normal = capability(math.sqrt(math.pi / 2), Spread(math.sqrt(2 - math.pi / 2), 99.0, "exact"), 100, None, 5.0)
    assert normal.actual.value == pytest.approx(1.906, abs=5e-4)


def test_quantiles_of_normal_values_give_the_ordinary_indices() -> None:
    potential, actual = by_quantiles((-2.0, 1.0, 4.0), -4.0, 6.0)
    assert (potential, actual) == (10 / 6, 5 / 3)


def test_a_roll_up_has_the_performance_of_its_values() -> None:
    values = np.random.default_rng(4).normal(0.01, 0.03, 5000)
    whole = nano(values)
    found, expected = performance_of(ExactSums.of(whole), -0.1, 0.1), performance(values, -0.1, 0.1)
    assert found.actual.value == pytest.approx(expected.actual.value, rel=1e-6)
    assert found.potential is not None
    assert found.potential.lower == pytest.approx(expected.potential.lower, rel=1e-6)  # type: ignore[union-attr]
    outer = np.quantile(values, [OUTER_LOW, 0.5, OUTER_HIGH])
    assert by_sketch(QuantileSketch.of(whole), -0.1, 0.1) == pytest.approx(
        by_quantiles(tuple(outer), -0.1, 0.1), rel=0.02
    )
    with pytest.raises(InvalidInput, match="2000"):
        by_sketch(QuantileSketch.of(whole[:1999]), -0.1, 0.1)


def test_a_study_of_normal_values_uses_the_normal_formula() -> None:
    values = np.random.default_rng(1).normal(size=80)
    found = study(values, -4.0, 4.0)
    assert found.method == "normal"
    assert found.actual == performance(values, -4.0, 4.0).actual


def test_a_study_of_rayleigh_values_finds_their_index_and_its_interval_holds_it() -> None:
    held = chosen = 0
    for seed in range(40):
        found = study(np.random.default_rng(seed).rayleigh(size=400), None, 5.0, seed=seed)
        if found.method in ("rayleigh", "weibull") and found.actual:
            chosen += 1
            held += found.actual.lower <= 1.555 <= found.actual.upper
    assert chosen >= 36
    assert held / chosen > 0.8


def test_of_the_distributions_that_fit_the_one_of_least_aic_is_taken() -> None:
    chosen = 0
    for seed in range(8):
        found = study(np.random.default_rng(seed).rayleigh(size=400), None, 5.0)
        allowed = {one.family: one.aic for one in found.fits if one.p >= 0.05}
        if len(allowed) > 1:
            chosen += 1
            assert allowed[found.method] == min(allowed.values())
    assert chosen >= 4


def test_many_values_of_no_known_kind_are_told_by_their_own_quantiles() -> None:
    rng = np.random.default_rng(2)
    values = np.concatenate([rng.normal(-1, 0.2, LEAST_EMPIRICAL), rng.normal(1, 0.2, 3 * LEAST_EMPIRICAL)])
    found = study(values, -3.0, 3.0)
    assert found.method == "empirical"
    assert found.quantiles[0] == pytest.approx(np.quantile(values, OUTER_LOW), abs=0.05)
    assert found.actual is not None
    assert found.actual.lower < found.actual.value < found.actual.upper


def test_few_values_of_no_known_kind_have_no_capability_and_are_told_why() -> None:
    values = np.concatenate([np.full(40, -1.0), np.full(40, 1.0)]) + RNG.normal(0, 0.05, 80)
    found = study(values, -3.0, 3.0)
    assert (found.method, found.actual) == ("none", None)
    assert "fewer than 2000" in found.reason


def test_the_same_seed_gives_the_same_bits() -> None:
    values = np.random.default_rng(3).rayleigh(size=300)
    assert study(values, None, 5.0, seed=1) == study(values, None, 5.0, seed=1)
