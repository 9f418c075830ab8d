"""Fits and checks of distributions against scipy's own fits, and how often they refuse what they should not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from appliance.errors import InvalidInput
from appliance.spc.distributions import FAMILIES, fit
from appliance.spc.normality import anderson_darling

RNG = np.random.default_rng(61)


def test_parameters_are_those_of_scipys_maximum_likelihood() -> None:
    values = stats.weibull_min.rvs(1.7, scale=3.0, size=500, random_state=1)
    found = fit("weibull", values)
    shape, _, scale = stats.weibull_min.fit(values, floc=0)
    assert (found.first, found.second) == pytest.approx((shape, scale), rel=2e-4)
    assert fit("rayleigh", values).second == pytest.approx(np.sqrt(np.mean(values**2)), rel=1e-12)
    assert fit("lognormal", values).first == pytest.approx(np.log(values).mean(), rel=1e-12)


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_densities_tails_and_quantiles_belong_together(name: str) -> None:
    family = FAMILIES[name]
    parameters = np.array([[2.0 if name == "rayleigh" else 1.3]]), np.array([[0.7]])
    share = np.linspace(0.01, 0.99, 197)[None, :]
    x = family.quantile(share, parameters)
    below, above = family.log_tails(x, parameters)
    np.testing.assert_allclose(np.exp(below), share, rtol=1e-10)
    np.testing.assert_allclose(np.exp(above), 1 - share, rtol=1e-10)
    step = 1e-6
    slope = (np.exp(family.log_tails(x + step, parameters)[0]) - np.exp(family.log_tails(x - step, parameters)[0])) / (
        2 * step
    )
    np.testing.assert_allclose(np.exp(family.log_density(x, parameters)), slope, rtol=1e-4)


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_a_family_refuses_its_own_values_about_as_rarely_as_stated(name: str) -> None:
    parameters = np.array([[2.0 if name == "rayleigh" else 1.5]]), np.array([[0.6]])
    samples = FAMILIES[name].quantile(RNG.uniform(1e-9, 1, (120, 60)), parameters)
    p = np.array([fit(name, sample, seed=number).p for number, sample in enumerate(samples)])
    assert (p < 0.05).sum() <= 14
    # fitting makes statistics smaller: were samples of the check not fitted too, p would crowd at one
    assert p.mean() == pytest.approx(0.5, abs=0.1)


def test_a_family_refuses_values_of_another() -> None:
    assert fit("lognormal", RNG.rayleigh(size=400)).p == 1 / 400


def test_the_statistic_of_anderson_and_darling_is_that_of_scipy() -> None:
    values = RNG.normal(5, 2, 70)
    expected = stats.anderson(values, "norm", method="interpolate").statistic
    assert anderson_darling(values).statistic == pytest.approx(expected, rel=1e-9)
    assert fit("normal", values).statistic == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("adjusted", "p"), [(0.631, 0.10), (0.752, 0.05), (0.873, 0.025), (1.035, 0.01), (1.159, 0.005)]
)
def test_probabilities_are_those_of_the_published_critical_values(adjusted: float, p: float) -> None:
    """D'Agostino & Stephens, table 4.7, mean and variance estimated."""
    from appliance.spc.normality import _probability

    assert _probability(adjusted) == pytest.approx(p, rel=0.03)


def test_normal_values_are_refused_as_rarely_as_stated() -> None:
    refused = sum(not anderson_darling(values).holds() for values in RNG.normal(size=(2000, 25)))
    assert refused / 2000 == pytest.approx(0.05, abs=0.015)


def test_what_a_family_cannot_have_is_refused() -> None:
    with pytest.raises(InvalidInput, match="positive"):
        fit("weibull", np.linspace(-1, 1, 20))
    with pytest.raises(InvalidInput, match="no distribution"):
        fit("cauchy", np.linspace(1, 2, 20))
    with pytest.raises(InvalidInput, match="alike"):
        anderson_darling(np.ones(20))
    with pytest.raises(InvalidInput, match="at least 8"):
        anderson_darling([1.0, 2.0, 3.0])
