"""Issuing the report of an inspection that a job carries: once, whatever happens in between.

Order of commits when a report is issued, and what a crash between two of them leaves:

1. result and envelope are objects: unnamed objects, swept later;
2. one transaction: the log entry, the row ``judged`` with both names.  From here on the job takes up what was
   signed, whatever it computes anew;
3. proof and PDF are objects, field and skin of the twin too: unnamed again;
4. one transaction: measurements, the names of both, the version of the twin, the row ``recorded``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from appliance.audit.database_log import DatabaseLog
from appliance.audit.recording import record
from appliance.core.canonical import loads_strict
from appliance.core.clock import rfc3339, rfc3339_us, utc_now
from appliance.core.faults import point
from appliance.crypto.dsse import open_envelope
from appliance.inspections.keeper import Keeper
from appliance.inspections.lease import Lease
from appliance.inspections.models import InspectionRow
from appliance.inspections.records import Inspection
from appliance.inspections.repository import recorded_of_one
from appliance.inspections.service import get_inspection
from appliance.measurements.instruments import instrument_of
from appliance.measurements.models import SCAN
from appliance.measurements.recording import Finding, Occasion, key_of, record_measurements, supersede_measurements
from appliance.measurements.suspicion import said_in_reports
from appliance.objects.sealed import ObjectStore
from appliance.plant.models import Asset
from appliance.queue.outbox import emit
from appliance.reports.issue import ENTRY_KIND, Draft, draft_report, log_entry, print_report, record_of
from appliance.reports.pack import evidence_files
from appliance.reports.sections.views import render_views
from appliance.scans.models import Scan
from appliance.tenancy.scope import WorkspaceScope
from appliance.twin.recording import Prepared, prepare, record_version


def issue(lease: Lease, inspection: Inspection, folder: Path, keeper: Keeper) -> None:
    """Sign, log, print and store the report of an inspection that a job carries; the row ends as ``recorded``."""
    scope, row = lease.scope, lease.row()
    store = ObjectStore.of(scope)
    views = render_views(inspection, lambda share: keeper.advance("report", 0.6 * share))
    # 1. and 2. Signed and logged, or signed and logged already.
    draft = _taken_up(scope, store, row, inspection) or _judge(lease, store, inspection)
    inspection = replace(inspection, result=loads_strict(draft.result))
    index = int(lease.row().log_index)
    point("report.judged")
    # 3. Proof and PDF.
    place = record_of(draft.envelope, scope.keys, DatabaseLog.of(scope).proof_file(index))
    pdf = store.put_bytes(print_report(inspection, draft, place, views, scope.keys))
    proof = store.put_bytes(place.proof)
    twin = prepare(scope, inspection)
    keeper.advance("report", 0.95)
    point("report.printed")
    # 4. Recorded.
    with lease.writing(
        state="recorded", proof_object=proof.name, pdf_object=pdf.name, finished_at=rfc3339_us(utc_now()),
        lease_until=None, step="", progress=1.0, error_code=None, error_message=None, error_hint=None,
    ):  # fmt: skip
        _write_measurements(scope, row, draft.result)
        _write_twin(scope, row.id, twin)
        facts = {"inspection": row.id, "report": draft.number, "verdict": inspection.verdict.decision}
        record(scope, "inspection.recorded", {"pdf": pdf.sha256, "proof": proof.sha256}, facts)
        emit(
            "inspection.recorded",
            {"inspection": row.id, "scan": row.scan_id, "state": "recorded", "verdict": inspection.verdict.decision},
        )
    point("report.recorded")


def _judge(lease: Lease, store: ObjectStore, inspection: Inspection) -> Draft:
    scope, row, now = lease.scope, lease.row(), utc_now()
    inspection = _suspected(scope, row, _amending(scope, row, inspection))
    draft = draft_report(inspection, keys=scope.keys, issued_at=now.replace(microsecond=0))
    result, envelope = store.put_bytes(draft.result), store.put_bytes(draft.envelope)
    point("report.signed")
    with lease.writing(
        state="judged", verdict=inspection.verdict.decision, engine=inspection.result["engine"],
        report_number=draft.number, issued_at=rfc3339(draft.issued_at), result_object=result.name,
        envelope_object=envelope.name, envelope_sha256=envelope.sha256,
    ):  # fmt: skip
        entry = log_entry(inspection, draft)
        index = record(scope, ENTRY_KIND, entry.subjects, {**entry.facts, "inspection": lease.row_id})
        InspectionRow.update(log_index=index).where(InspectionRow.id == lease.row_id).execute()
        state = {"inspection": lease.row_id, "state": "judged", "verdict": inspection.verdict.decision}
        emit("inspection.judged", state)
    return draft


def _taken_up(scope: WorkspaceScope, store: ObjectStore, row: InspectionRow, inspection: Inspection) -> Draft | None:
    """What an earlier attempt signed and logged, as it stands; None where there is none that can still be printed.

    A statement names the certificate of its PDF: one that was rotated away since signs nothing any more, and the
    report is issued anew.
    """
    if not row.envelope_object:
        return None
    result, envelope = store.read(row.result_object), store.read(row.envelope_object)
    statement = loads_strict(open_envelope(envelope).payload)
    if statement["predicate"]["pdf_certificate_sha256"] != scope.keys.pdf_identity().fingerprint:
        return None
    evidence = evidence_files(inspection.evidence, loads_strict(result)["hashes"])
    issued_at = datetime.fromisoformat(row.issued_at)
    return Draft(row.report_number, issued_at, result, sha256(result).hexdigest(), envelope, evidence)


def _amending(scope: WorkspaceScope, row: InspectionRow, inspection: Inspection) -> Inspection:
    """An amended report names the original and the reason (ISO/IEC 17025, 7.8.8)."""
    if not row.amends_id:
        return inspection
    original = get_inspection(scope, row.amends_id)
    amends = {
        "inspection": original.id, "report_number": original.report_number,
        "envelope_sha256": original.envelope_sha256, "reason": row.reason,
    }  # fmt: skip
    return _saying(inspection, {"amends": amends})


def _suspected(scope: WorkspaceScope, row: InspectionRow, inspection: Inspection) -> Inspection:
    """A report says what speaks against it when it is signed.

    Where the key of the device that sent the scan was in other hands, and where the instrument is suspect.
    """
    with scope:
        scan, occasion = Scan.get_by_id(row.scan_id), _occasion(row)
    said = said_in_reports(scope, occasion.instrument_id, occasion.measured_at)
    if scan.suspect_since:
        said["suspect"] = {"since": scan.suspect_since, "reason": scan.suspect_reason}
    return _saying(inspection, said)


def _saying(inspection: Inspection, said: Mapping[str, Any]) -> Inspection:
    """The inspection with more in the context of its result."""
    context = {**inspection.result["context"], **said}
    return replace(inspection, result={**inspection.result, "context": context}) if said else inspection


def _write_measurements(scope: WorkspaceScope, row: InspectionRow, result: bytes) -> None:
    """Write what was measured; of an original and its amendments the newest counts, whichever was ready first."""
    record_measurements(scope, _occasion(row), [_finding(item) for item in json.loads(result)["characteristics"]])
    if row.amends_id:
        *older, newest = recorded_of_one(scope, row)
        supersede_measurements(scope, older, newest)


def _write_twin(scope: WorkspaceScope, inspection_id: str, prepared: Prepared | None) -> None:
    """Write the version of the twin that an inspection makes, if it makes one."""
    if prepared is None:
        return
    row = get_inspection(scope, inspection_id)
    family = recorded_of_one(scope, row) if row.amends_id else [row.id]
    record_version(scope, row, prepared, _occasion(row).measured_at, family)


def _occasion(row: InspectionRow) -> Occasion:
    """When, on what and with what a scan measured; a device whose clock is wrong measured when its scan came."""
    scan = Scan.get_by_id(row.scan_id)
    return Occasion(
        inspection_id=row.id, part_id=row.part_id, asset_id=row.asset_id, serial=Asset.get_by_id(row.asset_id).serial,
        source=SCAN, measured_at=scan.captured_at if scan.clock_skew_s is None else scan.received_at,
        cad_revision_id=row.cad_revision_id, instrument_id=instrument_of(row.instrument_object),
        operator_id=scan.operator_person_id,
    )  # fmt: skip


def _finding(item: Mapping[str, Any]) -> Finding:
    alike = (
        "name", "zone", "quantity", "k", "coverage", "coverage_required", "conformance_probability", "decision",
    )  # fmt: skip
    lengths = {name: item[f"{name}_mm"] for name in ("value", "u", "lower", "upper")}
    key = key_of(item["name"], item["zone"], item["quantity"])
    return Finding(key=key, unit="mm", **lengths, **{name: item[name] for name in alike})
