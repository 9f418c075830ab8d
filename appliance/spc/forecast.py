"""When will it matter: the day on which a trend leaves "pass", and the day on which it reaches "fail".

Both days follow from the decision rule (``qc.decision``): with an uncertainty u a value stops passing before its limit,
and fails only beyond it.  Slope and level are drawn together (a bootstrap of the residuals about the line, in blocks
where neighbours are alike), so that the interval of each day holds what is not known of both; they are spread until
slopes fill the interval that belongs to the test.

No day is named where there is no trend: the interval of the slope holds zero, and the latest day is unbounded.
A forecast says what happens if the trend goes on, and nothing of repairs or of wear that speeds up.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from appliance.qc.decision import decide
from appliance.qc.records import FAIL, PASS
from appliance.spc.checks import Float64, require
from appliance.spc.resampling import resampled
from appliance.spc.series import Series
from appliance.spc.slopes import pairs_of
from appliance.spc.trend import REPLICATES, Trend, level_at_end, slopes_of, trend_of

#: What a forecast says of an event.
ALREADY: Final = "already"
EXPECTED: Final = "expected"
NEVER: Final = "never"
NO_TREND: Final = "no_trend"
#: Farther than this many u from a limit the decision no longer changes.
_FAR_IN_U: Final = 12.0


@dataclass(frozen=True)
class Edges:
    """Where the decision changes: values in [pass_lower, pass_upper] pass, those beyond [fail_lower, fail_upper] fail.

    Infinite where there is no limit; NaN for pass where nothing can pass.
    """

    pass_lower: float
    pass_upper: float
    fail_lower: float
    fail_upper: float


@dataclass(frozen=True)
class Crossing:
    """One event of a forecast: ``state`` is already, expected, never (there is no limit that way) or no_trend.

    Days are counted as those of the series.  Without a trend no ``day`` is named (NaN); ``earliest`` then says how soon
    it could be if there were one that was not found yet, and ``latest`` is infinite.  Never: all three are NaN.
    """

    state: str
    day: float = math.nan
    earliest: float = math.nan
    latest: float = math.nan


@dataclass(frozen=True)
class Forecast:
    """The trend, the edges, and both days; ``seed`` and ``replicates`` repeat the bootstrap bit for bit."""

    trend: Trend
    edges: Edges
    leaves_pass: Crossing
    reaches_fail: Crossing
    seed: int
    replicates: int


def edges_of(lower: float | None, upper: float | None, u: float) -> Edges:
    """Where the decision changes for limits (None: no limit) and a standard uncertainty ``u``.

    Raises
    ------
    InvalidInput : there is no limit, the limits are in the wrong order, or ``u`` is not positive
    """
    require(lower is not None or upper is not None, "spc.limits", "A forecast needs a limit to reach.")
    require(u > 0 and math.isfinite(u), "spc.uncertainty", "A forecast needs the uncertainty of the values.")
    if lower is not None and upper is not None:
        require(lower < upper, "spc.limits", "The lower limit is not below the upper one.")
    above = math.inf if upper is None else upper
    below = -math.inf if lower is None else lower
    safe = (
        0.5 * (below + above)
        if math.isfinite(below + above)
        else (above - _FAR_IN_U * u if upper is not None else below + _FAR_IN_U * u)
    )
    passes = decide(safe, u, lower, upper) == PASS

    def edge(limit: float, outward: float, decision: str) -> float:
        if not math.isfinite(limit):
            return limit
        if decision == PASS:
            return _last(safe, limit, lambda y: decide(y, u, lower, upper) == PASS) if passes else math.nan
        return _last(limit, limit + outward * _FAR_IN_U * u, lambda y: decide(y, u, lower, upper) != FAIL)

    return Edges(edge(below, -1, PASS), edge(above, 1, PASS), edge(below, -1, FAIL), edge(above, 1, FAIL))


def forecast(
    series: Series,
    lower: float | None,
    upper: float | None,
    u: float,
    *,
    confidence: float = 0.95,
    seed: int = 0,
    replicates: int = REPLICATES,
) -> Forecast:
    """When the current life of ``series`` leaves "pass" and reaches "fail", for a standard uncertainty ``u``.

    Raises
    ------
    InvalidInput : as ``trend_of`` and ``edges_of``
    """
    edges, trend = edges_of(lower, upper, u), trend_of(series, confidence=confidence, seed=seed)
    life = series.current_life()
    stratum = life.stratum
    drawn = resampled(life, stratum, trend.slope, replicates, seed)
    slopes = slopes_of(drawn, life, pairs_of(life.time_days, stratum))
    levels = np.array(
        [
            level_at_end(Series(life.time_days, row, life.u, life.breaks), stratum, float(slope))
            for row, slope in zip(drawn, slopes, strict=True)
        ]
    )
    slopes, levels = _widened(trend, slopes, levels)
    inner = edges.pass_lower, edges.pass_upper
    outer = edges.fail_lower, edges.fail_upper
    return Forecast(
        trend, edges, _crossing(trend, inner, slopes, levels), _crossing(trend, outer, slopes, levels), seed, replicates
    )


def _widened(trend: Trend, slopes: Float64, levels: Float64) -> tuple[Float64, Float64]:
    """Replicates, spread about the line until their slopes fill the interval that the test gives.

    Residuals of short series are too small and too free to tell how unsure a slope is: drawn as they are, 95 %
    intervals of days held 90 % of true days (12 values), and 67 % where neighbours correlate by 0.5.
    """
    tail = (1.0 - trend.confidence) / 2.0
    lower, upper = np.quantile(slopes, [tail, 1.0 - tail])
    wanted = trend.upper - trend.lower
    factor = max(1.0, wanted / (upper - lower)) if math.isfinite(wanted) and upper > lower else 1.0
    return trend.slope + factor * (slopes - trend.slope), trend.level + factor * (levels - trend.level)


def _crossing(trend: Trend, band: tuple[float, float], slopes: Float64, levels: Float64) -> Crossing:
    end = trend.end_days
    if any(map(math.isnan, band)) or not band[0] <= trend.level <= band[1]:
        return Crossing(ALREADY, end, end, end)
    days = np.sort(end + _days_to(band, slopes, levels))
    tail = (1.0 - trend.confidence) / 2.0
    earliest = float(days[int(tail * (len(days) - 1))])
    if not trend.exists:
        return Crossing(NO_TREND, earliest=earliest, latest=math.inf)
    day = end + float(_days_to(band, np.array([trend.slope]), np.array([trend.level]))[0])
    if math.isinf(day):
        return Crossing(NEVER)
    latest = float(days[math.ceil((1.0 - tail) * (len(days) - 1))])
    return Crossing(EXPECTED, day, min(earliest, day), max(latest, day))


def _days_to(band: tuple[float, float], slopes: Float64, levels: Float64) -> Float64:
    """Days from the end until a line leaves ``band``, 0 where it has, infinite where it never does."""
    limit = np.where(slopes > 0, band[1], band[0])
    with np.errstate(divide="ignore", invalid="ignore"):
        days = np.where(slopes == 0, np.inf, (limit - levels) / slopes)
    outside = (levels < band[0]) | (levels > band[1])
    return np.where(outside, 0.0, np.maximum(days, 0.0))


def _last(inside: float, outside: float, holds: Callable[[float], bool]) -> float:
    """The last number from ``inside`` to ``outside`` at which ``holds`` is true, to a part in 2^60 of the way."""
    for _ in range(60):
        middle = 0.5 * (inside + outside)
        inside, outside = (middle, outside) if holds(middle) else (inside, middle)
    return inside
