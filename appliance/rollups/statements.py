"""The tables of roll-ups as they are read and written: whole rows, found by owner, grain, chunk and bucket."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from appliance.db.bulk import Asked, Kind
from appliance.db.engine import Engine
from appliance.rollups.blocks import Place

PLACE: Final[dict[str, Kind]] = dict.fromkeys(("owner", "grain", "chunk", "bucket"), "integer")
TALLIES: Final[dict[str, Kind]] = {**PLACE, "present": "integer", "tallies": "bytes"}
QUANTILES: Final[dict[str, Kind]] = {**PLACE, "counts": "bytes"}
LINES: Final[dict[str, Kind]] = {
    **PLACE, "moments": "bytes", "scores": "bytes", "best": "real", "screened": "integer",
}  # fmt: skip
CONDITIONS: Final[dict[str, Kind]] = {
    "asset_id": "text", "cad_revision_id": "text", "instrument_id": "text", "entries": "integer", "first_at": "text",
    "last_at": "text",
}  # fmt: skip
_FORGET: Final = {
    table: f"DELETE FROM {table} WHERE owner = ? AND grain = ? AND chunk = ? AND bucket = ?"
    for table in ("rollup", "rollup_quantile", "rollup_line")
}


def setting(columns: dict[str, Kind]) -> str:
    """Write a row in place of the one that is there."""
    changed = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in PLACE)
    return f"ON CONFLICT ({', '.join(PLACE)}) DO UPDATE SET {changed}"


def asked(table: str, places: Sequence[Place], column: str) -> Asked:
    """The question what stands in ``column`` at ``places``."""
    return Asked(table, PLACE, list(zip(*places, strict=True)), (column,))


def known(found: Iterable[tuple[Any, ...]]) -> dict[Place, bytes]:
    """Its answer: what stands at those that are there."""
    return {row[:4]: row[4] for row in found}


def forget(database: Engine, table: str, places: list[Place]) -> None:
    """Delete the rows of ``places``."""
    for place in places:
        database.run(_FORGET[table], *place)


def _least(table: str, column: str, sign: str) -> str:
    return (
        f"{column} = CASE WHEN {table}.{column} {sign}= excluded.{column} "
        f"THEN {table}.{column} ELSE excluded.{column} END"
    )


ADD_CONDITIONS: Final = (
    "ON CONFLICT (asset_id, cad_revision_id, instrument_id) DO UPDATE SET "
    "entries = rollup_condition.entries + excluded.entries, "
    + _least("rollup_condition", "first_at", "<") + ", " + _least("rollup_condition", "last_at", ">")
)  # fmt: skip
