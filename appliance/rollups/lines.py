"""Lines read: which lives rise or fall most clearly, and which characteristics an asset has."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from appliance.db.engine import Engine
from appliance.rollups.blocks import SLOTS
from appliance.rollups.numbers import characteristic_at, part_and_slot
from appliance.rollups.records import LIFE
from appliance.rollups.scores import moments_of, scores_of

_LINES: Final = (
    "SELECT l.owner, l.chunk, l.bucket, l.moments, l.scores, o.part_id, o.member FROM rollup_line l "
    "JOIN rollup_owner o ON o.id = l.owner WHERE l.best IS NOT NULL "
)
#: Each of the ``n`` clearest lines stands in one of the ``n`` chunks whose best are the clearest.
_CLEAREST: Final = "ORDER BY l.best DESC, l.owner, l.chunk LIMIT ?"
_OF_ALL: Final = f"{_LINES} {_CLEAREST}"
_OF_PART: Final = f"{_LINES} AND o.part_id = ? {_CLEAREST}"
_OF_ASSET: Final = f"{_LINES} AND o.dimension = 'asset' AND o.member = ? {_CLEAREST}"
_OF_CHARACTERISTIC: Final = f"{_LINES} AND o.dimension = 'asset' AND o.member = ? AND o.part_id = ? AND l.chunk = ?"
_SCREENED: Final = "SELECT COALESCE(SUM(screened), 0) FROM rollup_line"
_PRESENT: Final = (
    "SELECT o.part_id, r.chunk, r.present FROM rollup_owner o JOIN rollup r ON r.owner = o.id "
    "WHERE o.dimension = 'asset' AND o.member = ? AND r.grain = ?"
)


class Line(NamedTuple):
    """The straight line through the current life of a characteristic of an asset: |t| of its slope, how many values it
    has, and when the life began, seconds since 1970."""

    score: float
    measured: int
    life: int
    characteristic_id: str
    asset_id: str


def clearest(database: Engine, most: int, *, part: str | None = None, asset: str | None = None) -> list[Line]:
    """The ``most`` lines with the largest scores, of one part or asset or of all."""
    if asset is not None:
        rows = database.look_up(_OF_ASSET, asset, most)
    else:
        rows = database.look_up(_OF_ALL, most) if part is None else database.look_up(_OF_PART, part, most)
    found = sorted((line for row in rows for line in _scored(row)), key=lambda line: (-line.score, *line[1:3]))
    return [_named(database, line) for line in found[:most]]


def line_of(database: Engine, characteristic: str, asset: str) -> Line | None:
    """The line of one characteristic of an asset; None where nothing is measured in its current life."""
    place = part_and_slot(database, characteristic)
    if place is None:
        return None
    part, slot = place
    rows = database.look_up(_OF_CHARACTERISTIC, asset, part, slot // SLOTS)
    found = [line for row in rows for line in _scored(row) if line.slot == slot]
    return _named(database, found[0]) if found else None


def screened(database: Engine) -> int:
    """Current lives that have a line."""
    [(count,)] = database.look_up(_SCREENED)
    return int(count)


def characteristics_of(database: Engine, asset: str) -> list[str]:
    """Whatever was measured of an asset, or should have been: ids in order."""
    found: set[str] = set()
    for part, chunk, present in database.look_up(_PRESENT, asset, LIFE):
        slots = (chunk * SLOTS + cell for cell in range(SLOTS) if present >> cell & 1)
        found |= {characteristic_at(database, part, slot) for slot in slots}
    return sorted(found)


class _Scored(NamedTuple):
    score: float
    owner: int
    slot: int
    measured: int
    life: int
    part_id: str
    asset_id: str


def _scored(row: tuple[Any, ...]) -> list[_Scored]:
    """The lines of one chunk."""
    owner, chunk, life, moments, scores, part, asset = row
    measured, score = moments_of(moments)[:, 0].tolist(), scores_of(scores).tolist()
    return [
        _Scored(score[cell], owner, chunk * SLOTS + cell, measured[cell], life, part, asset)
        for cell in range(SLOTS)
        if measured[cell]
    ]


def _named(database: Engine, line: _Scored) -> Line:
    return Line(
        line.score, line.measured, line.life, characteristic_at(database, line.part_id, line.slot), line.asset_id
    )
