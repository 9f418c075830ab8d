"""Roll-ups read: buckets of one series, or of all members of a characteristic.

A question reads at most ``MOST`` buckets, which bounds its memory (about 20 MB); it is refused beyond, never cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from appliance.db.engine import Engine
from appliance.errors import InvalidInput
from appliance.rollups.calendar import Calendar
from appliance.rollups.records import DAY, WEEK, Dimension, Tally
from appliance.spc.exact import ExactSums
from appliance.spc.sketch import QuantileSketch

#: Buckets that one question reads.
MOST: Final = 50_000
#: All of time, in seconds since 1970.
BEGINNING: Final = -(1 << 40)
END: Final = 1 << 40

_TALLY: Final = (
    "r.bucket, r.measured, r.total_high, r.total_low, r.squares_high, r.squares_low, r.lowest, r.highest, r.passed, "
    "r.failed, r.inconclusive, r.not_measured, r.below, r.above"
)
_OF_CHARACTERISTIC: Final = (
    f"SELECT s.characteristic_id, s.member, {_TALLY} FROM rollup_series s JOIN rollup r ON r.series = s.id "
    "WHERE s.characteristic_id = ? AND s.dimension = ? AND r.grain = ? AND r.bucket >= ? AND r.bucket < ? LIMIT ?"
)
#: Two questions, each of one index: a join might be planned from the wrong end.
_SERIES: Final = "SELECT id FROM rollup_series WHERE characteristic_id = ? AND dimension = ? AND member = ?"
_OF_SERIES: Final = (
    f"SELECT '', '', {_TALLY} FROM rollup r WHERE r.series = ? AND r.grain = ? AND r.bucket >= ? AND r.bucket < ? "
    "ORDER BY r.bucket LIMIT ?"
)
_SKETCH: Final = (
    "SELECT r.place, SUM(r.tally) FROM rollup_series s JOIN rollup_quantile r ON r.series = s.id "
    "WHERE s.characteristic_id = ? AND s.dimension = ? AND s.member = ? AND r.bucket >= ? AND r.bucket < ? "
    "GROUP BY r.place"
)

#: (characteristic, member, bucket) -> what is known of it.
Buckets = Mapping[tuple[str, str, int], Tally]


def of_characteristic(
    database: Engine, characteristic: str, dimension: Dimension, grain: int, since: int = BEGINNING, until: int = END
) -> Buckets:
    """Buckets of every member of a dimension; raises as ``of_series``."""
    rows = database.look_up(_OF_CHARACTERISTIC, characteristic, dimension, grain, since, until, MOST + 1)
    _check(rows, MOST)
    return _buckets(rows)


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
    kept = DAY if grain == WEEK else grain
    number = database.look_up(_SERIES, characteristic, dimension, member)
    rows = database.look_up(_OF_SERIES, number[0][0], kept, since, until, most + 1) if number else []
    _check(rows, most)
    found: dict[int, Tally] = {}
    for (_, _, bucket), tally in sorted(_buckets(rows).items()):
        place = calendar.week_of(bucket) if grain == WEEK else bucket
        found[place] = found[place] + tally if place in found else tally
    return found


def sketch_of(
    database: Engine, characteristic: str, dimension: Dimension, member: str, since: int, until: int
) -> QuantileSketch:
    """The sketch of the values of whole days of a part, or whole months of an asset."""
    rows = database.fetch(_SKETCH, characteristic, dimension, member, since, until)
    return QuantileSketch({int(place): int(tally) for place, tally in rows})


def total(tallies: Iterable[Tally]) -> Tally:
    """All of them together."""
    whole = Tally()
    for tally in tallies:
        whole += tally
    return whole


def _check(rows: list[tuple[Any, ...]], most: int) -> None:
    if len(rows) > most:
        hint = "Ask for a shorter time, longer buckets, or one part."
        raise InvalidInput("trends.too_much", f"This question needs more than {most} buckets.", hint)


def _buckets(rows: list[tuple[Any, ...]]) -> Buckets:
    return {(row[0], row[1], row[2]): _tally(row) for row in rows}


def _tally(row: tuple[Any, ...]) -> Tally:
    return Tally(ExactSums.from_limbs(*row[3:8]), *row[8:])
