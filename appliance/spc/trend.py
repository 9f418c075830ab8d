"""Trends of a series: is there one, how steep is it, how sure is that?

Slope: the median of the slopes of all pairs (Theil and Sen), which 29 % of wild values leave nearly as it is; where
uncertainties are stated and differ, pairs weigh 1 / (u_i^2 + u_j^2).  Interval: Sen's, from the variance of Kendall's
score, so that it holds zero about when the test finds no trend; with weights, from a bootstrap of residuals in units of
their uncertainties.
Values before a repair are left out; other breaks separate segments that share the slope and not the level.

Source: Sen, JASA 63 (1968) 1379-1389, doi:10.1080/01621459.1968.10480934; Sievers, JASA 73 (1978) 628-631,
doi:10.1080/01621459.1978.10480067 (weights).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import ndtri

from appliance.spc.checks import Float64, Int64, require, share
from appliance.spc.kendall import KendallTest, inflation_of, mann_kendall, null_distribution
from appliance.spc.resampling import differ, resampled
from appliance.spc.series import Series
from appliance.spc.slopes import Pairs, median_slopes, members, pairs_of, ranked_slopes

#: Fewest values of a life that a slope is computed of.
LEAST_VALUES: Final = 3
#: Replicates of a bootstrap.
REPLICATES: Final = 1999


@dataclass(frozen=True)
class Trend:
    """A trend per day, in the unit of the values: ``slope`` with its interval at ``confidence``, and the test.

    ``level`` is where the line stands at ``end_days``, the last value's time.  ``exists`` says that the test at
    1 - ``confidence`` finds a trend and the interval agrees.  ``count`` values of the current life were used, in
    ``segments``.
    """

    slope: float
    lower: float
    upper: float
    confidence: float
    level: float
    end_days: float
    test: KendallTest
    count: int
    segments: int
    weighted: bool

    @property
    def exists(self) -> bool:
        """Whether there is a trend at all."""
        return self.test.p <= 1.0 - self.confidence and not self.lower <= 0.0 <= self.upper


def trend_of(series: Series, *, confidence: float = 0.95, seed: int = 0) -> Trend:
    """The trend of the current life of ``series``.

    Raises
    ------
    InvalidInput : fewer than three values are left after the last repair, or no two of them can be compared
    """
    share(confidence, "confidence")
    life = series.current_life()
    require(len(life.value) >= LEAST_VALUES, "spc.too_few", f"A trend needs {LEAST_VALUES} values after a repair.")
    stratum, weighted = life.stratum, differ(life.u)
    pairs = pairs_of(life.time_days, stratum)
    require(pairs.count, "spc.too_few", "No two values of one segment were measured at two times.")
    slope = slope_of(life, pairs)
    scale = life.u if weighted and life.u is not None else np.ones(len(life.value))
    inflation = inflation_of(life.value / scale, life.time_days / scale, stratum, slope)
    test = mann_kendall(life.time_days, life.value, stratum, inflation)
    if weighted:
        lower, upper = _bootstrap_interval(life, pairs, slope, inflation, confidence, seed)
    else:
        lower, upper = _sen_interval(life, pairs, test, confidence)
    level = level_at_end(life, stratum, slope)
    segments = len(np.unique(stratum))
    return Trend(
        slope, lower, upper, confidence, level, float(life.time_days[-1]), test, len(life.value), segments, weighted
    )


def least_p(series: Series) -> float:
    """What the p of the trend is at least: that of values which follow one another freely, without a slope.

    Correlation of neighbours only adds to the variance of the score, and so to p.  Raises as ``trend_of``.
    """
    life = series.current_life()
    require(len(life.value) >= LEAST_VALUES, "spc.too_few", f"A trend needs {LEAST_VALUES} values after a repair.")
    return mann_kendall(life.time_days, life.value, life.stratum).p


def slope_of(life: Series, pairs: Pairs) -> float:
    """The median slope of one series, weighted where its uncertainties differ."""
    if differ(life.u):
        return float(_weighted_slopes(life.value[None, :], pairs, life.u)[0])
    return float(median_slopes(life.value[None, :], pairs).slope[0])


def slopes_of(values: Float64, life: Series, pairs: Pairs) -> Float64:
    """Median slopes of replicates (m, n) of one series, (m,), each as ``slope_of`` takes it."""
    if differ(life.u):
        return _weighted_slopes(values, pairs, life.u)
    return median_slopes(values, pairs).slope


def level_at_end(life: Series, stratum: Int64, slope: float) -> float:
    """Where the line of the last segment stands at the time of the last value: the median of what values say of it."""
    last = stratum == stratum[-1]
    remaining = life.value[last] + slope * (life.time_days[-1] - life.time_days[last])
    return float(np.median(remaining))


def _weighted_slopes(values: Float64, pairs: Pairs, u: Float64 | None) -> Float64:
    """Weighted median slopes, (m,): pairs weigh 1 / (u_i^2 + u_j^2)."""
    assert u is not None
    usable = np.isfinite(pairs.reciprocal)
    first, second = (own[usable] for own in members(len(pairs.time)))
    reciprocal = pairs.reciprocal[usable]
    weight = 1.0 / (u[first] ** 2 + u[second] ** 2)
    found = np.empty(len(values))
    for row, own in enumerate(values):
        slope = (own[second] - own[first]) * reciprocal
        order = np.argsort(slope, kind="stable")
        passed = np.cumsum(weight[order])
        found[row] = slope[order][np.searchsorted(passed, 0.5 * passed[-1])]
    return found


def _sen_interval(life: Series, pairs: Pairs, test: KendallTest, confidence: float) -> tuple[float, float]:
    """The slopes of the ranks between which the score is not significant; infinite where there are too few pairs."""
    reach = _exact_reach(life, confidence) if test.method == "exact" else None
    if reach is None:
        reach = -float(ndtri((1.0 - confidence) / 2.0)) * math.sqrt(test.variance)
    lower_rank = math.floor((pairs.count - reach) / 2.0) - 1
    rank = np.array([lower_rank, pairs.count - 1 - lower_rank])
    both = np.broadcast_to(life.value, (2, len(life.value)))
    lower, upper = ranked_slopes(np.ascontiguousarray(both), pairs, rank)
    return float(lower), float(upper)


def _exact_reach(life: Series, confidence: float) -> float | None:
    """The largest score that is not significant, counted over all orders of values that all differ."""
    if len(np.unique(life.stratum)) > 1 or len(np.unique(life.time_days)) < len(life.time_days):
        return None
    count = len(life.value)
    probability = null_distribution((1,) * count, (1,) * count)
    span = len(probability) // 2
    beyond = np.cumsum(probability[::-1])  # P(S >= span), P(S >= span - 1), ...
    significant = int(np.searchsorted(beyond, (1.0 - confidence) / 2.0, side="right"))
    return float(span - significant)


def _bootstrap_interval(
    life: Series, pairs: Pairs, slope: float, inflation: float, confidence: float, seed: int
) -> tuple[float, float]:
    """Quantiles of the slopes of replicates, as far apart as the correlation of neighbours asks for."""
    replicates = resampled(life, life.stratum, slope, REPLICATES, seed, block=1)
    slopes = slope + math.sqrt(inflation) * (slopes_of(replicates, life, pairs) - slope)
    tail = (1.0 - confidence) / 2.0
    lower, upper = np.quantile(slopes, [tail, 1.0 - tail])
    return float(lower), float(upper)
