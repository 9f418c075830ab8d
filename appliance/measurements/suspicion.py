"""Verdicts that depend on an instrument which moved: told from the rows of the instruments, never written to verdicts.

A suspicion names one revision of an instrument and a moment; every inspection that was measured with this revision
after that moment depends on it, also one that comes later.  So a suspicion that is explained is lifted in one place,
with a reason, and nothing that was signed or recorded is touched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, TypeVar

from appliance.audit.recording import record
from appliance.core.canonical import loads_strict
from appliance.core.clock import rfc3339_us, utc_now
from appliance.db.listing import NEWEST, Listing
from appliance.errors import Conflict, NotFound
from appliance.measurements.models import InstrumentSuspicion, MeasuredCharacteristic
from appliance.plant.models import Instrument
from appliance.plant.repository import checked_text, page
from appliance.queue.outbox import emit
from appliance.tenancy.scope import WorkspaceScope

Row = TypeVar("Row", bound=Any)
#: What every page of verdicts asks first: as a rule there is none.
_ANY: Final = "SELECT id FROM instrument_suspicion WHERE lifted_at IS NULL LIMIT 1"


@dataclass(frozen=True)
class Marks:
    """The suspicions that stand, by the instrument's id; a few at most, so that a page of verdicts asks once."""

    standing: dict[str, InstrumentSuspicion]

    def of(self, instrument_id: str | None, measured_at: str | None) -> InstrumentSuspicion | None:
        """The suspicion under which something was measured; None where nothing speaks against it."""
        found = self.standing.get(instrument_id or "")
        return found if found is not None and (measured_at or "") > found.since else None


def marks(scope: WorkspaceScope) -> Marks:
    """What stands now."""
    with scope:
        rows = InstrumentSuspicion.alike(null=("lifted_at",)) if scope.database.look_up(_ANY) else ()
    return Marks({row.instrument_id: row for row in rows})


def marked(rows: list[Row], standing: Marks) -> list[Row]:
    """The same rows of inspections or measurements, each with ``instrument_is_suspect``."""
    for row in rows:
        row.instrument_is_suspect = standing.of(row.instrument_id, row.measured_at) is not None
    return rows


def suspicion_of(
    scope: WorkspaceScope, instrument_id: str | None, measured_at: str | None
) -> InstrumentSuspicion | None:
    """The suspicion under which something was measured, with the name of the instrument; None where none stands."""
    found = marks(scope).of(instrument_id, measured_at)
    return None if found is None else named(scope, [found])[0]


def named(scope: WorkspaceScope, rows: list[InstrumentSuspicion]) -> list[InstrumentSuspicion]:
    """The same rows, each with the name of its instrument and the number of the revision."""
    with scope:
        known = {
            row.id: row for row in Instrument.select().where(Instrument.id.in_([one.instrument_id for one in rows]))
        }
    for one in rows:
        one.instrument, one.revision = known[one.instrument_id].name, known[one.instrument_id].revision
    return rows


def said_in_reports(scope: WorkspaceScope, instrument_id: str | None, measured_at: str | None) -> dict[str, Any]:
    """What the context of a report that is signed now says of the suspicion under which something was measured.

    ``suspect_instrument``: which revision of which instrument, since when (empty: ever), what artefacts showed; nothing
    where none stands.
    """
    with scope:
        found = suspicion_of(scope, instrument_id, measured_at)
        if found is None:
            return {}
        serial = Instrument.get_by_id(found.instrument_id).serial
        seen = [_seen(one) for one in loads_strict(found.evidence)]
    return {
        "suspect_instrument": {
            "suspicion": found.id, "instrument_id": found.instrument_id, "instrument": found.instrument,
            "revision": found.revision, "serial": serial, "since": found.since, "found_at": found.found_at,
            "seen": seen,
        }
    }  # fmt: skip


def _seen(evidence: dict[str, str]) -> dict[str, str]:
    """What an artefact showed, with the name of what was measured on it."""
    known = MeasuredCharacteristic.known(id=evidence["characteristic_id"])
    return {**evidence, "characteristic": known.name if known else ""}


def list_suspicions(
    scope: WorkspaceScope, listing: Listing = NEWEST, *, standing: bool | None = None
) -> list[InstrumentSuspicion]:
    """Suspicions with the names of their instruments, those that stand or those that were lifted; None: both."""
    is_lifted = InstrumentSuspicion.lifted_at.is_null(standing is True)
    return named(scope, page(scope, InstrumentSuspicion, listing, *([] if standing is None else [is_lifted])))


def lift_suspicion(scope: WorkspaceScope, suspicion_id: str, reason: str) -> InstrumentSuspicion:
    """Say what explains the signal: verdicts that depend on it are suspect no more.

    What is measured from now on is judged anew; where the artefact itself changed, new limits are frozen for it.

    Raises
    ------
    NotFound : there is none of that id in this workspace
    Conflict : it was lifted already, or there is no reason
    """
    why, now = checked_text(reason, "reason"), rfc3339_us(utc_now())
    if not why:
        raise Conflict("suspicion.reason", "A suspicion is lifted with a reason.", "Say what explains the signal.")
    with scope.transaction():
        row: InstrumentSuspicion | None = InstrumentSuspicion.known(id=suspicion_id)
        if row is None:
            raise NotFound("suspicion.unknown", f"There is no suspicion '{suspicion_id[:40]}'.")
        if row.lifted_at is not None:
            raise Conflict("suspicion.lifted", f"It was lifted at {row.lifted_at[:19]}Z: {row.lifted_reason}")
        ends = {"lifted_at": now, "lifted_by": scope.principal.id, "lifted_reason": why}
        InstrumentSuspicion.update(**ends).where(InstrumentSuspicion.id == row.id).execute()
        facts = {"suspicion": row.id, "instrument": row.instrument_id, "since": row.since, "reason": why}
        record(scope, "instrument.suspicion_lifted", {}, facts)
        emit("instrument.suspicion_lifted", {"suspicion": row.id, "instrument": row.instrument_id})
        lifted: InstrumentSuspicion = InstrumentSuspicion.known(id=row.id)
    return named(scope, [lifted])[0]
