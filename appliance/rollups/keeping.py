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
from appliance.rollups.extremes import Extremes, mend_conditions
from appliance.rollups.folding import Batch
from appliance.rollups.lives import lives, repairs_of_each, second
from appliance.rollups.numbers import Numbers
from appliance.rollups.records import KEPT, LIFE, Counted, Dimension
from appliance.rollups.rows import all_counted, counted_of_asset
from appliance.rollups.scores import add_lines
from appliance.rollups.storing import add_tallies, change_sketches, take_tallies
from appliance.tenancy.scope import WorkspaceScope

#: The way of folding; another one asks for all roll-ups to be built anew.
VERSION: Final = 2
#: Measurements that are folded at a time: their parts take about 4 kB each at most.
_AT_ONCE: Final = 20_000
#: What is taken out first, and what is read from it then.
_PARTS: Final[dict[Dimension, tuple[int, ...]]] = {"part": KEPT["part"]}
_MEMBERS: Final[dict[Dimension, tuple[int, ...]]] = {
    dimension: grains for dimension, grains in KEPT.items() if dimension != "part"
}
_STATE: Final = "SELECT version, time_zone FROM rollup_state"
_CLEAR: Final = (
    "DELETE FROM rollup", "DELETE FROM rollup_quantile", "DELETE FROM rollup_line", "DELETE FROM rollup_condition",
    "DELETE FROM rollup_state",
)  # fmt: skip
_ENDED_LIVES: Final = tuple(
    f"DELETE FROM {table} WHERE grain = 3 AND owner IN "
    "(SELECT id FROM rollup_owner WHERE dimension = 'asset' AND member = ?)"
    for table in ("rollup", "rollup_line")
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
        _add(scope, rows, Numbers())


def take_out(scope: WorkspaceScope, rows: Sequence[Counted]) -> None:
    """Remove measurements that count no longer since the open transaction marked or deleted them."""
    with scope.transaction():
        if not _is_built(scope):
            rebuild(scope)
            return
        numbers, extremes = Numbers(), Extremes(scope.database, calendar_of(scope.settings.time_zone))
        for some in _portions(rows):
            batch = _batch(scope, some, numbers)
            for kept in (_MEMBERS, _PARTS):
                take_tallies(scope.database, *folding.tallies(batch, kept), extremes.mend)
            change_sketches(scope.database, folding.quantiles(batch), -1)
            _write_lines(scope, batch, numbers, -1)
            mend_conditions(scope.database, _write_conditions(scope, some, -1))


def rebuild(scope: WorkspaceScope) -> int:
    """Build all roll-ups anew from the measurements that count; returns how many these are.

    Memory: that of 20,000 measurements, about 100 MB.  Writers wait until it has ended.
    """
    count, numbers = 0, Numbers()
    with scope.transaction():
        for statement in _CLEAR:
            scope.database.run(statement)
        for page in all_counted(scope.database):
            _add(scope, page, numbers)
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
        numbers = Numbers()
        for page in counted_of_asset(scope.database, asset_id):
            batch = _batch(scope, page, numbers)
            add_tallies(scope.database, *folding.tallies(batch, {"asset": (LIFE,)}))
            _write_lines(scope, batch, numbers, 1)


def _add(scope: WorkspaceScope, rows: Sequence[Counted], numbers: Numbers) -> None:
    for some in _portions(rows):
        batch = _batch(scope, some, numbers)
        add_tallies(scope.database, *folding.tallies(batch))
        change_sketches(scope.database, folding.quantiles(batch), 1)
        _write_lines(scope, batch, numbers, 1)
        _write_conditions(scope, some, 1)


def _is_built(scope: WorkspaceScope) -> bool:
    return scope.database.look_up(_STATE) == [(VERSION, scope.settings.time_zone)]


def _batch(scope: WorkspaceScope, rows: Sequence[Counted], numbers: Numbers) -> Batch:
    numbers.learn(scope.database, rows)
    moments = [row.measured_at for row in rows]
    buckets = calendar_of(scope.settings.time_zone).starts(moments)
    buckets[LIFE] = lives(rows, repairs_of_each(scope.database, {row.asset_id for row in rows}))
    seconds = {moment: second(moment) for moment in set(moments)}
    return Batch.of(rows, numbers, buckets, np.array([seconds[moment] for moment in moments], dtype=np.int64))


def _write_lines(scope: WorkspaceScope, batch: Batch, numbers: Numbers, sign: int) -> None:
    assets = {number: member for (dimension, member, _), number in numbers.owners.items() if dimension == "asset"}
    gained = folding.lines(batch, sign)
    repairs = repairs_of_each(scope.database, {assets[place[0]] for place in gained})
    ends = {place[0]: repairs[assets[place[0]]] for place in gained}
    add_lines(scope.database, gained, {owner: second(own[-1]) if own else 0 for owner, own in ends.items()})


def _write_conditions(
    scope: WorkspaceScope, rows: Sequence[Counted], sign: int
) -> list[tuple[tuple[str, str, str], str, str]]:
    """Count measurements of each condition; returns these with first and last moment of ``rows``."""

    def key(row: Counted) -> tuple[str, str, str]:
        return row.asset_id, row.cad_revision_id or "", row.instrument_id or ""

    written, changed = [], []
    for condition, members in groupby(sorted(rows, key=key), key):
        moments = [row.measured_at for row in members]
        first, last = min(moments), max(moments)
        written.append((*condition, sign * len(moments), first, last))
        changed.append((condition, first, last))
    scope.database.write_rows("rollup_condition", statements.CONDITIONS, written, statements.ADD_CONDITIONS)
    return changed


def _portions(rows: Sequence[Counted]) -> Iterable[Sequence[Counted]]:
    return (rows[start : start + _AT_ONCE] for start in range(0, len(rows), _AT_ONCE))
