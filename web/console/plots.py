"""One series as a picture: values with their expanded uncertainty, limits, breaks and the trend, in SVG units.

Geometry only: the template draws it, so that nothing is escaped by hand and colours follow the reader's theme.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from appliance.spc.series import Break
from appliance.trends.history import MeasuredPoint, day_of
from appliance.trends.records import Evidence

WIDTH: Final = 960.0
HEIGHT: Final = 320.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 84.0, 16.0, 16.0, 36.0
_SECONDS: Final = 86_400.0
#: Free room above and below what is shown, as a share of it.
_ROOM: Final = 0.08
_TICKS: Final = 5


@dataclass(frozen=True)
class Mark:
    """A value: its place, the ends of its uncertainty, and what is told of it."""

    x: float
    y: float
    low: float
    high: float
    point: MeasuredPoint


@dataclass(frozen=True)
class Tick:
    """A place on an axis and what stands there."""

    at: float
    label: str


@dataclass(frozen=True)
class Plot:
    """``limits`` are lower and upper where there are some; ``trend`` runs from (x, y) to (x, y), None without one."""

    marks: tuple[Mark, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    limits: tuple[Tick, ...]
    breaks: tuple[Tick, ...]
    trend: tuple[float, float, float, float] | None
    left: float = _LEFT
    right: float = WIDTH - _RIGHT
    top: float = _TOP
    bottom: float = HEIGHT - _BOTTOM
    width: float = WIDTH
    height: float = HEIGHT


@dataclass(frozen=True)
class _Scale:
    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        share = 0.5 if self.high == self.low else (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)


def plot_of(points: Sequence[MeasuredPoint], breaks: Sequence[Break], evidence: Evidence | None) -> Plot:
    """The picture of at least one value, in order of time, with what was found of their trend."""
    days = [day_of(point.measured_at) for point in points]
    x = _Scale(days[0], days[-1], _LEFT, WIDTH - _RIGHT)
    limits = [limit for limit in (points[-1].lower, points[-1].upper) if limit is not None]
    reach = [
        side for point in points for side in (point.value - (point.expanded or 0), point.value + (point.expanded or 0))
    ]
    room = _ROOM * (max(*reach, *limits) - min(*reach, *limits)) or abs(reach[0]) * _ROOM or 1.0
    y = _Scale(min(*reach, *limits) - room, max(*reach, *limits) + room, HEIGHT - _BOTTOM, _TOP)
    marks = (
        Mark(
            x.at(day),
            y.at(one.value),
            y.at(one.value - (one.expanded or 0)),
            y.at(one.value + (one.expanded or 0)),
            one,
        )
        for day, one in zip(days, points, strict=True)
    )
    seen = (Tick(x.at(one.at_days), one.kind) for one in breaks if x.low <= one.at_days <= x.high)
    return Plot(
        tuple(marks), _time_ticks(x), _value_ticks(y), tuple(Tick(y.at(limit), _number(limit)) for limit in limits),
        tuple(seen), _trend(x, y, evidence),
    )  # fmt: skip


def _trend(x: _Scale, y: _Scale, evidence: Evidence | None) -> tuple[float, float, float, float] | None:
    """The line of the trend over the time that it was computed from; its level is that of the end."""
    if evidence is None or evidence.finding == "steady":
        return None
    begin, end = max(x.low, day_of(evidence.since)), min(x.high, day_of(evidence.until))
    per_day = evidence.slope / (365.25 / 12.0)
    first = evidence.level - per_day * (day_of(evidence.until) - begin)
    last = evidence.level - per_day * (day_of(evidence.until) - end)
    return x.at(begin), y.at(first), x.at(end), y.at(last)


def _value_ticks(y: _Scale) -> tuple[Tick, ...]:
    step = _nice((y.high - y.low) / _TICKS)
    first = math.ceil(y.low / step)
    digits = max(0, -math.floor(math.log10(step)))
    count = math.floor(y.high / step) - first + 1
    return tuple(Tick(y.at((first + n) * step), _number((first + n) * step, digits)) for n in range(count))


def _time_ticks(x: _Scale) -> tuple[Tick, ...]:
    """Some moments that are evenly apart, days or, of less than two, minutes; the first and the last are among them."""
    span = x.high - x.low
    is_short = 0.0 < span < 2.0
    count = _TICKS if is_short else min(_TICKS, max(1, math.floor(x.high) - math.floor(x.low)))
    days = [x.low + span * n / count for n in range(count + 1)] if span > 0.0 else [x.low]
    form = "%m-%d %H:%M" if is_short else "%Y-%m-%d"
    return tuple(Tick(x.at(day), datetime.fromtimestamp(day * _SECONDS, UTC).strftime(form)) for day in days)


def _nice(step: float) -> float:
    """The next larger of 1, 2 and 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(one * power for one in (1.0, 2.0, 5.0, 10.0) if one * power >= step * (1.0 - 1e-9))


def _number(value: float, digits: int | None = None) -> str:
    text = f"{value:.6g}" if digits is None else f"{value:.{digits}f}"
    return text.replace("-", "−") if float(text) else text.replace("-", "")
