"""The job that records a file of results: all of it, or nothing.

Order of commits, and what a crash between two of them leaves:

1. results and signed statements are objects: unnamed ones, made anew by the next attempt;
2. one transaction: parts and assets that are new, every inspection (``judged``), its log entry, its measurements.  From
   here on the file is recorded, and the next attempt goes on with what is not printed;
3. for each inspection its proof and PDF become objects, and one transaction makes it ``recorded``;
4. one transaction: the file is ``recorded``.

What cannot be used ends in step 1: the file is ``failed`` with the reason, nothing of it is recorded, and it may come
again.  A full disk or an unreachable store gives it back for later.
"""

from __future__ import annotations

import logging
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from appliance.audit.recording import record
from appliance.core.canonical import canonical_bytes, loads_strict
from appliance.core.clock import rfc3339_us, utc_now
from appliance.core.faults import point
from appliance.core.ids import new_id
from appliance.errors import D2RError, Unavailable
from appliance.exchange.issuing import Signed, log_report, print_report, sign
from appliance.exchange.items import make_item
from appliance.exchange.planning import Plan, Planned, planned
from appliance.exchange.reading import read_results
from appliance.exchange.records import ImportOptions, Reading
from appliance.exchange.result import Import, result_table
from appliance.inspections.evidence import results_evidence
from appliance.inspections.keeper import Keeper
from appliance.inspections.lease import Lease, LostLease
from appliance.inspections.models import InspectionRow
from appliance.inspections.repository import recorded_of_one
from appliance.inspections.service import ATTEMPT_LIMIT
from appliance.measurements.models import IMPORT, ResultsFile
from appliance.measurements.recording import Occasion, record_measurements, supersede_measurements
from appliance.plant.models import Instrument
from appliance.plant.operators import person_of_badge
from appliance.queue.outbox import emit
from appliance.reports.pack import evidence_files
from appliance.reports.records import EvidenceFile
from appliance.tenancy.scope import WorkspaceScope

log = logging.getLogger(__name__)

_WAIT_S: Final = 10.0

Evidence = tuple[EvidenceFile, ...]


def carry_results(scope: WorkspaceScope, file_id: str) -> str | None:
    """Record a file of results; returns its state, None where another worker has it or it is final."""
    lease = Lease.claim(scope, ResultsFile, file_id)
    if lease is None:
        return None
    folder = scope.settings.scratch_folder / file_id
    shutil.rmtree(folder, ignore_errors=True)
    try:
        with Keeper(lease, writes_progress=False) as keeper:
            _carry(lease, lease.row(), folder, keeper)
    except LostLease:
        return None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return str(lease.row().state)


def _carry(lease: Lease, row: ResultsFile, folder: Path, keeper: Keeper) -> None:
    try:
        evidence = _laid_out(lease.scope, row, folder)
        if not _inspections(lease.scope, row):
            _record_file(lease, row, evidence)
            point("results.judged")
        for inspection_id in _inspections(lease.scope, row):
            keeper.check()
            print_report(lease.scope, inspection_id, evidence)
        _finish(lease, "recorded")
    except LostLease:
        raise
    except Unavailable as error:
        _give_back(lease, row, error)
    except D2RError as error:
        _finish(lease, "failed", error)
    except Exception as error:  # a fault of ours must not take the queue with it
        log.exception("results file %s", row.id)
        _give_back(lease, row, Unavailable("results.internal", f"The import failed: {type(error).__name__}."))


def _laid_out(scope: WorkspaceScope, row: ResultsFile, folder: Path) -> Evidence:
    """The file as it came, in the scratch folder; it is compared with its hash on the way."""
    return evidence_files(results_evidence(scope, row, folder), {"results_sha256": row.sha256})


def _inspections(scope: WorkspaceScope, row: ResultsFile) -> list[str]:
    with scope:
        found = InspectionRow.select(InspectionRow.id).where(InspectionRow.results_file_id == row.id)
        return [one.id for one in found.order_by(InspectionRow.file_position)]


def _record_file(lease: Lease, row: ResultsFile, evidence: Evidence) -> None:
    scope, options = lease.scope, ImportOptions(**loads_strict(row.options))
    reading = read_results(evidence[0].path, options)
    plan = planned(scope, reading, create=options.create, received_at=row.received_at)
    # 1. Results and statements.
    amended = _amended_rows(scope, row)
    drafts = [_draft(scope, row, reading, plan, n, amended, evidence) for n in range(1, len(plan.inspections) + 1)]
    point("results.signed")
    # 2. Everything else, or nothing.
    columns: dict[str, Any] = {
        "format": reading.format, "laboratory": reading.laboratory, "inspections": len(drafts),
        "measurements": reading.row_count, "notes": canonical_bytes(list(plan.notes)).decode(),
    }  # fmt: skip
    with lease.writing(**columns):
        for position, (one, (signed, amends)) in enumerate(zip(plan.inspections, drafts, strict=True), 1):
            _write(scope, row, one, signed, position, amends)


def _draft(
    scope: WorkspaceScope, row: ResultsFile, reading: Reading, plan: Plan, position: int,
    amended: dict[str, list[InspectionRow]], evidence: Evidence,
) -> tuple[Signed, InspectionRow | None]:  # fmt: skip
    """The signed report of one inspection, and the inspection that it amends."""
    one = plan.inspections[position - 1]
    earlier = amended.get(one.item.asset_id or "")
    amends = earlier.pop(0) if earlier else None
    file = {
        "id": row.id, "name": row.name, "sha256": row.sha256, "format": reading.format,
        "laboratory": one.judged.reported.laboratory,
    }  # fmt: skip
    context = {
        "workspace": scope.slug, "part": one.item.part, "asset": one.item.asset, "serial": one.item.serial,
        "received_at": row.received_at,
    } | ({"amends": _named(amends, row.reason)} if amends else {})  # fmt: skip
    result = result_table(one.judged, Import(file, position, plan.notes, context), utc_now())
    with scope:
        instrument_id = _instrument(one.judged.reported.instrument)
    return sign(scope, result, evidence, instrument_id), amends


def _named(amends: InspectionRow, reason: str) -> dict[str, Any]:
    """The original as an amended report names it (ISO/IEC 17025, 7.8.8)."""
    return {
        "inspection": amends.id, "report_number": amends.report_number, "envelope_sha256": amends.envelope_sha256,
        "reason": reason,
    }  # fmt: skip


def _amended_rows(scope: WorkspaceScope, row: ResultsFile) -> dict[str, list[InspectionRow]]:
    """Inspections of the file that this one corrects, by their asset, in their order."""
    found: dict[str, list[InspectionRow]] = {}
    if row.amends_id:
        with scope:
            earlier = InspectionRow.select().where(InspectionRow.results_file_id == row.amends_id)
            for one in earlier.order_by(InspectionRow.file_position):
                found.setdefault(one.asset_id, []).append(one)
    return found


def _write(
    scope: WorkspaceScope, row: ResultsFile, one: Planned, signed: Signed, position: int, amends: InspectionRow | None
) -> None:
    part_id, asset_id = make_item(scope, one.item)
    reported, now = one.judged.reported, rfc3339_us(utc_now())
    person = person_of_badge(scope, reported.operator) if reported.operator else None
    inspection: InspectionRow = InspectionRow.create(
        id=new_id("ins"), asset_id=asset_id, part_id=part_id, results_file_id=row.id, file_position=position,
        parameters="{}", context=_context(row, one), priority="normal", inspected_at=now, created_at=now,
        created_by=row.received_by, started_at=now, state="judged", progress=1.0, amends_id=amends and amends.id,
        reason=row.reason if amends else "", laboratory=reported.laboratory, **signed.columns,
    )  # fmt: skip
    facts = {"inspection": inspection.id, "file": row.id, "position": position, "asset": one.item.asset}
    personal = {"operator": reported.operator} if reported.operator else None
    record(scope, "inspection.imported", {"results": row.sha256}, facts, personal, person)
    index = log_report(scope, signed, inspection.id)
    InspectionRow.update(log_index=index).where(InspectionRow.id == inspection.id).execute()
    occasion = Occasion(
        inspection.id, part_id, asset_id, one.item.serial, IMPORT, reported.measured_at,
        instrument_id=_instrument(reported.instrument), operator_id=person,
    )  # fmt: skip
    record_measurements(scope, occasion, [judged.finding for judged in one.judged.rows])
    if amends:
        *older, newest = recorded_of_one(scope, inspection)
        supersede_measurements(scope, older, newest)
    emit("inspection.judged", {"inspection": inspection.id, "state": "judged", "verdict": one.judged.decision})


def _context(row: ResultsFile, one: Planned) -> str:
    """Who and what, as it was known when the file was recorded."""
    said = {
        "asset": one.item.asset, "serial": one.item.serial, "part": one.item.part, "results_file": row.name,
        "captured_at": one.judged.reported.measured_at, "received_at": row.received_at,
        "instrument": one.judged.reported.instrument,
    }  # fmt: skip
    return canonical_bytes(said).decode()


def _instrument(named: str) -> str | None:
    """The newest revision of the instrument with this name or serial number in the open scope."""
    if not named:
        return None
    alike = (Instrument.name == named) | (Instrument.serial == named)
    found = Instrument.select().where(alike).order_by(Instrument.revision.desc()).first()
    return found.id if found else None


def _finish(lease: Lease, state: str, error: D2RError | None = None) -> None:
    columns: dict[str, Any] = {"error_code": None, "error_message": None, "error_hint": None}
    if error:
        columns = {"error_code": error.code, "error_message": error.message, "error_hint": error.hint}
    with lease.writing(**columns):
        ResultsFile.update(state=state, finished_at=rfc3339_us(utc_now()), lease_until=None).where(
            ResultsFile.id == lease.row_id
        ).execute()
        facts = {"file": lease.row_id} | ({"code": error.code} if error else {})
        record(lease.scope, f"results.{state}", {"results": lease.row().sha256}, facts)
        emit(f"results.{state}", {"file": lease.row_id, "state": state})


def _give_back(lease: Lease, row: ResultsFile, error: Unavailable) -> None:
    """A resource is missing: the file waits, and is given up when that was tried too often."""
    if (error.permanent or row.attempts >= ATTEMPT_LIMIT) and not _inspections(lease.scope, row):
        _finish(lease, "failed", error)
        return
    later = rfc3339_us(utc_now() + timedelta(seconds=_WAIT_S * min(row.attempts, 30)))
    columns = {"error_code": error.code, "error_message": error.message, "error_hint": error.hint}
    lease.write(lease_until=None, not_before=later, **columns)
