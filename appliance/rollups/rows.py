"""Measurements that count, read from their table as far as they are folded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from appliance.db.engine import Engine
from appliance.rollups.records import Counted

#: Measurements that are held at a time: about 20 MB.
_PAGE: Final = 20_000
_COLUMNS: Final = (
    "m.id, m.characteristic_id, m.part_id, m.asset_id, m.cad_revision_id, m.instrument_id, m.operator_id, "
    "m.measured_at, m.value, m.lower, m.upper, m.decision"
)
_ALL: Final = f"SELECT {_COLUMNS} FROM measurement m WHERE m.superseded_by IS NULL AND m.id > ? ORDER BY m.id LIMIT ?"
_OF_ASSET: Final = (
    f"SELECT {_COLUMNS} FROM measurement m WHERE m.superseded_by IS NULL AND m.asset_id = ? AND m.id > ? "
    "ORDER BY m.id LIMIT ?"
)


def all_counted(database: Engine) -> Iterator[list[Counted]]:
    """Every measurement that counts, page by page."""
    last = ""
    while page := database.fetch(_ALL, last, _PAGE):
        yield [Counted(*row[1:]) for row in page]
        last = page[-1][0]


def counted_of_asset(database: Engine, asset_id: str) -> Iterator[list[Counted]]:
    """Every measurement of an asset that counts, page by page."""
    last = ""
    while page := database.fetch(_OF_ASSET, asset_id, last, _PAGE):
        yield [Counted(*row[1:]) for row in page]
        last = page[-1][0]
