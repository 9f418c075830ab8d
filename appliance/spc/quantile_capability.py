"""Performance of characteristics that are not normal: by the quantiles of ISO 22514-2, 0.135 %, 50 % and 99.865 %.

    Pp = (U - L) / (X99.865 - X0.135)
    Ppk = min((U - X50) / (X99.865 - X50), (X50 - L) / (X50 - X0.135))

For normal values they are the ordinary indices.  Quantiles come from a distribution that fits, or from the values
themselves where they are many: the outer ones hold 0.135 % of them, so 2,000 values leave less than three beyond.

``study`` chooses: the normal formula where nothing speaks against normal values, else the distribution of least AIC
among those that the values do not refuse, else the values' own quantiles, else nothing, and says why.  Intervals are
those of a bootstrap: of the values in the empirical case, of samples from the fit in the other; that a distribution was
chosen by looking at the values is not in them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.errors import InvalidInput
from appliance.spc import draws
from appliance.spc.capability import Index, performance
from appliance.spc.checks import Float64, finite, require, share
from appliance.spc.distributions import FAMILIES, LARGEST, Fit, fit
from appliance.spc.exact import NANO
from appliance.spc.normality import SIGNIFICANCE, anderson_darling
from appliance.spc.sketch import QuantileSketch

#: The quantiles that span 6 sigma of a normal distribution.
OUTER_LOW: Final = 0.00135
OUTER_HIGH: Final = 0.99865
#: Fewest values whose own outer quantiles are told.
LEAST_EMPIRICAL: Final = 2000
#: Replicates of the bootstrap, and numbers drawn for it at most.
REPLICATES: Final = 999
_DRAWN: Final = 20_000_000
_LEAST_REPLICATES: Final = 199


@dataclass(frozen=True)
class QuantileCapability:
    """Indices by quantiles; ``method`` is normal, the name of a distribution, empirical or none, ``reason`` says why.

    ``quantiles`` are X0.135, X50 and X99.865, in the unit of the values.  ``actual`` is None where the method is none.
    """

    method: str
    reason: str
    quantiles: tuple[float, float, float]
    potential: Index | None
    actual: Index | None
    count: int
    fits: tuple[Fit, ...] = ()


def by_quantiles(
    quantiles: tuple[float, float, float], lower: float | None, upper: float | None
) -> tuple[float | None, float]:
    """Pp (None with one limit) and Ppk from X0.135, X50 and X99.865.

    Raises
    ------
    InvalidInput : there is no limit, or the quantiles are not in rising order
    """
    low, middle, high = quantiles
    require(lower is not None or upper is not None, "spc.limits", "Capability needs a limit.")
    require(low < middle < high, "spc.no_spread", "Quantiles that are alike give no capability.")
    sides = []
    if upper is not None:
        sides.append((upper - middle) / (high - middle))
    if lower is not None:
        sides.append((middle - lower) / (middle - low))
    potential = None if lower is None or upper is None else (upper - lower) / (high - low)
    return potential, min(sides)


def by_sketch(sketch: QuantileSketch, lower: float | None, upper: float | None) -> tuple[float | None, float]:
    """Pp and Ppk of a roll-up by its own quantiles, limits in the unit of the values.

    Raises
    ------
    InvalidInput : fewer than ``LEAST_EMPIRICAL`` values, or as ``by_quantiles``
    """
    enough = sketch.count >= LEAST_EMPIRICAL
    require(enough, "spc.too_few", f"Outer quantiles need {LEAST_EMPIRICAL} values, there are {sketch.count}.")
    low, middle, high = (sketch.quantile(share) / NANO for share in (OUTER_LOW, 0.5, OUTER_HIGH))
    return by_quantiles((low, middle, high), lower, upper)


def study(
    values: npt.ArrayLike,
    lower: float | None,
    upper: float | None,
    *,
    significance: float = SIGNIFICANCE,
    confidence: float = 0.95,
    seed: int = 0,
) -> QuantileCapability:
    """Performance of values (n,) by the formula that their distribution allows.

    Raises
    ------
    InvalidInput : fewer than eight values, one not finite, all alike, or no limit
    """
    array = finite(np.ravel(values), "values", least=8)
    share(confidence, "confidence")
    check = anderson_darling(array)
    if check.holds(significance):
        found = performance(array, lower, upper, confidence=confidence)
        reach = 3.0 * found.spread.sigma
        outer = found.mean - reach, found.mean, found.mean + reach
        reason = f"nothing speaks against normal values (Anderson-Darling p = {check.p:.3f})"
        return QuantileCapability("normal", reason, outer, found.potential, found.actual, len(array))
    not_normal = f"values are not normal (Anderson-Darling p = {check.p:.2g})"
    fits = _fits(array, seed)
    allowed = [one for one in fits if one.p >= significance]
    if allowed:
        best = min(allowed, key=lambda one: one.aic)
        return _fitted(
            array, best, f"{not_normal}; {best.family} fits (p = {best.p:.3f})", fits, lower, upper, confidence, seed
        )
    if len(array) >= LEAST_EMPIRICAL:
        return _empirical(array, f"{not_normal}, and no distribution fits", fits, lower, upper, confidence, seed)
    reason = f"{not_normal}, no distribution fits, and {len(array)} values are fewer than {LEAST_EMPIRICAL}"
    return QuantileCapability("none", reason, (math.nan, math.nan, math.nan), None, None, len(array), fits)


def _fits(array: Float64, seed: int) -> tuple[Fit, ...]:
    """Fits of the families that these values can have, the normal one, which was refused, left out."""
    found = []
    for name, family in FAMILIES.items():
        if name == "normal" or len(array) > LARGEST or (family.positive and array.min() <= 0):
            continue
        try:
            found.append(fit(name, array, seed=seed))
        except InvalidInput:
            continue
    return tuple(found)


def _fitted(
    array: Float64, best: Fit, reason: str, fits: tuple[Fit, ...], lower: float | None, upper: float | None,
    confidence: float, seed: int,
) -> QuantileCapability:  # fmt: skip
    family, count = FAMILIES[best.family], len(array)
    shares = np.array([[OUTER_LOW, 0.5, OUTER_HIGH]])
    own = np.array([[best.first]]), np.array([[best.second]])
    rows = []
    for start, number in _batches(count):
        uniform = draws.uniforms(seed, draws.RESIDUALS + (start << 8), (number, count))
        rows.append(family.quantile(shares, family.estimate(family.quantile(uniform, own))))
    quantiles = family.quantile(shares, own)[0]
    return _result(best.family, reason, quantiles, np.concatenate(rows), count, fits, lower, upper, confidence)


def _empirical(
    array: Float64, reason: str, fits: tuple[Fit, ...], lower: float | None, upper: float | None, confidence: float,
    seed: int,
) -> QuantileCapability:  # fmt: skip
    count = len(array)
    require(count <= draws.LARGEST_BOUND, "spc.too_many", "Too many values to draw from.", "Thin them out.")
    rows = []
    for start, number in _batches(count):
        drawn = array[draws.below(count, seed, draws.RESIDUALS + (start << 8), (number, count))]
        rows.append(_own_quantiles(drawn))
    return _result(
        "empirical",
        reason,
        _own_quantiles(array[None, :])[0],
        np.concatenate(rows),
        count,
        fits,
        lower,
        upper,
        confidence,
    )


def _own_quantiles(rows: Float64) -> Float64:
    """X0.135, X50 and X99.865 of each row (m, n), median-unbiased whatever the distribution (type 8), (m, 3)."""
    found = np.quantile(rows, [OUTER_LOW, 0.5, OUTER_HIGH], axis=1, method="median_unbiased").T
    return np.asarray(found)


def _batches(count: int) -> list[tuple[int, int]]:
    """(first, number) of replicates that are drawn together: about a million numbers each."""
    replicates = max(_LEAST_REPLICATES, min(REPLICATES, _DRAWN // count))
    step = max(1, (1 << 20) // count)
    return [(start, min(step, replicates - start)) for start in range(0, replicates, step)]


def _result(
    method: str, reason: str, quantiles: Float64, drawn: Float64, count: int, fits: tuple[Fit, ...],
    lower: float | None, upper: float | None, confidence: float,
) -> QuantileCapability:  # fmt: skip
    low, middle, high = (float(q) for q in quantiles)
    potential, actual = by_quantiles((low, middle, high), lower, upper)
    again = [by_quantiles((float(a), float(b), float(c)), lower, upper) for a, b, c in drawn]
    tails = [(1.0 - confidence) / 2.0, (1.0 + confidence) / 2.0]

    def index(value: float, replicates: list[float]) -> Index:
        lowest, highest = np.quantile(replicates, tails)
        return Index(value, float(lowest), float(highest))

    both = None if potential is None else index(potential, [pp for pp, _ in again if pp is not None])
    return QuantileCapability(
        method, reason, (low, middle, high), both, index(actual, [ppk for _, ppk in again]), count, fits
    )
