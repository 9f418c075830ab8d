"""After values have left: buckets that are empty go, extremes that left are read anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from appliance.core.clock import rfc3339_us
from appliance.db.engine import Engine
from appliance.rollups.calendar import Calendar, moment_of
from appliance.rollups.folding import Leaving, Place
from appliance.rollups.lives import repairs_of, second
from appliance.rollups.records import LIFE
from appliance.spc.exact import nano

_KNOWN: Final = (
    "SELECT passed + failed + inconclusive + not_measured, measured, lowest, highest FROM rollup "
    "WHERE series = ? AND grain = ? AND bucket = ?"
)
_SERIES: Final = "SELECT characteristic_id, dimension, member FROM rollup_series WHERE id = ?"
_FORGET: Final = (
    "DELETE FROM rollup WHERE series = ? AND grain = ? AND bucket = ? "
    "AND passed + failed + inconclusive + not_measured = 0"
)
_FORGET_QUANTILES: Final = "DELETE FROM rollup_quantile WHERE series = ? AND grain = ? AND bucket = ? AND tally = 0"
_SET: Final = "UPDATE rollup SET lowest = ?, highest = ? WHERE series = ? AND grain = ? AND bucket = ?"
#: Of an asset: from its measurements.
_OF_ROWS: Final = (
    "SELECT MIN(value), MAX(value) FROM measurement WHERE characteristic_id = ? AND asset_id = ? "
    "AND measured_at >= ? AND measured_at < ? AND superseded_by IS NULL"
)
#: Of all assets of a part: from theirs.
_OF_ASSETS: Final = (
    "SELECT MIN(r.lowest), MAX(r.highest) FROM rollup_series s JOIN rollup r ON r.series = s.id "
    "WHERE s.characteristic_id = ? AND s.dimension = 'asset' AND r.grain = ? AND r.bucket = ?"
)
#: Of an instrument, an operator or a revision: from the measurements of the bucket's time.
_OF_MEMBER: Final = {
    name: (
        "SELECT MIN(value), MAX(value) FROM measurement WHERE characteristic_id = ? AND "
        f"{name}_id = ? AND measured_at >= ? AND measured_at < ? AND superseded_by IS NULL"
    )
    for name in ("instrument", "operator", "cad_revision")
}
_CONDITION: Final = (
    "SELECT entries, first_at, last_at FROM rollup_condition "
    "WHERE asset_id = ? AND cad_revision_id = ? AND instrument_id = ?"
)
_FORGET_CONDITION: Final = (
    "DELETE FROM rollup_condition WHERE asset_id = ? AND cad_revision_id = ? AND instrument_id = ?"
)
_MOMENTS: Final = (
    "SELECT MIN(measured_at), MAX(measured_at) FROM measurement WHERE asset_id = ? "
    "AND COALESCE(cad_revision_id, '') = ? AND COALESCE(instrument_id, '') = ? AND superseded_by IS NULL"
)
_SET_CONDITION: Final = (
    "UPDATE rollup_condition SET first_at = ?, last_at = ? "
    "WHERE asset_id = ? AND cad_revision_id = ? AND instrument_id = ?"
)
_END_OF_TIME: Final = "9999-12-31T23:59:59.999999Z"


def mend(database: Engine, calendar: Calendar, leaving: Sequence[Leaving]) -> None:
    """Put places right that measurements left, whose smallest and largest values were these.

    Raises
    ------
    RuntimeError : more left than was there
    """
    of_assets_first = sorted(leaving, key=lambda one: _dimension(database, one[0]) != "asset")
    for place, lowest, highest in of_assets_first:
        _mend_one(database, calendar, place, lowest, highest)


def mend_conditions(database: Engine, leaving: Sequence[tuple[tuple[str, str, str], str, str]]) -> None:
    """Put conditions right that measurements left, whose first and last moments were these."""
    for condition, first, last in leaving:
        [(entries, first_at, last_at)] = database.look_up(_CONDITION, *condition)
        if entries == 0:
            database.run(_FORGET_CONDITION, *condition)
        elif first == first_at or last == last_at:
            [(first_at, last_at)] = database.fetch(_MOMENTS, *condition)
            database.run(_SET_CONDITION, first_at, last_at, *condition)


def _mend_one(database: Engine, calendar: Calendar, place: Place, lowest: int | None, highest: int | None) -> None:
    [(entries, measured, low, high)] = database.look_up(_KNOWN, *place)
    if entries < 0 or measured < 0:
        raise RuntimeError(f"roll-up {place} lost more measurements than it had")
    database.run(_FORGET_QUANTILES, *place)
    if entries == 0:
        database.run(_FORGET, *place)
    elif measured == 0:
        database.run(_SET, None, None, *place)
    elif lowest is not None and (low == lowest or high == highest):
        database.run(_SET, *_extremes(database, calendar, place), *place)


def _extremes(database: Engine, calendar: Calendar, place: Place) -> tuple[int, int]:
    series, grain, bucket = place
    [(characteristic, dimension, member)] = database.look_up(_SERIES, series)
    if dimension == "part":
        [(low, high)] = database.fetch(_OF_ASSETS, characteristic, grain, bucket)
        return int(low), int(high)
    if grain == LIFE:
        since, until = _life(database, member, bucket)
    else:
        since, until = (rfc3339_us(moment_of(at)) for at in (bucket, calendar.end_of(grain, bucket)))
    query = _OF_ROWS if dimension == "asset" else _OF_MEMBER[dimension]
    [both] = database.fetch(query, characteristic, member, since, until)
    low, high = nano(both).tolist()
    return low, high


def _life(database: Engine, asset_id: str, bucket: int) -> tuple[str, str]:
    """When a life began and ended, RFC 3339."""
    repairs = repairs_of(database, asset_id)
    since = min((at for at in repairs if second(at) == bucket), default="")
    return since, min((at for at in repairs if second(at) > bucket), default=_END_OF_TIME)


def _dimension(database: Engine, place: Place) -> str:
    [(_, dimension, _)] = database.look_up(_SERIES, place[0])
    return str(dimension)
