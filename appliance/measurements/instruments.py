"""Instruments: their statements, revision by revision; an inspection pins the one that it was judged with."""

from __future__ import annotations

from appliance.audit.recording import record
from appliance.core.clock import rfc3339_us, utc_now
from appliance.core.faults import point
from appliance.core.ids import new_id
from appliance.db.listing import WHOLE, Listing, equal
from appliance.errors import NotFound
from appliance.measurements.instrument_file import read_instrument
from appliance.objects.sealed import ObjectStore, StoredObject
from appliance.plant.models import Instrument
from appliance.plant.repository import checked_name, page
from appliance.qc.records import Instrument as Statement
from appliance.queue.outbox import emit
from appliance.tenancy.scope import WorkspaceScope


def add_instrument(scope: WorkspaceScope, name: str, data: bytes) -> Instrument:
    """Keep an instrument's statement (TOML) as the newest revision of ``name``; the same bytes are the same row.

    Raises
    ------
    InvalidInput : the name or the statement cannot be used
    """
    chosen, statement = checked_name(name, "instrument"), read_instrument(data)
    stored = ObjectStore.of(scope).put_bytes(data)
    point("instrument.stored")
    with scope.transaction():
        row = _known(chosen, stored.sha256)
        if row is None:
            row = _insert(scope, chosen, statement, stored)
            facts = {"instrument": row.id, "name": chosen, "revision": row.revision, "due_on": row.due_on or ""}
            record(scope, "instrument.added", {"instrument": row.statement_sha256}, facts)
            emit("instrument.added", {"instrument": row.id, "name": chosen, "revision": row.revision})
    return row


def find_instrument(scope: WorkspaceScope, key: str) -> Instrument:
    """One revision by its id, or the newest of a name.

    Raises
    ------
    NotFound : there is neither in this workspace
    """
    with scope:
        found = Instrument.select().where((Instrument.id == key) | (Instrument.name == key))
        row: Instrument | None = found.order_by(Instrument.revision.desc()).first()
    if row is None:
        raise NotFound("instrument.unknown", f"There is no instrument '{key}'.")
    return row


def instrument_of(statement_object: str | None) -> str | None:
    """The id of the first instrument with this statement in the open scope; None where there is none."""
    if statement_object is None:
        return None
    found = Instrument.select().where(Instrument.statement_object == statement_object).order_by(Instrument.id).first()
    return found.id if found else None


def list_instruments(scope: WorkspaceScope, listing: Listing = WHOLE, *, name: str | None = None) -> list[Instrument]:
    """Revisions of one instrument or of all."""
    return page(scope, Instrument, listing, *equal(Instrument, name=name))


def _known(name: str, sha256: str) -> Instrument | None:
    row: Instrument | None = Instrument.get_or_none(Instrument.name == name, Instrument.statement_sha256 == sha256)
    return row


def _insert(scope: WorkspaceScope, name: str, statement: Statement, stored: StoredObject) -> Instrument:
    latest = Instrument.select().where(Instrument.name == name).order_by(Instrument.revision.desc()).first()
    row: Instrument = Instrument.create(
        id=new_id("itm"),
        name=name,
        revision=latest.revision + 1 if latest else 1,
        serial=statement.serial,
        certificate=statement.certificate,
        calibrated_on=statement.calibrated_on or None,
        due_on=statement.due_on or None,
        statement_sha256=stored.sha256,
        statement_object=stored.name,
        created_at=rfc3339_us(utc_now()),
        created_by=scope.principal.id,
    )
    return row
