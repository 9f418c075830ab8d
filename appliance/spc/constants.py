"""Constants of control charts, computed from their definitions rather than typed from a table.

For n independent standard normal values, W is their range and s their standard deviation (divisor n - 1):

    d2 = E[W],  d3 = sqrt(Var[W]),  c4 = E[s]

P(W <= w) = n int phi(x) (Phi(x + w) - Phi(x))^(n-1) dx, E[W] = int P(W > w) dw, E[W^2] = 2 int w P(W > w) dw over
w >= 0.  The inner integrand is analytic and vanishes with all its derivatives, so the trapezoidal rule is exact to
rounding; the outer integral is by Gauss and Legendre.

Source: Tippett, Biometrika 17 (1925) 364-387, doi:10.1093/biomet/17.3-4.364; ASTM E2587; for d2* Duncan, "The use of
ranges in comparing variabilities", Industrial Quality Control 11 (1955).
"""

from __future__ import annotations

import math
from functools import cache
from typing import Final

import numpy as np
from scipy.special import gammaln, ndtr

from appliance.spc.checks import Float64, require

#: Largest subgroup whose range is used: beyond, a range tells almost nothing that a standard deviation does not.
LARGEST_SUBGROUP: Final = 1000
#: No standard normal value of a subgroup of LARGEST_SUBGROUP lies farther out with a probability that matters.
_FAR: Final = 9.0
_STEP: Final = 1.0 / 32.0
_NODES: Final = 96


def d2(n: int) -> float:
    """Mean of the range of ``n`` standard normal values.

    Raises
    ------
    InvalidInput : ``n`` is not from 2 to ``LARGEST_SUBGROUP``
    """
    return _range_moments(n)[0]


def d3(n: int) -> float:
    """Standard deviation of the range of ``n`` standard normal values; raises as ``d2``."""
    return _range_moments(n)[1]


def d2_star(n: int, groups: int) -> float:
    """Root mean square of the mean of ``groups`` ranges of ``n`` standard normal values.

    It divides a mean range where few ranges make it, as gauge studies do: sqrt(d2^2 + d3^2 / groups).
    """
    require(groups >= 1, "spc.groups", "A mean range needs at least one range.")
    return math.sqrt(d2(n) ** 2 + d3(n) ** 2 / groups)


def c4(n: int) -> float:
    """Mean of the standard deviation of ``n`` standard normal values: sqrt(2/(n-1)) Gamma(n/2) / Gamma((n-1)/2).

    Raises
    ------
    InvalidInput : ``n`` is less than 2
    """
    require(n >= 2, "spc.subgroup", f"A standard deviation needs at least 2 values, not {n}.")
    return math.sqrt(2.0 / (n - 1)) * math.exp(float(gammaln(n / 2.0) - gammaln((n - 1) / 2.0)))


def range_freedom(n: int, groups: int) -> float:
    """Degrees of freedom of sigma from the mean of ``groups`` ranges of ``n``: those of a chi with the same spread.

    Source: Patnaik, Biometrika 37 (1950) 78-87: the coefficient of variation of the estimator is matched.
    """
    return _freedom(d3(n) / d2(n) / math.sqrt(groups))


def deviation_freedom(n: int, groups: int) -> float:
    """Degrees of freedom of sigma from the mean of ``groups`` standard deviations of ``n`` values."""
    return _freedom(math.sqrt(1.0 - c4(n) ** 2) / c4(n) / math.sqrt(groups))


def _freedom(variation: float) -> float:
    """The f at which sqrt(1 - c4(f+1)^2) / c4(f+1), about 1/sqrt(2 f), equals ``variation``."""
    low, high = 1e-3, 1e9
    for _ in range(200):
        middle = math.sqrt(low * high)
        spread = _chi_variation(middle)
        low, high = (middle, high) if spread > variation else (low, middle)
    return math.sqrt(low * high)


def _chi_variation(freedom: float) -> float:
    """Coefficient of variation of a chi variable."""
    if freedom > 1e5:
        return 1.0 / math.sqrt(2.0 * freedom)
    mean_squared = 2.0 * math.exp(2.0 * float(gammaln((freedom + 1.0) / 2.0) - gammaln(freedom / 2.0)))
    return math.sqrt(max(freedom / mean_squared - 1.0, 0.0))


@cache
def _range_moments(n: int) -> tuple[float, float]:
    require(
        2 <= n <= LARGEST_SUBGROUP,
        "spc.subgroup",
        f"A range needs 2 to {LARGEST_SUBGROUP} values in a subgroup, not {n}.",
    )
    node, weight = np.polynomial.legendre.leggauss(_NODES)
    width, weight = (node + 1.0) * _FAR, weight * _FAR
    beyond = 1.0 - _range_below(width, n)
    mean = float(weight @ beyond)
    square = 2.0 * float(weight @ (width * beyond))
    return mean, math.sqrt(square - mean**2)


def _range_below(width: Float64, n: int) -> Float64:
    """P(W <= width) of the range of ``n`` values, (m,)."""
    x = np.arange(-_FAR, _FAR + _STEP, _STEP)
    density = np.exp(-0.5 * x**2) / math.sqrt(2.0 * math.pi)
    between = ndtr(x + width[:, None]) - ndtr(x)
    below: Float64 = n * _STEP * (between ** (n - 1) @ density)
    return below
