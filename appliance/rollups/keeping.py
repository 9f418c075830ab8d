"""Roll-ups kept in step with the measurements, inside the transaction that writes these.

``fold`` adds what now counts, ``take_out`` what counts no longer.  Sums and counts are taken out as they were put in.
Extremes cannot be: where the smallest or largest value of a bucket leaves, they are read anew, of an asset from its
measurements, of the others from the buckets of their assets.  A bucket that is left without measurements is gone.

The tables belong to one time zone and one way of folding (``VERSION``).  Where they are of others, or were never built
(an older database, an archive that was imported), whoever comes first builds them anew from all measurements.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final

import numpy as np

from appliance.core.clock import rfc3339_us, utc_now
from appliance.db.bulk import Kind
from appliance.rollups import folding, statements
from appliance.rollups.calendar import Calendar, calendar_of
from appliance.rollups.extremes import mend, mend_conditions
from appliance.rollups.folding import Batch, SeriesKey
from appliance.rollups.lives import lives, repairs_of, repairs_of_all, second
from appliance.rollups.records import LIFE, Counted
from appliance.rollups.rows import all_counted, counted_of_asset
from appliance.rollups.scores import add_lines
from appliance.tenancy.scope import WorkspaceScope

#: The way of folding; another one asks for all roll-ups to be built anew.
VERSION: Final = 1
#: Measurements that are folded at a time: their parts take about 4 kB each.
_AT_ONCE: Final = 20_000
_STATE: Final = "SELECT version, time_zone FROM rollup_state"
_SERIES: Final = "SELECT id, characteristic_id FROM rollup_series WHERE dimension = ? AND member = ?"
_LAST_SERIES: Final = "SELECT COALESCE(MAX(id), 0) FROM rollup_series"
_CLEAR: Final = (
    "DELETE FROM rollup", "DELETE FROM rollup_quantile", "DELETE FROM rollup_line", "DELETE FROM rollup_condition",
    "DELETE FROM rollup_state",
)  # fmt: skip
_ENDED_LIVES: Final = (
    "DELETE FROM rollup WHERE grain = 3 AND series IN (SELECT id FROM rollup_series WHERE dimension = 'asset' "
    "AND member = ?)",
    "DELETE FROM rollup_line WHERE series IN (SELECT id FROM rollup_series WHERE dimension = 'asset' AND member = ?)",
)


def fold(scope: WorkspaceScope, rows: Sequence[Counted]) -> None:
    """Add measurements that were written in the open transaction.

    Raises
    ------
    InvalidInput : a value is too large to be counted, or was measured at no moment that has a bucket
    """
    with scope.transaction():
        if not _is_built(scope):
            rebuild(scope)  # which finds these rows among the others
            return
        _add(scope, rows, {})


def take_out(scope: WorkspaceScope, rows: Sequence[Counted]) -> None:
    """Remove measurements that count no longer since the open transaction marked or deleted them."""
    with scope.transaction():
        if not _is_built(scope):
            rebuild(scope)
            return
        for some in _portions(rows):
            batch, series = _batch(scope, some), _series(scope, some, {})
            leaving = list(folding.extremes(batch, series))
            _write(scope, batch, series, -1)
            mend(scope.database, calendar_of(scope.settings.time_zone), leaving)
            mend_conditions(scope.database, [((*row[:3],), row[4], row[5]) for row in _conditions(batch, -1)])


def rebuild(scope: WorkspaceScope) -> int:
    """Build all roll-ups anew from the measurements that count; returns how many these are.

    Memory: that of 20,000 measurements, about 100 MB.  Writers wait until it has ended.
    """
    count, known = 0, dict[SeriesKey, int]()
    with scope.transaction():
        for statement in _CLEAR:
            scope.database.run(statement)
        for page in all_counted(scope.database):
            _add(scope, page, known)
            count += len(page)
        now = rfc3339_us(utc_now())
        columns: dict[str, Kind] = {
            "one": "integer", "version": "integer", "time_zone": "text", "built_at": "text",
        }  # fmt: skip
        scope.database.write_rows("rollup_state", columns, [(1, VERSION, scope.settings.time_zone, now)])
    return count


def ensure_built(scope: WorkspaceScope) -> Calendar:
    """Build the roll-ups where there are none of this version and zone; returns the calendar of their buckets."""
    with scope:
        is_built = _is_built(scope)
    if not is_built:
        with scope.transaction():
            if not _is_built(scope):
                rebuild(scope)
    return calendar_of(scope.settings.time_zone)


def refold_lives(scope: WorkspaceScope, asset_id: str) -> None:
    """Cut the series of an asset into lives anew, after one of its repairs came to be known."""
    with scope.transaction():
        if not _is_built(scope):
            rebuild(scope)
            return
        for statement in _ENDED_LIVES:
            scope.database.run(statement, asset_id)
        known: dict[SeriesKey, int] = {}
        for page in counted_of_asset(scope.database, asset_id):
            batch, series = _batch(scope, page), _series(scope, page, known)
            _write_lives(scope, batch, series)


def _add(scope: WorkspaceScope, rows: Sequence[Counted], known: dict[SeriesKey, int]) -> None:
    for some in _portions(rows):
        _write(scope, _batch(scope, some), _series(scope, some, known), 1)


def _is_built(scope: WorkspaceScope) -> bool:
    return scope.database.look_up(_STATE) == [(VERSION, scope.settings.time_zone)]


def _batch(scope: WorkspaceScope, rows: Sequence[Counted]) -> Batch:
    moments = [row.measured_at for row in rows]
    buckets = calendar_of(scope.settings.time_zone).starts(moments)
    buckets[LIFE] = lives(rows, repairs_of_all(scope.database, rows))
    return Batch.of(rows, buckets, np.array([second(moment) for moment in moments], dtype=np.int64))


def _write(scope: WorkspaceScope, batch: Batch, series: dict[SeriesKey, int], sign: int) -> None:
    database = scope.database
    tallies, quantiles = folding.tallies(batch, series, sign), folding.quantiles(batch, series, sign)
    database.write_columns("rollup", statements.TALLIES, tallies, statements.ADD_TALLIES)
    database.write_columns("rollup_quantile", statements.QUANTILES, quantiles, statements.ADD_QUANTILES)
    database.write_rows("rollup_condition", statements.CONDITIONS, _conditions(batch, sign), statements.ADD_CONDITIONS)
    _write_lines(scope, batch, series, sign)


def _write_lives(scope: WorkspaceScope, batch: Batch, series: dict[SeriesKey, int]) -> None:
    tallies = folding.tallies(batch, series, 1, {"asset": (LIFE,)})
    scope.database.write_columns("rollup", statements.TALLIES, tallies, statements.ADD_TALLIES)
    _write_lines(scope, batch, series, 1)


def _write_lines(scope: WorkspaceScope, batch: Batch, series: dict[SeriesKey, int], sign: int) -> None:
    assets = {series[row.characteristic_id, "asset", row.asset_id]: row.asset_id for row in batch.rows}
    ends = {asset: repairs_of(scope.database, asset) for asset in set(assets.values())}
    current = {one: second(ends[asset][-1]) if ends[asset] else 0 for one, asset in assets.items()}
    add_lines(scope.database, folding.lines(batch, series, sign), current)


def _conditions(batch: Batch, sign: int) -> list[tuple[str, str, str, int, str, str]]:
    """Rows of ``rollup_condition``; moments of what leaves change nothing there."""

    def key(row: Counted) -> tuple[str, str, str]:
        return row.asset_id, row.cad_revision_id or "", row.instrument_id or ""

    found = []
    for condition, members in groupby(sorted(batch.rows, key=key), key):
        moments = [row.measured_at for row in members]
        found.append((*condition, sign * len(moments), min(moments), max(moments)))
    return found


def _series(scope: WorkspaceScope, rows: Sequence[Counted], known: dict[SeriesKey, int]) -> dict[SeriesKey, int]:
    """The numbers of all series of ``rows``; those that are new get one.  ``known`` is added to."""
    missing = sorted(folding.series_of(rows) - known.keys(), key=lambda key: key[1:])
    for (dimension, member), _ in groupby(missing, lambda key: key[1:]):
        found = scope.database.look_up(_SERIES, dimension, member)
        known.update({(characteristic, dimension, member): number for number, characteristic in found})
    new = [key for key in missing if key not in known]
    if new:
        [(last,)] = scope.database.look_up(_LAST_SERIES)
        numbered = [(last + 1 + place, *key) for place, key in enumerate(new)]
        scope.database.write_rows("rollup_series", statements.SERIES, numbered)
        known.update(zip(new, (number for number, *_ in numbered), strict=True))
    return known


def _portions(rows: Sequence[Counted]) -> Iterable[Sequence[Counted]]:
    return (rows[start : start + _AT_ONCE] for start in range(0, len(rows), _AT_ONCE))
