"""Roll-ups kept in step with the measurements, inside the transaction that writes these.

``fold`` adds what now counts, ``take_out`` what counts no longer.  Sums and counts are taken out as they were put in.
Extremes cannot be: where the smallest or largest value of a bucket leaves, they are read anew, of an asset from its
measurements, of the others from the buckets of their assets.  A bucket that is left without measurements is gone.

The tables belong to one time zone and one way of folding (``VERSION``).  Where they are of others, or were never built
(an older database, an archive that was imported), whoever comes first builds them anew from all measurements.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Final

import numpy as np

from appliance.core.clock import rfc3339_us, utc_now
from appliance.db.bulk import Asked, Kind
from appliance.rollups import folding, statements
from appliance.rollups.blocks import Place, added
from appliance.rollups.calendar import Calendar, calendar_of
from appliance.rollups.extremes import Extremes, mend_conditions
from appliance.rollups.folding import Batch
from appliance.rollups.lives import asked_repairs, lives, repairs_among, second
from appliance.rollups.numbers import Numbers
from appliance.rollups.records import KEPT, LIFE, Counted, Dimension
from appliance.rollups.rows import all_counted, counted_of_asset
from appliance.rollups.scores import add_lines, asked_lines
from appliance.rollups.storing import (
    asked_sketches,
    asked_tallies,
    change_sketches,
    take_tallies,
    tallies_of,
    write_tallies,
)
from appliance.tenancy.scope import WorkspaceScope

#: The way of folding; another one asks for all roll-ups to be built anew.
VERSION: Final = 3
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


def fold(scope: WorkspaceScope, rows: Sequence[Counted], write: Callable[[], None]) -> None:
    """Add measurements, which ``write`` writes in the open transaction.

    It is called when all that is asked about them is known, so that a server writes while their parts are computed.

    Raises
    ------
    InvalidInput : a value is too large to be counted, or was measured at no moment that has a bucket
    """
    if not _is_built(scope):
        write()
        rebuild(scope)  # which finds these rows among the others
        return
    _add(scope, rows, Numbers(), write)


def take_out(scope: WorkspaceScope, rows: Sequence[Counted]) -> None:
    """Remove measurements that count no longer since the open transaction marked or deleted them."""
    with scope.transaction():
        if not _is_built(scope):
            rebuild(scope)
            return
        numbers, extremes = Numbers(), Extremes(scope.database, calendar_of(scope.settings.time_zone))
        for some in _portions(rows):
            batch, ends = _batch(scope, some, numbers)
            left = take_tallies(scope.database, *folding.tallies(batch, _MEMBERS), extremes.mend)
            take_tallies(scope.database, *folding.tallies(batch, _PARTS), extremes.mend)
            sketches, lines = folding.quantiles(batch), folding.lines(batch, -1)
            counts, moments = _read(scope, asked_sketches(list(sketches)), asked_lines(list(lines)))
            change_sketches(scope.database, sketches, counts, -1)
            add_lines(scope.database, lines, moments, left, ends)
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
            batch, ends = _batch(scope, page, numbers)
            places, gained = folding.tallies(batch, {"asset": (LIFE,)})
            lines = folding.lines(batch, 1)
            blocks, moments = _read(scope, asked_tallies(places), asked_lines(list(lines)))
            written = write_tallies(scope.database, places, added(tallies_of(places, blocks), gained))
            add_lines(scope.database, lines, moments, written, ends)


def _add(
    scope: WorkspaceScope, rows: Sequence[Counted], numbers: Numbers, write: Callable[[], None] = lambda: None
) -> None:
    """Ask first, then write: a server works on what it was told while this program computes what it is told next."""
    database = scope.database
    for number, some in enumerate(_portions(rows)):
        batch, ends = _batch(scope, some, numbers)
        (places, gained), sketches, lines = folding.tallies(batch), folding.quantiles(batch), folding.lines(batch, 1)
        asked = asked_tallies(places), asked_sketches(list(sketches)), asked_lines(list(lines))
        blocks, counts, moments = _read(scope, *asked)
        if number == 0:
            write()
        written = write_tallies(database, places, added(tallies_of(places, blocks), gained))
        change_sketches(database, sketches, counts, 1)
        add_lines(database, lines, moments, written, ends)
        _write_conditions(scope, some, 1)


def _read(scope: WorkspaceScope, *asked: Asked) -> list[dict[Place, bytes]]:
    return [statements.known(found) for found in scope.database.read_tables(*asked)]


def _is_built(scope: WorkspaceScope) -> bool:
    return scope.database.look_up(_STATE) == [(VERSION, scope.settings.time_zone)]


def _batch(scope: WorkspaceScope, rows: Sequence[Counted], numbers: Numbers) -> tuple[Batch, dict[int, int]]:
    """The columns of ``rows``, and the life of each asset (its number as an owner) that has not ended."""
    assets = {row.asset_id for row in rows}
    owners, slots, repaired = scope.database.read_tables(*numbers.asked(rows), asked_repairs(assets))
    numbers.learn(scope.database, rows, owners, slots)
    repairs = repairs_among(assets, repaired)
    moments = [row.measured_at for row in rows]
    buckets = calendar_of(scope.settings.time_zone).starts(moments)
    buckets[LIFE] = lives(rows, repairs)
    seconds = {moment: second(moment) for moment in set(moments)}
    batch = Batch.of(rows, numbers, buckets, np.array([seconds[moment] for moment in moments], dtype=np.int64))
    ends = {
        number: second(repairs[member][-1]) if repairs[member] else 0
        for (dimension, member, _), number in numbers.owners.items()
        if dimension == "asset" and member in repairs
    }
    return batch, ends


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
