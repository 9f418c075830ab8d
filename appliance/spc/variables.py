"""Shewhart charts of measured values: individuals with moving ranges, subgroups with ranges or standard deviations.

    X-bar:  centre +- 3 sigma / sqrt(n)
    R:      d2 sigma +- 3 d3 sigma           sigma = R-bar / d2
    s:      c4 sigma +- 3 sqrt(1 - c4^2) sigma    sigma = s-bar / c4
    X:      centre +- 3 sigma                sigma = MR-bar / d2(2)

Limits below zero of ranges and standard deviations are none.

Source: ISO 7870-2:2013, clauses 6 and 7; Montgomery, Introduction to Statistical Quality Control, chapter 6.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.spc.checks import Float64, finite, require
from appliance.spc.constants import c4, d2, d3, deviation_freedom, range_freedom
from appliance.spc.records import SHEWHART_WIDTH, Chart, PhaseOne, Spread

#: Fewest individuals and subgroups that limits are made of; textbooks ask for 20 to 25.
LEAST_POINTS: Final = 2


def individuals_limits(
    values: npt.ArrayLike, *, width: float = SHEWHART_WIDTH, excluded: Mapping[int, str] | None = None
) -> PhaseOne:
    """Limits of individuals (n,) from their moving ranges of two, without those that an excluded value is part of.

    Raises
    ------
    InvalidInput : fewer than two neighbours are left, a value is not finite, or all are equal
    """
    array, kept = _kept(finite(values, "values"), excluded)
    ranges = np.abs(np.diff(array))[kept[1:] & kept[:-1]]
    require(len(ranges) >= 1, "spc.too_few", "No two neighbours are left to take a moving range of.")
    spread = Spread(float(ranges.mean()) / d2(2), _moving_range_freedom(len(ranges)), "mean moving range / d2")
    return _phase_one("i_mr", array[kept], spread, 1, int(kept.sum()), width, excluded)


def range_limits(
    groups: npt.ArrayLike, *, width: float = SHEWHART_WIDTH, excluded: Mapping[int, str] | None = None
) -> PhaseOne:
    """Limits of subgroups (k, n) from their ranges.

    Raises
    ------
    InvalidInput : fewer than two subgroups are left or fewer than two values stand in each, or all ranges are zero
    """
    array, kept = _kept(finite(groups, "subgroups", least=2, axes=2), excluded)
    ranges, n = np.ptp(array[kept], axis=1), array.shape[1]
    require(len(ranges) >= LEAST_POINTS, "spc.too_few", f"At least {LEAST_POINTS} subgroups are needed.")
    spread = Spread(float(ranges.mean()) / d2(n), range_freedom(n, len(ranges)), "mean range / d2")
    return _phase_one("xbar_r", array[kept], spread, n, len(ranges), width, excluded)


def deviation_limits(
    groups: npt.ArrayLike, *, width: float = SHEWHART_WIDTH, excluded: Mapping[int, str] | None = None
) -> PhaseOne:
    """Limits of subgroups (k, n) from their standard deviations; raises as ``range_limits``."""
    array, kept = _kept(finite(groups, "subgroups", least=2, axes=2), excluded)
    deviations, n = array[kept].std(axis=1, ddof=1), array.shape[1]
    require(len(deviations) >= LEAST_POINTS, "spc.too_few", f"At least {LEAST_POINTS} subgroups are needed.")
    spread = Spread(
        float(deviations.mean()) / c4(n), deviation_freedom(n, len(deviations)), "mean standard deviation / c4"
    )
    return _phase_one("xbar_s", array[kept], spread, n, len(deviations), width, excluded)


def pooled_spread(groups: npt.ArrayLike) -> Spread:
    """Spread within subgroups (k, n) from the mean of their variances, unbiased by c4 (the method with most freedom).

    Raises
    ------
    InvalidInput : fewer than two values stand in a subgroup, or one is not finite
    """
    array = finite(groups, "subgroups", least=2, axes=2)
    freedom = array.shape[0] * (array.shape[1] - 1)
    sigma = math.sqrt(float(array.var(axis=1, ddof=1).mean())) / c4(freedom + 1)
    return Spread(sigma, float(freedom), "pooled standard deviation / c4")


def location_chart(limits: PhaseOne, data: npt.ArrayLike) -> Chart:
    """Individuals (n,) or means of subgroups (k, n) against frozen limits.

    Raises
    ------
    InvalidInput : the data have another shape than those of the limits, or a value is not finite
    """
    array, spread = _data(limits, data)
    value = array if limits.kind == "i_mr" else array.mean(axis=1)
    error = spread.sigma / math.sqrt(limits.size)
    name = "x" if limits.kind == "i_mr" else "xbar"
    return _chart(name, value, limits.centre, error, limits.width, least=-math.inf)


def dispersion_chart(limits: PhaseOne, data: npt.ArrayLike) -> Chart:
    """Moving ranges (n - 1,), ranges (k,) or standard deviations (k,) against frozen limits; raises as the other.

    Point i of moving ranges belongs to value i + 1.
    """
    array, spread = _data(limits, data)
    sigma, n = spread.sigma, max(limits.size, 2)
    if limits.kind == "xbar_s":
        value, centre, error = array.std(axis=1, ddof=1), c4(n) * sigma, math.sqrt(1.0 - c4(n) ** 2) * sigma
        return _chart("s", value, centre, error, limits.width, least=0.0)
    value = np.abs(np.diff(array)) if limits.kind == "i_mr" else np.ptp(array, axis=1)
    name = "mr" if limits.kind == "i_mr" else "range"
    return _chart(name, value, d2(n) * sigma, d3(n) * sigma, limits.width, least=0.0)


def _kept(array: Float64, excluded: Mapping[int, str] | None) -> tuple[Float64, npt.NDArray[np.bool_]]:
    """The data, and which of its points count, bool (k,)."""
    kept = np.ones(len(array), dtype=np.bool_)
    for index, reason in (excluded or {}).items():
        require(0 <= index < len(array), "spc.excluded", f"There is no point {index} to exclude.")
        require(reason.strip(), "spc.reason", f"Point {index} is excluded without a reason.", "Say why.")
        kept[index] = False
    require(int(kept.sum()) >= LEAST_POINTS, "spc.too_few", f"At least {LEAST_POINTS} points must be left.")
    return array, kept


def _phase_one(
    kind: str, kept: Float64, spread: Spread, size: int, groups: int, width: float, excluded: Mapping[int, str] | None
) -> PhaseOne:
    require(spread.sigma > 0, "spc.no_spread", "All values are equal: there is no spread to make limits of.")
    require(width > 0, "spc.width", "Control limits need a positive width.")
    left_out = tuple(sorted((excluded or {}).items()))
    return PhaseOne(kind, math.fsum(kept.ravel()) / kept.size, spread, size, groups, width, left_out)


def _data(limits: PhaseOne, data: npt.ArrayLike) -> tuple[Float64, Spread]:
    require(limits.spread is not None, "spc.kind", f"Limits of kind '{limits.kind}' are none of measured values.")
    array = finite(data, "data", axes=1 if limits.kind == "i_mr" else 2)
    fits = limits.kind == "i_mr" or array.shape[1] == limits.size
    require(fits, "spc.subgroup", f"The limits are those of subgroups of {limits.size}, not of {array.shape[-1]}.")
    assert limits.spread is not None
    return array, limits.spread


def _chart(statistic: str, value: Float64, centre: float, error: float, width: float, least: float) -> Chart:
    lower = centre - width * error
    full = np.ones(len(value))
    return Chart(
        statistic,
        value,
        centre * full,
        error * full,
        (lower if lower > least else math.nan) * full,
        (centre + width * error) * full,
    )


def _moving_range_freedom(ranges: int) -> float:
    """Degrees of freedom of sigma from overlapping moving ranges of two.

    Var(MR-bar / d2) = sigma^2 (0.8264 n - 1.082) / (n - 1)^2 for n values; f = 1 / (2 variance).

    Source: Cryer & Ryan, Journal of Quality Technology 22 (1990) 187-192, doi:10.1080/00224065.1990.11979239.
    """
    if ranges == 1:
        return 1.0
    return ranges**2 / (2.0 * (0.8264 * (ranges + 1) - 1.082))
