"""Distributions that measured characteristics have: fitted, checked and asked for quantiles, many samples at once.

    normal      lengths and positions of a process without bounds
    lognormal   positive values whose factors vary
    weibull     positive values; from 1 up to beyond 3.6 in shape, skewed right to skewed left
    rayleigh    distance of a point that varies alike in two directions: coaxiality, position (ISO 22514-2, table 1)

Fits are of maximum likelihood; the check is Anderson and Darling's against samples drawn from the fit, which knows that
the fit was made from the values themselves.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import log_ndtr, ndtri

from appliance.spc import draws
from appliance.spc.checks import Float64, finite, require
from appliance.spc.normality import statistic_of

#: Samples of the check: the least p is 1 / 400.
SAMPLES: Final = 399
#: Most values that a distribution is fitted to: beyond, every family is refused, and empirical quantiles do better.
LARGEST: Final = 100_000
#: Numbers that are drawn for it at once.
_AT_ONCE: Final = 1 << 20

Parameters = tuple[Float64, Float64]


@dataclass(frozen=True)
class Family:
    """One kind of distribution: estimates from rows (m, n), both log tails, quantiles, log densities.

    Parameters are two arrays (m, 1); a family with one parameter leaves the second at 1.
    """

    name: str
    positive: bool
    parameters: int
    estimate: Callable[[Float64], Parameters]
    log_tails: Callable[[Float64, Parameters], tuple[Float64, Float64]]
    quantile: Callable[[Float64, Parameters], Float64]
    log_density: Callable[[Float64, Parameters], Float64]


@dataclass(frozen=True)
class Fit:
    """A family fitted to values, the probability ``p`` of a statistic as large, and Akaike's criterion ``aic``."""

    family: str
    first: float
    second: float
    statistic: float
    p: float
    aic: float

    def quantile(self, share: float) -> float:
        """The value below which ``share`` of the distribution lies."""
        parameters = np.array([[self.first]]), np.array([[self.second]])
        return float(FAMILIES[self.family].quantile(np.array([[share]]), parameters)[0, 0])


def fit(name: str, values: npt.ArrayLike, *, seed: int = 0) -> Fit:
    """Fit the family ``name`` to values (n,) and check it.

    Raises
    ------
    InvalidInput : no such family, fewer than eight values, one not finite, all alike, or not positive where it must be
    """
    require(name in FAMILIES, "spc.family", f"'{name}' is no distribution.", f"Use one of {', '.join(FAMILIES)}.")
    family, array = FAMILIES[name], finite(values, "values", least=8)
    require(
        len(array) <= LARGEST, "spc.too_many", f"A distribution is fitted to at most {LARGEST} values.", "Thin out."
    )
    require(np.ptp(array) > 0, "spc.no_spread", "All values are alike: no distribution can be told.")
    require(not family.positive or array.min() > 0, "spc.positive", f"A {name} distribution has positive values only.")
    rows = array[None, :]
    parameters = family.estimate(rows)
    statistic = float(_statistic(family, rows, parameters)[0])
    worse = sum(int((part >= statistic).sum()) for part in _drawn_statistics(family, parameters, len(array), seed))
    likelihood = float(family.log_density(rows, parameters).sum())
    first, second = (float(parameter[0, 0]) for parameter in parameters)
    aic = 2.0 * family.parameters - 2.0 * likelihood
    return Fit(name, first, second, statistic, (worse + 1) / (SAMPLES + 1), aic)


def _drawn_statistics(family: Family, parameters: Parameters, count: int, seed: int) -> list[Float64]:
    """Statistics of samples drawn from a fit and fitted again."""
    found, step = [], max(1, _AT_ONCE // count)
    for start in range(0, SAMPLES, step):
        rows = min(step, SAMPLES - start)
        uniform = draws.uniforms(seed, draws.SAMPLES + (start << 8), (rows, count))
        sample = family.quantile(uniform, parameters)
        found.append(_statistic(family, sample, family.estimate(sample)))
    return found


def _statistic(family: Family, rows: Float64, parameters: Parameters) -> Float64:
    return statistic_of(*family.log_tails(np.sort(rows, axis=1), parameters))


def _normal(rows: Float64) -> Parameters:
    return rows.mean(axis=1, keepdims=True), rows.std(axis=1, ddof=1, keepdims=True)


def _normal_tails(x: Float64, parameters: Parameters) -> tuple[Float64, Float64]:
    z = (x - parameters[0]) / parameters[1]
    return log_ndtr(z), log_ndtr(-z)


def _normal_density(x: Float64, parameters: Parameters) -> Float64:
    z = (x - parameters[0]) / parameters[1]
    density: Float64 = -0.5 * z**2 - np.log(parameters[1]) - 0.5 * math.log(2.0 * math.pi)
    return density


def _weibull(rows: Float64) -> Parameters:
    """Shape and scale: Newton's method on sum x^k ln x / sum x^k - 1/k = mean ln x, from the spread of ln x."""
    logs = np.log(rows)
    logs = logs - logs.max(axis=1, keepdims=True)
    mean = logs.mean(axis=1, keepdims=True)
    shape = math.pi / math.sqrt(6.0) / np.maximum(logs.std(axis=1, ddof=1, keepdims=True), 1e-12)
    for _ in range(60):
        power = np.exp(shape * logs)
        total = power.sum(axis=1, keepdims=True)
        first = (power * logs).sum(axis=1, keepdims=True) / total
        second = (power * logs**2).sum(axis=1, keepdims=True) / total
        step = (first - 1.0 / shape - mean) / (second - first**2 + 1.0 / shape**2)
        shape = np.maximum(shape - step, 0.1 * shape)
    scale = np.exp(np.log(np.exp(shape * logs).mean(axis=1, keepdims=True)) / shape)
    return shape, scale * rows.max(axis=1, keepdims=True)


def _weibull_tails(x: Float64, parameters: Parameters) -> tuple[Float64, Float64]:
    load = np.exp(parameters[0] * np.log(x / parameters[1]))
    return np.log(-np.expm1(-load)), -load


def _weibull_quantile(share: Float64, parameters: Parameters) -> Float64:
    found: Float64 = parameters[1] * (-np.log1p(-share)) ** (1.0 / parameters[0])
    return found


def _weibull_density(x: Float64, parameters: Parameters) -> Float64:
    logs = np.log(x / parameters[1])
    shape = parameters[0]
    density: Float64 = np.log(shape / parameters[1]) + (shape - 1.0) * logs - np.exp(shape * logs)
    return density


def _rayleigh(rows: Float64) -> Parameters:
    """As a Weibull of shape 2, whose scale is sqrt(2) times the deviation in each direction."""
    scale = np.sqrt(np.mean(rows**2, axis=1, keepdims=True))
    return np.full_like(scale, 2.0), scale


FAMILIES: Final = {
    "normal": Family("normal", False, 2, _normal, _normal_tails, lambda q, p: p[0] + p[1] * ndtri(q), _normal_density),
    "lognormal": Family(
        "lognormal",
        True,
        2,
        lambda x: _normal(np.log(x)),
        lambda x, p: _normal_tails(np.log(x), p),
        lambda q, p: np.exp(p[0] + p[1] * ndtri(q)),
        lambda x, p: _normal_density(np.log(x), p) - np.log(x),
    ),
    "weibull": Family("weibull", True, 2, _weibull, _weibull_tails, _weibull_quantile, _weibull_density),
    "rayleigh": Family("rayleigh", True, 1, _rayleigh, _weibull_tails, _weibull_quantile, _weibull_density),
}
