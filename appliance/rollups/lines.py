"""Lines read: which lives rise or fall most clearly, and which characteristics an asset has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from appliance.db.engine import Engine
from appliance.rollups.blocks import SLOTS
from appliance.rollups.numbers import characteristics_at, part_and_slot
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
    return _named(database, _scored(rows)[:most])


def line_of(database: Engine, characteristic: str, asset: str) -> Line | None:
    """The line of one characteristic of an asset; None where nothing is measured in its current life."""
    place = part_and_slot(database, characteristic)
    if place is None:
        return None
    part, slot = place
    rows = database.look_up(_OF_CHARACTERISTIC, asset, part, slot // SLOTS)
    found = _named(database, [line for line in _scored(rows) if line.slot == slot])
    return found[0] if found else None


def screened(database: Engine) -> int:
    """Current lives that have a line."""
    [(count,)] = database.look_up(_SCREENED)
    return int(count)


def characteristics_of(database: Engine, asset: str) -> list[str]:
    """Whatever was measured of an asset, or should have been: ids in order."""
    places = {
        (part, chunk * SLOTS + cell)
        for part, chunk, present in database.look_up(_PRESENT, asset, LIFE)
        for cell in range(SLOTS)
        if present >> cell & 1
    }
    return sorted(characteristics_at(database, list(places)))


class _Scored(NamedTuple):
    score: float
    owner: int
    slot: int
    measured: int
    life: int
    part_id: str
    asset_id: str


def _scored(rows: Sequence[tuple[Any, ...]]) -> list[_Scored]:
    """The lines of chunks, the clearest first."""
    if not rows:
        return []
    measured = np.stack([moments_of(row[3])[:, 0] for row in rows])
    scores = np.stack([scores_of(row[4]) for row in rows])
    chunks, cells = np.nonzero(measured)
    found = []
    for place, cell in zip(chunks.tolist(), cells.tolist(), strict=True):
        owner, chunk, life, _, _, part, asset = rows[place]
        score, count = float(scores[place, cell]), int(measured[place, cell])
        found.append(_Scored(score, owner, chunk * SLOTS + cell, count, life, part, asset))
    return sorted(found, key=lambda line: (-line.score, line.owner, line.slot))


def _named(database: Engine, lines: Sequence[_Scored]) -> list[Line]:
    names = characteristics_at(database, [(line.part_id, line.slot) for line in lines])
    return [
        Line(line.score, line.measured, line.life, name, line.asset_id) for line, name in zip(lines, names, strict=True)
    ]
