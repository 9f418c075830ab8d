"""Roll-ups read: buckets of one series, of all members of a characteristic, of all characteristics of a member.

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

_BUCKETS: Final = (
    "SELECT s.characteristic_id, s.member, r.bucket, r.measured, r.total_high, r.total_low, r.squares_high, "
    "r.squares_low, r.lowest, r.highest, r.passed, r.failed, r.inconclusive, r.not_measured, r.below, r.above "
    "FROM rollup_series s JOIN rollup r ON r.series = s.id "
)
_TIME: Final = "AND r.grain = ? AND r.bucket >= ? AND r.bucket < ? LIMIT ?"
_OF_CHARACTERISTIC: Final = f"{_BUCKETS} WHERE s.characteristic_id = ? AND s.dimension = ? {_TIME}"
_OF_MEMBER: Final = f"{_BUCKETS} WHERE s.dimension = ? AND s.member = ? {_TIME}"
_OF_SERIES: Final = f"{_BUCKETS} WHERE s.characteristic_id = ? AND s.dimension = ? AND s.member = ? {_TIME}"
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
    return _buckets(rows)


def of_member(
    database: Engine, dimension: Dimension, member: str, grain: int, since: int = BEGINNING, until: int = END
) -> Buckets:
    """Buckets of every characteristic of one member; raises as ``of_series``."""
    return _buckets(database.look_up(_OF_MEMBER, dimension, member, grain, since, until, MOST + 1))


def of_series(
    database: Engine,
    calendar: Calendar,
    characteristic: str,
    dimension: Dimension,
    member: str,
    grain: int,
    since: int = BEGINNING,
    until: int = END,
) -> dict[int, Tally]:
    """Buckets of one series in the order of time; weeks are merged from their days.

    Raises
    ------
    InvalidInput : there are more than ``MOST``
    """
    kept = DAY if grain == WEEK else grain
    rows = database.look_up(_OF_SERIES, characteristic, dimension, member, kept, since, until, MOST + 1)
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


def _buckets(rows: list[tuple[Any, ...]]) -> Buckets:
    if len(rows) > MOST:
        hint = "Ask for a shorter time, longer buckets, or one part."
        raise InvalidInput("trends.too_much", f"This question needs more than {MOST} buckets.", hint)
    return {(row[0], row[1], row[2]): _tally(row) for row in rows}


def _tally(row: tuple[Any, ...]) -> Tally:
    return Tally(ExactSums.from_limbs(*row[3:8]), *row[8:])
