"""The series of one characteristic of one asset, as trends are computed from it: values or means, and breaks.

Of a life with at most ``MOST_POINTS`` values every one is read; else the means of its hours, days, weeks or months, the
shortest that are at most so many, and of more months than that the latest.  So memory and time do not grow with rows.

Breaks: a *repair* is what somebody recorded; a *CAD change* is when the asset was first measured against another
revision, a *recalibration* when it was first measured with another instrument or another revision of its statement.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from appliance.db.engine import Engine
from appliance.errors import InvalidInput
from appliance.rollups.calendar import Calendar, moment_of
from appliance.rollups.lives import repairs_of_each, second
from appliance.rollups.reading import MOST, Summed, days_of_each, in_weeks, means_of, sums_of
from appliance.rollups.records import DAY, HOUR, MONTH, WEEK
from appliance.spc.exact import NANO
from appliance.spc.series import CAD_CHANGE, RECALIBRATION, REPAIR, Break, Series, series_of
from appliance.tenancy.scope import WorkspaceScope

#: Points of one series: 8,128 pairs, a millisecond.
MOST_POINTS: Final = 128
DAY_S: Final = 86_400.0
_NAMES: Final = {HOUR: "hour", DAY: "day", WEEK: "week", MONTH: "month"}
_VALUES: Final = (
    "SELECT measured_at, value, u FROM measurement WHERE characteristic_id = ? AND asset_id = ? AND measured_at >= ? "
    f"AND superseded_by IS NULL AND value IS NOT NULL ORDER BY measured_at, id LIMIT {MOST_POINTS}"
)
_LATEST: Final = (
    "SELECT lower, upper, u, value, measured_at, name, zone, unit, instrument_id, cad_revision_id FROM measurement "
    "WHERE characteristic_id = ? AND asset_id = ? AND superseded_by IS NULL AND value IS NOT NULL "
    "ORDER BY measured_at DESC, id DESC LIMIT 1"
)
_POINTS: Final = (
    "SELECT measured_at, value, expanded, lower, upper, decision, inspection_id, instrument_id FROM measurement "
    "WHERE characteristic_id = ? AND asset_id = ? AND superseded_by IS NULL AND value IS NOT NULL "
    "ORDER BY measured_at DESC, id DESC LIMIT ?"
)
_CONDITIONS: Final = (
    "SELECT cad_revision_id, instrument_id, first_at FROM rollup_condition WHERE asset_id = ? ORDER BY first_at"
)


@dataclass(frozen=True)
class Latest:
    """The newest value of a characteristic of an asset, and by what it was judged; None where there is none."""

    lower: float | None
    upper: float | None
    u: float | None
    value: float
    measured_at: str
    name: str
    zone: str
    unit: str
    instrument_id: str | None
    cad_revision_id: str | None


@dataclass(frozen=True)
class MeasuredPoint:
    """One value of a series, ``expanded`` its U, with its limits, what was decided, and the inspection that says so."""

    measured_at: str
    value: float
    expanded: float | None
    lower: float | None
    upper: float | None
    decision: str
    inspection_id: str
    instrument_id: str | None = None


@dataclass(frozen=True)
class History:
    """A series, days since 1970, with what its points are: ``value`` of single ones, else means of an ``hour``, ..."""

    series: Series
    points: str
    since: str


def latest_of(database: Engine, series: Sequence[tuple[str, str]]) -> list[Latest | None]:
    """The newest measurement that has a value and counts, of each series: a characteristic and an asset."""
    found = database.look_up_each(_LATEST, ("text", "text"), series)
    return [Latest(*rows[0]) if rows else None for rows in found]


def latest_points(scope: WorkspaceScope, characteristic: str, asset: str, most: int) -> list[MeasuredPoint]:
    """The latest ``most`` values that count, in order of time."""
    with scope:
        rows = scope.database.look_up(_POINTS, characteristic, asset, most)
    return [MeasuredPoint(*row) for row in reversed(rows)]


def breaks_of(database: Engine, asset: str) -> tuple[Break, ...]:
    """The breaks of all series of an asset, in order of time."""
    return breaks_of_each(database, [asset])[asset]


def breaks_of_each(database: Engine, assets: Sequence[str]) -> dict[str, tuple[Break, ...]]:
    """The same of each of many assets."""
    repairs = repairs_of_each(database, assets)
    conditions = database.look_up_each(_CONDITIONS, ("text",), [(asset,) for asset in assets])
    return {asset: _breaks(repairs[asset], rows) for asset, rows in zip(assets, conditions, strict=True)}


def _breaks(repairs: Sequence[str], conditions: Sequence[tuple[str, str, str]]) -> tuple[Break, ...]:
    found = [Break(_days(second(at)), REPAIR) for at in repairs]
    known: tuple[set[str], set[str]] = set(), set()
    for *condition, first_at in conditions:
        for kind, one, before in zip((CAD_CHANGE, RECALIBRATION), condition, known, strict=True):
            if before and one not in before:
                found.append(Break(_days(second(first_at)), kind))
            before.add(one)
    return tuple(sorted(found, key=lambda one: one.at_days))


class Asked(NamedTuple):
    """The current life of a characteristic of an asset: ``life`` since 1970, with ``measured`` values, and the breaks
    of the asset; of its repairs only that which began the life stays."""

    characteristic_id: str
    asset_id: str
    measured: int
    life: int
    breaks: tuple[Break, ...]


def histories_of(database: Engine, calendar: Calendar, asked: Sequence[Asked]) -> list[History | None]:
    """The series of each of many lives; None where there is none.  Memory: 1,000 days of each."""
    found: list[History | None] = [None] * len(asked)
    few = [place for place, one in enumerate(asked) if one.measured <= MOST_POINTS]
    many = [place for place, one in enumerate(asked) if one.measured > MOST_POINTS]
    keys = [(asked[place].characteristic_id, asked[place].asset_id, _since(asked[place])) for place in few]
    for place, rows in zip(few, database.look_up_each(_VALUES, ("text",) * 3, keys), strict=True):
        found[place] = _history([(second(at), value) for at, value, _ in rows], "value", asked[place])
    series = [(asked[place].characteristic_id, asked[place].asset_id, asked[place].life) for place in many]
    for place, days in zip(many, days_of_each(database, series), strict=True):
        for grain, means in _means(database, calendar, asked[place], days):
            if means is not None and (len(means) <= MOST_POINTS or grain == MONTH):
                placed = _placed(calendar, grain, means)[-MOST_POINTS:]
                found[place] = _history(placed, _NAMES[grain], asked[place])
                break
    return found


def _means(
    database: Engine, calendar: Calendar, asked: Asked, days: dict[int, Summed] | None
) -> Iterator[tuple[int, dict[int, float] | None]]:
    """Means of the buckets that lie in a life as a whole, by grain, the shortest first; None: too many to read.

    Days are known, once for them and their weeks: where they are too many, hours are too.
    """

    def read(grain: int, most: int) -> dict[int, float] | None:
        try:
            return means_of(sums_of(database, asked.characteristic_id, asked.asset_id, grain, asked.life, most))
        except InvalidInput:
            return None

    if days is not None and len(days) <= MOST_POINTS:
        yield HOUR, read(HOUR, MOST_POINTS)
    if days is not None:
        yield DAY, means_of(days)
        yield WEEK, means_of(in_weeks(calendar, days))
    yield MONTH, read(MONTH, MOST)


def _placed(calendar: Calendar, grain: int, means: Mapping[int, float]) -> list[tuple[int, float]]:
    """Means at the middle of their buckets."""
    return [((bucket + calendar.end_of(grain, bucket)) // 2, mean / NANO) for bucket, mean in means.items()]


def _history(points: Sequence[tuple[int, float]], kind: str, asked: Asked) -> History | None:
    if not points:
        return None
    times, values = zip(*points, strict=True)
    breaks = tuple(one for one in asked.breaks if one.kind != REPAIR or one.at_days <= _days(asked.life))
    return History(series_of([_days(at) for at in times], values, None, breaks), kind, _since(asked))


def _since(asked: Asked) -> str:
    return _text(asked.life) if asked.life else ""


def text_of_day(day: float) -> str:
    """A day of a series as RFC 3339."""
    return _text(round(day * DAY_S))


def day_of(moment: str) -> float:
    """The day of a moment in RFC 3339."""
    return _days(second(moment))


def _days(seconds: int) -> float:
    return seconds / DAY_S


def _text(seconds: int) -> str:
    return moment_of(seconds).strftime("%Y-%m-%dT%H:%M:%SZ")
