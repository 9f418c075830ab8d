"""Capability and performance of normal characteristics: Cp, Cpk, Pp, Ppk, Cpm, with confidence intervals.

    Cp  = (U - L) / 6 s          Cpk = min(U - m, m - L) / 3 s        Cpm = (U - L) / 6 sqrt(s^2 + (m - T)^2)

With the spread *within* subgroups these are capabilities (Cp), with the *overall* spread performances (Pp): the caller
gives the spread, and the formulas are the same.  With one limit there is no Cp and no Cpm, and Cpk is its one side.

Intervals, f degrees of freedom of s, n values in the mean, z the normal quantile:

    Cp   chi-square of f
    Cpk  Cpk (1 -+ z sqrt(1 / (9 n Cpk^2) + 1 / (2 f))), and each side likewise
    Cpm  chi-square of n (1 + x^2)^2 / (1 + 2 x^2), x = (m - T) / s

f is that of the spread: sigma from ranges has fewer than n - 1, and programs that use n - 1 print narrower intervals.

Source: ISO 22514-2:2017; Bissell, Applied Statistics 39 (1990) 331-340, doi:10.2307/2347383 (Cpk); Boyles, Journal of
Quality Technology 23 (1991) 17-26 (Cpm).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.special import chdtri, ndtri

from appliance.spc.checks import finite, require, share
from appliance.spc.exact import NANO, ExactSums
from appliance.spc.records import Spread
from appliance.spc.summary import summary


@dataclass(frozen=True)
class Index:
    """A capability index with its interval."""

    value: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Capability:
    """Indices of one characteristic; None where limits or target leave one without meaning.

    ``expected_outside`` is the share of values beyond the limits, if values are normal with this mean and spread.
    """

    mean: float
    spread: Spread
    count: int
    confidence: float
    potential: Index | None
    lower_side: Index | None
    upper_side: Index | None
    actual: Index
    target: Index | None
    expected_outside: float


def capability(
    mean: float,
    spread: Spread,
    count: int,
    lower: float | None,
    upper: float | None,
    *,
    target: float | None = None,
    confidence: float = 0.95,
) -> Capability:
    """Indices for limits (None: no limit) from the mean of ``count`` values and a spread.

    Raises
    ------
    InvalidInput : there is no limit or they are in the wrong order, there is no spread, or fewer than two values
    """
    _check_limits(lower, upper)
    require(spread.sigma > 0 and math.isfinite(mean), "spc.no_spread", "Capability needs a mean and a positive spread.")
    require(count >= 2 and spread.freedom > 0, "spc.too_few", "Capability needs at least 2 values.")
    tail = (1.0 - share(confidence, "confidence")) / 2.0
    lower_side = None if lower is None else _side((mean - lower) / (3.0 * spread.sigma), count, spread.freedom, tail)
    upper_side = None if upper is None else _side((upper - mean) / (3.0 * spread.sigma), count, spread.freedom, tail)
    sides = [side for side in (lower_side, upper_side) if side is not None]
    width = None if lower is None or upper is None else upper - lower
    return Capability(
        mean,
        spread,
        count,
        confidence,
        None if width is None else _chi(width / (6.0 * spread.sigma), spread.freedom, tail),
        lower_side,
        upper_side,
        min(sides, key=lambda side: side.value),
        None if width is None or target is None else _about_target(mean, spread.sigma, count, width, target, tail),
        math.fsum(float(_upper_tail(3.0 * side.value)) for side in sides),
    )


def performance(
    values: npt.ArrayLike,
    lower: float | None,
    upper: float | None,
    *,
    target: float | None = None,
    confidence: float = 0.95,
) -> Capability:
    """Pp, Ppk (and Cpm) of values (n,) with their overall spread; raises as ``capability``."""
    known = summary(finite(np.ravel(values), "values", least=2))
    spread = Spread(known.sd, known.count - 1.0, "overall standard deviation")
    return capability(known.mean, spread, known.count, lower, upper, target=target, confidence=confidence)


def performance_of(
    sums: ExactSums,
    lower: float | None,
    upper: float | None,
    *,
    target: float | None = None,
    confidence: float = 0.95,
) -> Capability:
    """Pp, Ppk (and Cpm) of a roll-up, limits in the unit of the values; raises as ``capability``.

    Sums do not tell whether values are normal: ``quantile_capability.by_sketch`` stands beside it.
    """
    require(sums.count >= 2, "spc.too_few", "Performance needs at least 2 values.")
    spread = Spread(sums.deviation() / NANO, sums.count - 1.0, "overall standard deviation")
    return capability(sums.mean() / NANO, spread, sums.count, lower, upper, target=target, confidence=confidence)


def with_freedom(spread: Spread, freedom: float) -> Spread:
    """The same spread with other degrees of freedom: n - 1 gives the intervals that other programs print."""
    return replace(spread, freedom=freedom)


def _check_limits(lower: float | None, upper: float | None) -> None:
    given = [limit for limit in (lower, upper) if limit is not None]
    require(given and all(map(math.isfinite, given)), "spc.limits", "Capability needs a limit.")
    ordered = lower is None or upper is None or lower < upper
    require(ordered, "spc.limits", "The lower limit is not below the upper one.")


def _chi(value: float, freedom: float, tail: float) -> Index:
    """A ratio with s in its denominator: chi-square of the degrees of freedom of s."""
    low = math.sqrt(float(chdtri(freedom, 1.0 - tail)) / freedom)
    high = math.sqrt(float(chdtri(freedom, tail)) / freedom)
    return Index(value, value * low, value * high)


def _side(value: float, count: int, freedom: float, tail: float) -> Index:
    reach = -float(ndtri(tail)) * math.sqrt(1.0 / (9.0 * count) + value**2 / (2.0 * freedom))
    return Index(value, value - reach, value + reach)


def _about_target(mean: float, sigma: float, count: int, width: float, target: float, tail: float) -> Index:
    off = ((mean - target) / sigma) ** 2
    freedom = count * (1.0 + off) ** 2 / (1.0 + 2.0 * off)
    return _chi(width / (6.0 * sigma * math.sqrt(1.0 + off)), freedom, tail)


def _upper_tail(z: float) -> float:
    return 0.5 * math.erfc(z / math.sqrt(2.0))
