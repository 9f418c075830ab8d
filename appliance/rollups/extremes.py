"""After values have left: extremes that left with them are read anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from appliance.core.clock import rfc3339_us
from appliance.db.engine import Engine
from appliance.rollups.blocks import HIGHEST, LOWEST, MEASURED, SLOTS, Place, decoded
from appliance.rollups.calendar import Calendar, moment_of
from appliance.rollups.lives import repairs_of, second
from appliance.rollups.numbers import characteristics_at
from appliance.rollups.records import LIFE
from appliance.spc.checks import Bool, Int64
from appliance.spc.exact import nano

_OWNER: Final = "SELECT dimension, member, part_id FROM rollup_owner WHERE id = ?"
#: Of one member: from the measurements of the bucket's time.
_OF_MEMBER: Final = {
    name: (
        "SELECT MIN(value), MAX(value) FROM measurement WHERE characteristic_id = ? AND "
        f"{name}_id = ? AND measured_at >= ? AND measured_at < ? AND superseded_by IS NULL"
    )
    for name in ("asset", "instrument", "operator", "cad_revision")
}
#: Of all assets of a part: from their blocks.
_OF_ASSETS: Final = (
    "SELECT r.tallies FROM rollup_owner o JOIN rollup r ON r.owner = o.id WHERE o.dimension = 'asset' "
    "AND o.part_id = ? AND r.grain = ? AND r.chunk = ? AND r.bucket = ?"
)
_CONDITION: Final = (
    "SELECT entries, first_at, last_at FROM rollup_condition "
    "WHERE asset_id = ? AND cad_revision_id = ? AND instrument_id = ?"
)
_FORGET_CONDITION: Final = (
    "DELETE FROM rollup_condition WHERE asset_id = ? AND cad_revision_id = ? AND instrument_id = ?"
)
_MOMENTS: Final = (
    "SELECT MIN(measured_at), MAX(measured_at) FROM measurement WHERE asset_id = ? "
    "AND COALESCE(cad_revision_id, '') = ? AND COALESCE(instrument_id, '') = ? AND superseded_by IS NULL"
)
_SET_CONDITION: Final = (
    "UPDATE rollup_condition SET first_at = ?, last_at = ? "
    "WHERE asset_id = ? AND cad_revision_id = ? AND instrument_id = ?"
)
_END_OF_TIME: Final = "9999-12-31T23:59:59.999999Z"


@dataclass(frozen=True)
class Extremes:
    """What puts the extremes of blocks right; those of parts once those of their assets are written."""

    database: Engine
    calendar: Calendar

    def mend(self, places: Sequence[Place], blocks: Int64, is_open: Bool) -> None:
        """Set the extremes of blocks (b, 16, 14) where they are open, (b, 16)."""
        for number in np.flatnonzero(is_open.any(axis=1)).tolist():
            slots = np.flatnonzero(is_open[number])
            found = self._of_block(places[number], slots)
            blocks[number][slots[:, None], [LOWEST, HIGHEST]] = found

    def _of_block(self, place: Place, slots: Int64) -> Int64:
        """Smallest and largest value of some slots of one block, (s, 2)."""
        owner, grain, chunk, bucket = place
        [(dimension, member, part)] = self.database.look_up(_OWNER, owner)
        if dimension == "part":
            return self._of_assets(part, grain, chunk, bucket)[slots]
        since, until = self._times(grain, bucket, member)
        found = []
        for characteristic in characteristics_at(
            self.database, [(part, chunk * SLOTS + one) for one in slots.tolist()]
        ):
            found += self.database.fetch(_OF_MEMBER[dimension], characteristic, member, since, until)
        return nano(found)

    def _of_assets(self, part: str, grain: int, chunk: int, bucket: int) -> Int64:
        rows = self.database.fetch(_OF_ASSETS, part, grain, chunk, bucket)
        blocks = np.stack([decoded(data) for (data,) in rows])
        there = blocks[..., MEASURED] > 0
        lowest = np.where(there, blocks[..., LOWEST], np.iinfo(np.int64).max).min(axis=0)
        highest = np.where(there, blocks[..., HIGHEST], np.iinfo(np.int64).min).max(axis=0)
        return np.stack([lowest, highest], axis=-1)

    def _times(self, grain: int, bucket: int, member: str) -> tuple[str, str]:
        """When a bucket began and ended, RFC 3339; ``member`` is the asset of a life."""
        if grain != LIFE:
            return rfc3339_us(moment_of(bucket)), rfc3339_us(moment_of(self.calendar.end_of(grain, bucket)))
        repairs = repairs_of(self.database, member)
        since = min((at for at in repairs if second(at) == bucket), default="")
        return since, min((at for at in repairs if second(at) > bucket), default=_END_OF_TIME)


def mend_conditions(database: Engine, leaving: Sequence[tuple[tuple[str, str, str], str, str]]) -> None:
    """Put conditions right that measurements left, whose first and last moments were these."""
    for condition, first, last in leaving:
        [(entries, first_at, last_at)] = database.look_up(_CONDITION, *condition)
        if entries == 0:
            database.run(_FORGET_CONDITION, *condition)
        elif first == first_at or last == last_at:
            [(first_at, last_at)] = database.fetch(_MOMENTS, *condition)
            database.run(_SET_CONDITION, first_at, last_at, *condition)
