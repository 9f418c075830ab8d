"""Roll-ups read: buckets of one series, or of all members of a characteristic.

A question reads at most ``MOST`` buckets, which bounds its memory (about 20 MB); it is refused beyond, never cut.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

import numpy as np

from appliance.db.engine import Engine
from appliance.errors import InvalidInput
from appliance.rollups.blocks import DECIDED, MEASURED, SLOT_BYTES, SLOTS, TOTAL, decoded, gathered, tally_of
from appliance.rollups.calendar import Calendar
from appliance.rollups.numbers import part_and_slot
from appliance.rollups.records import DAY, QUANTILES, WEEK, Dimension, Tally
from appliance.rollups.storing import counts_of
from appliance.spc.exact import LIMB_BITS
from appliance.spc.sketch import QuantileSketch

#: Buckets that one question reads.
MOST: Final = 50_000
#: Blocks that one question reads as a whole.
MOST_BLOCKS: Final = 10_000
#: Days of one of many series.
MOST_DAYS: Final = 1_000
#: How many values, and their sum in nano-units.
Summed: TypeAlias = tuple[int, int]
#: All of time, in seconds since 1970.
BEGINNING: Final = -(1 << 40)
END: Final = 1 << 40

#: Bytes of one slot of a block, and whether it holds anything.
_SLOT: Final = f"substr(r.tallies, ?, {SLOT_BYTES})"
_IS_THERE: Final = "(r.present >> ?) & 1 = 1"
_OF_CHARACTERISTIC: Final = (
    f"SELECT o.member, {_SLOT} FROM rollup_owner o JOIN rollup r ON r.owner = o.id WHERE o.part_id = ? "
    f"AND o.dimension = ? AND r.grain = ? AND r.chunk = ? AND r.bucket >= ? AND r.bucket < ? AND {_IS_THERE} LIMIT ?"
)
_OWNER: Final = "SELECT id FROM rollup_owner WHERE dimension = ? AND member = ? AND part_id = ?"
_OF_SERIES: Final = (
    f"SELECT r.bucket, {_SLOT} FROM rollup r WHERE r.owner = ? AND r.grain = ? AND r.chunk = ? AND r.bucket >= ? "
    f"AND r.bucket < ? AND {_IS_THERE} ORDER BY r.bucket LIMIT ?"
)
#: The days of one of many series: characteristic, asset, and since when.
_DAYS: Final = (
    f"SELECT r.bucket, substr(r.tallies, CAST(s.slot % {SLOTS} AS INTEGER) * {SLOT_BYTES} + 1, {SLOT_BYTES}) "
    "FROM rollup_slot s CROSS JOIN rollup_owner o CROSS JOIN rollup r WHERE s.characteristic_id = ? "
    "AND o.dimension = 'asset' AND o.member = ? AND o.part_id = s.part_id AND r.owner = o.id "
    f"AND r.grain = {DAY} AND r.chunk = s.slot / {SLOTS} AND r.bucket >= ? "
    f"AND (r.present >> CAST(s.slot % {SLOTS} AS INTEGER)) & 1 = 1 ORDER BY r.bucket LIMIT {MOST_DAYS + 1}"
)
_SKETCH: Final = (
    "SELECT r.counts FROM rollup_quantile r WHERE r.owner = ? AND r.grain = ? AND r.chunk = ? AND r.bucket >= ? "
    "AND r.bucket < ?"
)
_OF_MEMBER: Final = (
    "SELECT o.part_id, r.chunk, r.tallies FROM rollup_owner o JOIN rollup r ON r.owner = o.id WHERE o.dimension = ? "
    "AND o.member = ? AND r.grain = ? AND r.bucket >= ? AND r.bucket < ? LIMIT ?"
)
_SLOTS: Final = "SELECT slot, characteristic_id FROM rollup_slot WHERE part_id = ?"


def of_characteristic(
    database: Engine, characteristic: str, dimension: Dimension, grain: int, since: int = BEGINNING, until: int = END
) -> dict[str, Tally]:
    """Every member of a dimension, its buckets added; raises as ``of_series``."""
    place = part_and_slot(database, characteristic)
    if place is None:
        return {}
    part, slot = place
    chunk, cell = divmod(slot, SLOTS)
    rows = database.look_up(
        _OF_CHARACTERISTIC, _first_byte(cell), part, dimension, grain, chunk, since, until, cell, MOST + 1
    )
    _check(rows, MOST)
    members = defaultdict[str, list[bytes]](list)
    for member, data in rows:
        members[member].append(data)
    return {} if not members else dict(zip(members, map(tally_of, gathered(list(members.values()))[:, 0]), strict=True))


def of_series(
    database: Engine,
    calendar: Calendar,
    characteristic: str,
    dimension: Dimension,
    member: str,
    grain: int,
    since: int = BEGINNING,
    until: int = END,
    most: int = MOST,
) -> dict[int, Tally]:
    """Buckets of one series in the order of time; weeks are merged from their days.

    Raises
    ------
    InvalidInput : there are more than ``most`` in the tables
    """
    found: dict[int, Tally] = {}
    for bucket, data in _rows(database, characteristic, dimension, member, grain, since, until, most):
        tally = tally_of(decoded(data)[0])
        place = calendar.week_of(bucket) if grain == WEEK else bucket
        found[place] = found[place] + tally if place in found else tally
    return found


def sums_of(database: Engine, characteristic: str, asset: str, grain: int, since: int, most: int) -> dict[int, Summed]:
    """Number and sum of the values of an asset by bucket, in nano-units, in the order of time; buckets without values
    are left out, and so is whatever else a tally holds.  Raises as ``of_series``."""
    return _sums(_rows(database, characteristic, "asset", asset, grain, since, END, most))


def days_of_each(database: Engine, series: Sequence[tuple[str, str, int]]) -> list[dict[int, Summed] | None]:
    """The same by day, of each of many series (characteristic, asset, and since when); None where there are more than
    ``MOST_DAYS``."""
    found = database.look_up_each(_DAYS, ("text", "text", "integer"), series)
    return [None if len(rows) > MOST_DAYS else _sums(rows) for rows in found]


def _sums(rows: Sequence[tuple[Any, ...]]) -> dict[int, Summed]:
    slots = decoded(b"".join(data for _, data in rows))
    high, low = (slots[:, column].tolist() for column in range(*TOTAL.indices(slots.shape[1])))
    return {
        bucket: (count, (upper << LIMB_BITS) + lower)
        for (bucket, _), count, upper, lower in zip(rows, slots[:, MEASURED].tolist(), high, low, strict=True)
        if count
    }


def in_weeks(calendar: Calendar, days: Mapping[int, Summed]) -> dict[int, Summed]:
    """Days added to their weeks."""
    found: dict[int, Summed] = {}
    for day, (count, total) in days.items():
        week = calendar.week_of(day)
        before = found.get(week, (0, 0))
        found[week] = before[0] + count, before[1] + total
    return found


def means_of(sums: Mapping[int, Summed]) -> dict[int, float]:
    """The mean of each bucket."""
    return {bucket: total / count for bucket, (count, total) in sums.items()}


def of_member(
    database: Engine, dimension: Dimension, member: str, grain: int, since: int, until: int
) -> dict[str, Tally]:
    """Every characteristic of a member, its buckets added; memory is that of ``MOST_BLOCKS``, at most 50 MB.

    Raises
    ------
    InvalidInput : it needs more than ``MOST_BLOCKS`` blocks
    """
    rows = database.look_up(_OF_MEMBER, dimension, member, grain, since, until, MOST_BLOCKS + 1)
    _check(rows, MOST_BLOCKS)
    chunks = defaultdict[tuple[str, int], list[bytes]](list)
    for part, chunk, data in rows:
        chunks[part, chunk].append(data)
    names = {part: dict(database.look_up(_SLOTS, part)) for part in {part for part, _ in chunks}}
    return {
        names[part][chunk * SLOTS + cell]: tally_of(block[cell])
        for (part, chunk), block in zip(chunks, gathered(list(chunks.values())) if chunks else (), strict=True)
        for cell in np.flatnonzero(block[:, DECIDED].any(axis=1)).tolist()
    }


def sketch_of(
    database: Engine, characteristic: str, dimension: Dimension, member: str, since: int, until: int
) -> QuantileSketch:
    """The sketch of the values of whole days of a part, or whole months of an asset."""
    series = _series(database, characteristic, dimension, member)
    if series is None:
        return QuantileSketch()
    owner, chunk, cell = series
    rows = database.look_up(_SKETCH, owner, QUANTILES[dimension], chunk, since, until)
    return QuantileSketch(counts_of(b"".join(data for (data,) in rows), cell))


def _check(rows: list[tuple[Any, ...]], most: int) -> None:
    if len(rows) > most:
        hint = "Ask for a shorter time, longer buckets, or one part."
        raise InvalidInput("trends.too_much", f"This question needs more than {most} buckets.", hint)


def _rows(
    database: Engine, characteristic: str, dimension: Dimension, member: str, grain: int, since: int, until: int,
    most: int,
) -> list[tuple[Any, ...]]:  # fmt: skip
    """Buckets of a series, and what is stored of it, in order; of weeks, their days."""
    series = _series(database, characteristic, dimension, member)
    if series is None:
        return []
    owner, chunk, cell = series
    kept = DAY if grain == WEEK else grain
    rows = database.look_up(_OF_SERIES, _first_byte(cell), owner, kept, chunk, since, until, cell, most + 1)
    _check(rows, most)
    return rows


def _series(database: Engine, characteristic: str, dimension: Dimension, member: str) -> tuple[int, int, int] | None:
    """Owner, chunk and slot of the chunk; None where nothing was ever measured.

    Two questions, each of one index: a join might be planned from the wrong end.
    """
    place = part_and_slot(database, characteristic)
    owner = database.look_up(_OWNER, dimension, member, place[0]) if place else []
    return (owner[0][0], *divmod(place[1], SLOTS)) if place and owner else None


def _first_byte(cell: int) -> int:
    """Where a slot begins in a block, from 1."""
    return cell * SLOT_BYTES + 1
