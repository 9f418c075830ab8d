"""Numbers by which blocks are found: owners (a member of a dimension, and the part) and slots of characteristics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from appliance.db.bulk import Asked, Kind
from appliance.db.engine import Engine
from appliance.rollups.records import KEPT, Counted, Dimension

#: (dimension, member, part)
Owner: TypeAlias = tuple[Dimension, str, str]

_LAST_OWNER: Final = "SELECT COALESCE(MAX(id), 0) FROM rollup_owner"
_LAST_SLOT: Final = "SELECT COALESCE(MAX(slot), -1) FROM rollup_slot WHERE part_id = ?"
_PART_AND_SLOT: Final = "SELECT part_id, slot FROM rollup_slot WHERE characteristic_id = ?"
_CHARACTERISTIC: Final = "SELECT characteristic_id FROM rollup_slot WHERE part_id = ? AND slot = ?"
_OWNER_COLUMNS: Final[dict[str, Kind]] = {"id": "integer", "dimension": "text", "member": "text", "part_id": "text"}
_OWNER_KEYS: Final[dict[str, Kind]] = {"dimension": "text", "member": "text", "part_id": "text"}
_SLOT_KEYS: Final[dict[str, Kind]] = {"characteristic_id": "text"}
_SLOT_COLUMNS: Final[dict[str, Kind]] = {"characteristic_id": "text", "part_id": "text", "slot": "integer"}


@dataclass
class Numbers:
    """What is known of them in one transaction; it may not outlive it, because a roll-back takes new ones away."""

    owners: dict[Owner, int] = field(default_factory=dict)
    slots: dict[str, int] = field(default_factory=dict)

    def owners_of(self, columns: Mapping[str, Sequence[Any]], dimension: Dimension) -> list[int]:
        """The owner of each measurement in a dimension, -1 where it has none."""
        known, members = self.owners, columns[f"{dimension}_id"]
        return [
            -1 if member is None else known[dimension, member, part]
            for member, part in zip(members, columns["part_id"], strict=True)
        ]

    def asked(self, rows: Sequence[Counted]) -> tuple[Asked, Asked]:
        """The questions for owners and slots of ``rows`` that are not known yet."""
        owners = sorted(_owners_of(rows) - self.owners.keys())
        slots = sorted({row.characteristic_id for row in rows} - self.slots.keys())
        return (
            Asked("rollup_owner", _OWNER_KEYS, list(zip(*owners, strict=True)), ("id",)),
            Asked("rollup_slot", _SLOT_KEYS, [slots] if slots else [], ("slot",)),
        )

    def learn(
        self, database: Engine, rows: Sequence[Counted], owners: Iterable[tuple[Any, ...]],
        slots: Iterable[tuple[Any, ...]],
    ) -> None:  # fmt: skip
        """Take the answers, and give a number to whatever of ``rows`` has none."""
        self.owners |= {(dimension, member, part): number for dimension, member, part, number in owners}
        self.slots |= dict(slots)
        self._number_owners(database, sorted(_owners_of(rows) - self.owners.keys()))
        new = {row.characteristic_id: row.part_id for row in rows if row.characteristic_id not in self.slots}
        self._number_slots(database, new)

    def _number_owners(self, database: Engine, new: Sequence[Owner]) -> None:
        if new:
            [(last,)] = database.look_up(_LAST_OWNER)
            self.owners |= {owner: last + 1 + place for place, owner in enumerate(new)}
            database.write_rows("rollup_owner", _OWNER_COLUMNS, [(self.owners[owner], *owner) for owner in new])

    def _number_slots(self, database: Engine, parts: Mapping[str, str]) -> None:
        for part in sorted(set(parts.values())):
            [(last,)] = database.look_up(_LAST_SLOT, part)
            own = (one for one in sorted(parts) if parts[one] == part)
            self.slots |= {one: last + 1 + place for place, one in enumerate(own)}
        database.write_rows("rollup_slot", _SLOT_COLUMNS, [(one, parts[one], self.slots[one]) for one in sorted(parts)])


def part_and_slot(database: Engine, characteristic: str) -> tuple[str, int] | None:
    """Where a characteristic stands in the blocks; None where it was never measured."""
    found = database.look_up(_PART_AND_SLOT, characteristic)
    return (found[0][0], found[0][1]) if found else None


def characteristics_at(database: Engine, places: Sequence[tuple[str, int]]) -> list[str]:
    """The characteristic in each of many slots of parts that have one."""
    found = database.look_up_each(_CHARACTERISTIC, ("text", "integer"), places)
    return [str(characteristic) for [(characteristic,)] in found]


def _owners_of(rows: Sequence[Counted]) -> set[Owner]:
    """Every member of a dimension that rows belong to, and the part."""
    return {
        (dimension, member, part)
        for occasion in {row[1:6] for row in rows}
        for dimension, member, part in _owners(*occasion)
    }


def _owners(
    part: str, asset: str, cad_revision: str | None, instrument: str | None, operator: str | None
) -> Iterable[Owner]:
    members = {
        "part": part, "asset": asset, "cad_revision": cad_revision, "instrument": instrument, "operator": operator,
    }  # fmt: skip
    for dimension in KEPT:
        member = members[dimension]
        if member is not None:
            yield dimension, member, part
