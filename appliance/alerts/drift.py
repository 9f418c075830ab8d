"""Drift: a characteristic has a trend, and reaches a limit within the horizon.

The trend is that of ``spc`` (Theil and Sen, tested with correction for correlation); the time to the limit is that of
its line from where it stands, with the interval of the slope as evidence.
"""

from __future__ import annotations

from typing import Final

from appliance.alerts.records import Asked, Found, Look, RuleKind
from appliance.alerts.series import Pair, latest_values, new_pairs
from appliance.errors import InvalidInput
from appliance.spc.series import series_of
from appliance.spc.trend import Trend, trend_of
from appliance.tenancy.scope import WorkspaceScope

_MOST_VALUES: Final = 100
_DIGITS: Final = 6
_LEAST_VALUES: Final = 5


def look(scope: WorkspaceScope, asked: Asked) -> Look:
    """Every pair that drifts towards a limit."""
    pairs = new_pairs(asked)
    return Look([one for pair in pairs if (one := _of_pair(pair, asked))], frozenset(pairs))


def _of_pair(pair: Pair, asked: Asked) -> Found | None:
    values = latest_values(pair, _MOST_VALUES)
    if values is None or len(values.value) < _LEAST_VALUES:
        return None
    try:
        trend = trend_of(series_of(values.days, values.value))
    except InvalidInput:  # all at one moment: nothing to compare
        return None
    days = days_to_limit(trend, values.lower, values.upper) if trend.exists else None
    if days is None or days > float(asked.settings["horizon_days"]):
        return None
    evidence = {
        "slope_per_day": trend.slope, "slope_lower": trend.lower, "slope_upper": trend.upper, "p": trend.test.p,
        "level": round(trend.level, _DIGITS), "days_to_limit": round(days, 1), "unit": values.unit,
        "lower": values.lower, "upper": values.upper, "values": trend.count,
    }  # fmt: skip
    when = f"reaches its limit in {days:.0f} days" if days > 0 else "is beyond its limit"
    title = (
        f"{values.characteristic} of {values.asset} drifts by {30 * trend.slope:+.3g} {values.unit} a month and {when}"
    )
    return Found(f"{pair[0]} {pair[1]}", title, evidence, *pair)


def days_to_limit(trend: Trend, lower: float | None, upper: float | None) -> float | None:
    """Days from the last value until the line reaches the limit that it runs to, 0 beyond it; None: there is none."""
    limit = upper if trend.slope > 0 else lower
    return None if limit is None else max(0.0, (limit - trend.level) / trend.slope)


KIND: Final = RuleKind(
    "drift",
    "A characteristic has a trend that reaches a limit within the horizon.",
    {"horizon_days": 90.0},
    {"horizon_days": (0.0, 36_500.0)},
    look,
)
