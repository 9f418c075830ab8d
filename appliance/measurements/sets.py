"""Characteristic sets of a part: checked when they come, kept as they came, numbered, never overwritten.

The newest one is what the part's assets are judged by.  Adding bytes that are there already makes their old version the
current one again.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from appliance.audit.recording import record
from appliance.cad.revisions import current_revision
from appliance.core.canonical import canonical_bytes, loads_strict
from appliance.core.clock import rfc3339_us, utc_now
from appliance.core.faults import point
from appliance.core.ids import new_id
from appliance.db.listing import WHOLE, Listing, equal
from appliance.errors import InvalidInput, NotFound
from appliance.measurements.models import CharacteristicSetRow
from appliance.measurements.plan import Plan, read_plan, zones_of_plan
from appliance.objects.sealed import ObjectStore, StoredObject
from appliance.plant.models import Part
from appliance.plant.parts import find_part, set_current
from appliance.plant.repository import page
from appliance.queue.outbox import emit
from appliance.tenancy.scope import WorkspaceScope


def add_set(scope: WorkspaceScope, part: Part | str, data: bytes) -> CharacteristicSetRow:
    """Check an inspection plan (CSV or TOML), keep it, and judge the part's assets by it from now on.

    Where the part has a CAD revision, every zone of the plan must be one of its zones or of the plan's own.

    Raises
    ------
    InvalidInput : the plan contradicts itself, or names a zone that is not there
    NotFound : there is no such part
    """
    owner = find_part(scope, part)
    plan = _checked(scope, owner, data)
    stored = ObjectStore.of(scope).put_bytes(data)
    point("plan.stored")
    with scope.transaction():
        known = _known(owner.id, stored.sha256)
        row = known or _insert(scope, owner, plan, stored)
        if current_of(scope, owner.id) != row.id:
            set_current(owner.id, current_characteristic_set_id=row.id)
            _tell(scope, owner, row, "characteristics.selected" if known else "characteristics.added")
    return row


def select_set(scope: WorkspaceScope, set_id: str) -> CharacteristicSetRow:
    """Judge the part's assets by this version from now on.

    Raises
    ------
    NotFound : there is none of that id in this workspace
    """
    with scope.transaction():
        row = get_set(scope, set_id)
        if current_of(scope, row.part_id) != row.id:
            set_current(row.part_id, current_characteristic_set_id=row.id)
            _tell(scope, find_part(scope, row.part_id), row, "characteristics.selected")
    return row


def get_set(scope: WorkspaceScope, set_id: str) -> CharacteristicSetRow:
    """One version.

    Raises
    ------
    NotFound : there is none of that id in this workspace
    """
    with scope:
        row: CharacteristicSetRow | None = CharacteristicSetRow.get_or_none(CharacteristicSetRow.id == set_id)
    if row is None:
        raise NotFound("characteristics.unknown", f"There is no characteristic set '{set_id}'.")
    return row


def current_set(scope: WorkspaceScope, part: Part | str) -> CharacteristicSetRow | None:
    """What the part's assets are judged by; None as long as there is nothing."""
    current = current_of(scope, find_part(scope, part).id)
    return get_set(scope, current) if current else None


def current_of(scope: WorkspaceScope, part_id: str) -> str | None:
    """The id of the part's current version."""
    current: str | None = find_part(scope, part_id).current_characteristic_set_id
    return current


def list_sets(
    scope: WorkspaceScope, part: Part | str | None = None, listing: Listing = WHOLE
) -> list[CharacteristicSetRow]:
    """Versions, of one part or of all."""
    conditions = equal(CharacteristicSetRow, part_id=find_part(scope, part).id if part else None)
    return page(scope, CharacteristicSetRow, listing, *conditions)


def _checked(scope: WorkspaceScope, owner: Part, data: bytes) -> Plan:
    revision = current_revision(scope, owner)
    plan = read_plan(data, diagonal_mm=revision.diagonal_mm if revision else 1.0)
    if revision:
        own, _ = zones_of_plan(data)
        _refuse_unknown_zones(plan, [*loads_strict(revision.zone_names), *own])
    return plan


def _refuse_unknown_zones(plan: Plan, known: Sequence[str]) -> None:
    for row in plan.characteristics.characteristics:
        if row.zone not in known:
            near = get_close_matches(row.zone, known, 1)
            hint = f"Did you mean '{near[0]}'?" if near else f"The CAD has the zones {', '.join(sorted(known))}."
            message = f"'{row.name}' names the zone '{row.zone}', which the part's CAD does not have."
            raise InvalidInput("zone.unknown", message, hint)


def _insert(scope: WorkspaceScope, owner: Part, plan: Plan, stored: StoredObject) -> CharacteristicSetRow:
    versions = CharacteristicSetRow.select().where(CharacteristicSetRow.part_id == owner.id)
    latest = versions.order_by(CharacteristicSetRow.version.desc()).first()
    row: CharacteristicSetRow = CharacteristicSetRow.create(
        id=new_id("chr"),
        part_id=owner.id,
        version=latest.version + 1 if latest else 1,
        sha256=stored.sha256,
        object=stored.name,
        characteristics=len(plan.characteristics.characteristics),
        notes=canonical_bytes(list(plan.notes)).decode(),
        created_at=rfc3339_us(utc_now()),
        created_by=scope.principal.id,
    )
    return row


def _known(part_id: str, sha256: str) -> CharacteristicSetRow | None:
    found = (CharacteristicSetRow.part_id == part_id) & (CharacteristicSetRow.sha256 == sha256)
    row: CharacteristicSetRow | None = CharacteristicSetRow.get_or_none(found)
    return row


def _tell(scope: WorkspaceScope, owner: Part, row: CharacteristicSetRow, kind: str) -> None:
    facts = {"part": owner.id, "name": owner.name, "set": row.id, "version": row.version}
    record(scope, kind, {"characteristics": row.sha256}, facts)
    emit(kind, {"part": owner.id, "set": row.id, "version": row.version})
