"""What degrades: which characteristics of which assets move towards a limit, how fast, and when it will matter.

1. *Screened* are all current lives: roll-ups keep |t| of the straight line through each, indexed.
2. *Tested* are those where it is largest: Mann and Kendall's test, corrected for correlation, and the median slope with
   Sen's interval (``spc.trend``), across breaks without comparing their sides.  Where the test without the correction
   tells already that nothing will be called (its p is the smaller one), there is no slope.
3. *Called* are those whose p, adjusted for all that were screened (Benjamini and Hochberg), is at most 5 %.

Degrades: the slope leads away from the middle of the tolerance, or towards the one limit.  It is ranked by the day on
which it reaches "fail", then by the day on which it leaves "pass".  Dates here are those of the line, with the slope's
interval; ``evidence_of`` computes one series by the joint bootstrap of ``spc.forecast``.

Not seen: what moves without being among the clearest lines (a shift at a break hides a slope); say ``tested`` larger.
Memory: ``tested`` series of at most 128 points, one after the other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final, NamedTuple

from appliance.db.engine import Engine
from appliance.errors import InvalidInput, NotFound
from appliance.plant.models import Instrument
from appliance.rollups.calendar import Calendar
from appliance.rollups.keeping import ensure_built
from appliance.rollups.lines import Line, clearest, line_of, screened
from appliance.spc.forecast import ALREADY, EXPECTED, NEVER, NO_TREND, Crossing, Edges, edges_of, forecast
from appliance.spc.series import Break, Series
from appliance.spc.trend import LEAST_VALUES, Trend, least_p, trend_of
from appliance.tenancy.scope import WorkspaceScope
from appliance.trends.history import (
    Asked,
    History,
    Latest,
    breaks_of,
    breaks_of_each,
    histories_of,
    latest_of,
    text_of_day,
)
from appliance.trends.instruments import SUSPECT, instrument_states
from appliance.trends.models import ReferenceArtefact
from appliance.trends.records import DEGRADES, DRIFTS, RECOVERS, STEADY, Due, Evidence, Ranking, SeriesBreak
from appliance.trends.remembered import Remembered
from appliance.trends.unchanged import Unchanged

#: Mean length of a month.
MONTH_DAYS: Final = 365.25 / 12.0
#: Share of findings that may be false.
RATE: Final = 0.05
TESTED: Final = 40
#: Dates beyond this are not named: nobody plans by them.
_FARTHEST_DAYS: Final = 365.25 * 100
#: Of an asset and a characteristic.
_NAMES: Final = (
    "SELECT a.name, c.name, c.zone, c.unit FROM asset a CROSS JOIN characteristic c WHERE a.id = ? AND c.id = ?"
)


class _Names(NamedTuple):
    asset: str
    characteristic: str
    zone: str
    unit: str


class _Tested(NamedTuple):
    """A series, and its trend."""

    history: History
    trend: Trend


class _Known(NamedTuple):
    """What was found of a line: its series, None where no trend can be computed; what p is at least; and the trend,
    None where nobody asked for one of this p."""

    history: History | None
    least_p: float
    trend: Trend | None

    def is_enough(self, most_p: float) -> bool:
        """Whether it tells all of a trend whose p is at most ``most_p``."""
        return self.history is None or self.trend is not None or self.least_p > most_p


#: Series, in all workspaces of this process: about 15 MB.
_remembered: Final = Remembered[_Known](4096)
_unchanged: Final = Unchanged[Ranking](128)


def degrading(
    scope: WorkspaceScope, *, part: str | None = None, asset: str | None = None, tested: int = TESTED, limit: int = 20
) -> Ranking:
    """The most urgent findings, of one part or asset (ids) or of all; recoveries and drifts come behind.

    Those of one part or asset are adjusted for all series of the workspace too, so that asking more finds no more.
    Remembered while nothing is changed, and computed once for all who ask at the same time (``trends.unchanged``).
    """
    question = part, asset, tested, limit
    return _unchanged.get(scope, question, lambda: _ranking(scope, *question))


def _ranking(scope: WorkspaceScope, part: str | None, asset: str | None, tested: int, limit: int) -> Ranking:
    calendar = ensure_built(scope)
    with scope:
        database = scope.database
        count, lines = screened(database), clearest(database, tested, part=part, asset=asset)
        breaks = breaks_of_each(database, list({line.asset_id for line in lines}))
        latest = latest_of(database, [(line.characteristic_id, line.asset_id) for line in lines])
        known = [(line, one) for line, one in zip(lines, latest, strict=True) if one is not None]
        most_p = RATE * len(known) / max(count, 1)  # adjusted, any p above is above the rate
        moving = [
            (*whose, one)
            for whose, one in zip(known, _tested(scope, calendar, known, breaks, most_p), strict=True)
            if one is not None
            and one.trend.exists  # others cost those that are called nothing: their p is above theirs
        ]
        adjusted = _adjusted([one.trend.test.p for _, _, one in moving], count)
        kept = [(found, q) for found, q in zip(moving, adjusted, strict=True) if q <= RATE]
        names = _names(database, [line for (line, _, _), _ in kept])
        called = [_evidence(*found, name, q) for (found, q), name in zip(kept, names, strict=True)]
    called.sort(key=_urgency)
    return Ranking(count, len(lines), _of_parts(scope, called)[:limit])


def evidence_of(scope: WorkspaceScope, asset: str, characteristic: str) -> Evidence:
    """The trend of one characteristic of one asset (ids), its days by the joint bootstrap.

    Raises
    ------
    NotFound : nothing was measured there
    InvalidInput : too little was measured since the last repair
    """
    calendar, found = ensure_built(scope), None
    with scope:
        line = line_of(scope.database, characteristic, asset)
        breaks = breaks_of(scope.database, asset)
        [latest] = latest_of(scope.database, [(characteristic, asset)])
        if line is not None and latest is not None:
            [tested] = _tested(scope, calendar, [(line, latest)], {asset: breaks}, 1.0)
            [name] = _names(scope.database, [line])
            found = None if tested is None else _evidence(line, latest, tested, name, None, thoroughly=True)
        elif latest is None:
            raise NotFound("trends.nothing", "Nothing was measured of this characteristic of this asset.")
    if found is None:
        raise InvalidInput("spc.too_few", f"A trend needs {LEAST_VALUES} values after a repair.")
    return found


def _of_parts(scope: WorkspaceScope, called: list[Evidence]) -> tuple[Evidence, ...]:
    """Findings without those of reference artefacts, and with what these say of the instruments."""
    states = instrument_states(scope)
    if not states:
        return tuple(called)
    suspects = {state.instrument for state in states if state.state == SUSPECT}
    with scope:
        kept = [one for one in called if ReferenceArtefact.known(asset_id=one.asset_id) is None]
        names = {None: ""} | {
            one: Instrument.known(id=one).name for one in {each.instrument_id for each in kept} if one
        }
    return tuple(replace(one, instrument_is_suspect=names[one.instrument_id] in suspects) for one in kept)


def _tested(
    scope: WorkspaceScope, calendar: Calendar, lines: Sequence[tuple[Line, Latest]],
    breaks: Mapping[str, tuple[Break, ...]], most_p: float,
) -> list[_Tested | None]:  # fmt: skip
    """The trend of each line; None where none can be computed, and where its p is certainly above ``most_p``.

    What was computed from the same values and breaks is remembered: all that tells of them stands in the key.
    """
    keys = [(scope.workspace_id, calendar.zone, line, latest, breaks[line.asset_id]) for line, latest in lines]
    known = {key: one for key in keys if (one := _remembered.peek(key)) is not None}
    unknown = [key for key in keys if key not in known]
    asked = [
        Asked(line.characteristic_id, line.asset_id, line.measured, line.life, own) for _, _, line, _, own in unknown
    ]
    found = {key: one.history for key, one in known.items() if not one.is_enough(most_p)}
    found |= zip(unknown, histories_of(scope.database, calendar, asked), strict=True)
    for key, history in found.items():
        known[key] = _computed(history, most_p)
        _remembered.keep(key, known[key])
    return [_told(known[key], most_p) for key in keys]


def _told(known: _Known, most_p: float) -> _Tested | None:
    if known.history is None or known.trend is None or known.least_p > most_p:
        return None
    return _Tested(known.history, known.trend)


def _computed(history: History | None, most_p: float) -> _Known:
    nothing = _Known(None, 1.0, None)
    if history is None or len(history.series.value) < LEAST_VALUES:
        return nothing
    try:
        least = least_p(history.series)
        return _Known(history, least, trend_of(history.series) if least <= most_p else None)
    except InvalidInput:  # all at one moment, or alone between breaks
        return nothing


def _names(database: Engine, lines: Sequence[Line]) -> list[_Names]:
    series = [(line.asset_id, line.characteristic_id) for line in lines]
    return [_Names(*name) for [name] in database.look_up_each(_NAMES, ("text", "text"), series)]


def _evidence(
    line: Line, latest: Latest, tested: _Tested, names: _Names, q: float | None, *, thoroughly: bool = False
) -> Evidence:
    series, trend = tested.history.series, tested.trend
    return Evidence(
        line.asset_id,
        names.asset,
        line.characteristic_id,
        names.characteristic,
        names.zone,
        names.unit,
        _finding(trend, latest),
        trend.slope * MONTH_DAYS,
        _finite(trend.lower * MONTH_DAYS),
        _finite(trend.upper * MONTH_DAYS),
        trend.confidence,
        trend.test.p,
        q,
        trend.level,
        latest.lower,
        latest.upper,
        latest.u,
        *_dues(series, trend, latest, thoroughly),
        line.measured,
        len(series.value),
        tested.history.points,
        text_of_day(float(series.time_days[0])),
        text_of_day(trend.end_days),
        tuple(SeriesBreak(text_of_day(one.at_days), one.kind) for one in series.breaks),
        latest.instrument_id,
    )


def _finding(trend: Trend, latest: Latest) -> str:
    """Where the trend leads: judged against the middle of the tolerance, or the one limit."""
    if not trend.exists:
        return STEADY
    lower, upper = latest.lower, latest.upper
    if lower is None and upper is None:
        return DRIFTS
    if lower is None or upper is None:
        return DEGRADES if (upper is not None) == (trend.slope > 0) else RECOVERS
    away = trend.level - 0.5 * (lower + upper)
    if away == 0.0:
        return DRIFTS
    return DEGRADES if (away > 0) == (trend.slope > 0) else RECOVERS


def _dues(series: Series, trend: Trend, latest: Latest, thoroughly: bool) -> tuple[Due | None, Due | None]:
    """When it leaves "pass", and when it reaches "fail"; None without limits or uncertainty."""
    if latest.u is None or not latest.u > 0 or (latest.lower is None and latest.upper is None):
        return None, None
    if thoroughly:
        both = forecast(series, latest.lower, latest.upper, latest.u)
        return _due(both.leaves_pass), _due(both.reaches_fail)
    edges = _edges(latest.lower, latest.upper, latest.u)
    return _due(_crossing(trend, _passing(edges))), _due(_crossing(trend, (edges.fail_lower, edges.fail_upper)))


#: A search of a millisecond, for limits that many series share.
_edges: Final = lru_cache(maxsize=1024)(edges_of)


def _passing(edges: Edges) -> tuple[float, float]:
    return edges.pass_lower, edges.pass_upper


def _crossing(trend: Trend, band: tuple[float, float]) -> Crossing:
    """When the line leaves ``band``, with the slope's interval and the level as it is."""
    if any(map(math.isnan, band)) or not band[0] <= trend.level <= band[1]:
        return Crossing(ALREADY, trend.end_days, trend.end_days, trend.end_days)
    slopes = (trend.slope, trend.lower, trend.upper)
    days = [trend.end_days + _days_to(band, trend.level, slope) for slope in slopes]
    if not trend.exists:
        return Crossing(NO_TREND, earliest=min(days), latest=math.inf)
    return Crossing(NEVER) if math.isinf(days[0]) else Crossing(EXPECTED, days[0], min(days), max(days))


def _days_to(band: tuple[float, float], level: float, slope: float) -> float:
    if slope == 0.0 or math.isinf(slope):
        return math.inf if slope == 0.0 else 0.0
    return (band[1 if slope > 0 else 0] - level) / slope


def _due(crossing: Crossing) -> Due:
    def named(day: float) -> str | None:
        return text_of_day(day) if math.isfinite(day) and day < _FARTHEST_DAYS else None

    return Due(crossing.state, named(crossing.day), named(crossing.earliest), named(crossing.latest))


def _adjusted(p: Sequence[float], screened: int) -> list[float]:
    """Each p adjusted as if all ``screened`` had been tested, and those that were not had p = 1."""
    out, least = [1.0] * len(p), 1.0
    for place, number in enumerate(sorted(range(len(p)), key=p.__getitem__, reverse=True)):
        least = min(least, p[number] * screened / (len(p) - place))
        out[number] = least
    return out


def _urgency(one: Evidence) -> tuple[Any, ...]:
    """Degrading first; by the day of failing, of leaving "pass", then by how sure it is."""
    last = "9999"
    days = [last if due is None or due.at is None else due.at for due in (one.reaches_fail, one.leaves_pass)]
    return ((DEGRADES, DRIFTS, RECOVERS, STEADY).index(one.finding), *days, one.p)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
