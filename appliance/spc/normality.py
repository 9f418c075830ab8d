"""Are values normally distributed?  Anderson and Darling's statistic, mean and deviation estimated from the values.

A* = A^2 (1 + 0.75 / n + 2.25 / n^2), and p from A* by the published approximation (for 8 values and more).  Large
samples are refused for deviations that matter little: rounding alone is found in them.

Source: D'Agostino & Stephens, Goodness-of-Fit Techniques (1986), table 4.9 and section 4.8.5.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import log_ndtr

from appliance.spc.checks import Float64, finite, require
from appliance.spc.summary import summary

#: Fewest values that the approximation of p holds for.
LEAST_VALUES: Final = 8
#: Probability below which values are not taken as normal.
SIGNIFICANCE: Final = 0.05


@dataclass(frozen=True)
class NormalityCheck:
    """``statistic`` A^2, ``adjusted`` A*, and the probability ``p`` of one as large for normal values."""

    statistic: float
    adjusted: float
    p: float

    def holds(self, significance: float = SIGNIFICANCE) -> bool:
        """Whether nothing speaks against normal values at this ``significance``."""
        return self.p >= significance


def anderson_darling(values: npt.ArrayLike) -> NormalityCheck:
    """The check of values (n,).

    Raises
    ------
    InvalidInput : fewer than eight values, one not finite, or all alike
    """
    array = finite(values, "values", least=LEAST_VALUES)
    known = summary(array)
    require(known.sd > 0, "spc.no_spread", "All values are alike: no distribution can be told.")
    z = (np.sort(array) - known.mean) / known.sd
    n = len(array)
    statistic = float(statistic_of(log_ndtr(z), log_ndtr(-z)))
    adjusted = statistic * (1.0 + 0.75 / n + 2.25 / n**2)
    return NormalityCheck(statistic, adjusted, _probability(adjusted))


def statistic_of(log_below: Float64, log_above: Float64) -> Float64:
    """A^2 of ordered values (..., n) from the logarithms of both tails of the fitted distribution at them."""
    n = log_below.shape[-1]
    weight = 2.0 * np.arange(1, n + 1) - 1.0
    total: Float64 = -n - np.sum(weight * (log_below + log_above[..., ::-1]), axis=-1) / n
    return total


def _probability(adjusted: float) -> float:
    a = min(adjusted, 100.0)
    if a >= 0.6:
        return math.exp(1.2937 - 5.709 * a + 0.0186 * a**2)
    if a > 0.34:
        return math.exp(0.9177 - 4.279 * a - 1.38 * a**2)
    if a > 0.2:
        return 1.0 - math.exp(-8.318 + 42.796 * a - 59.938 * a**2)
    return 1.0 - math.exp(-13.436 + 101.14 * a - 223.73 * a**2)
