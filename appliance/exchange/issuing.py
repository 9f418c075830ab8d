"""Reports of imported inspections: drafted and signed before the file is recorded, printed behind its log entries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from appliance.audit.database_log import DatabaseLog
from appliance.audit.recording import record
from appliance.core.canonical import loads_strict
from appliance.core.clock import rfc3339, rfc3339_us, utc_now
from appliance.core.faults import point
from appliance.crypto.dsse import open_envelope, sign_envelope
from appliance.exchange.document import compose
from appliance.exchange.result import statement
from appliance.inspections.models import InspectionRow
from appliance.measurements.suspicion import said_in_reports
from appliance.objects.sealed import ObjectStore
from appliance.queue.outbox import emit
from appliance.reports.issue import ENTRY_KIND, record_of, report_number, result_bytes
from appliance.reports.pack import constant_hashes
from appliance.reports.pdf_signature import sign_pdf
from appliance.reports.records import EvidenceFile, IssuedFacts
from appliance.reports.statement import PAYLOAD_TYPE
from appliance.tenancy.scope import WorkspaceScope


@dataclass(frozen=True)
class Signed:
    """A report that is signed and stored, and waits for its place in the log; ``columns`` are the inspection's."""

    columns: dict[str, Any]
    subjects: dict[str, str]
    facts: dict[str, Any]


def sign(
    scope: WorkspaceScope, judged: dict[str, Any], evidence: tuple[EvidenceFile, ...], instrument_id: str | None
) -> Signed:
    """Sign the report over a result and store both; the log is not touched.

    The report names the suspicion against the instrument that stands now.
    """
    store, issued_at = ObjectStore.of(scope), utc_now().replace(microsecond=0)
    result = _suspected(scope, judged, instrument_id)
    data = result_bytes(result)
    digest = sha256(data).hexdigest()
    number = report_number(issued_at, digest)
    text = statement(
        result, number=number, issued_at=issued_at, evidence=evidence, result_sha256=digest,
        certificate_sha256=scope.keys.pdf_identity().fingerprint, pack=constant_hashes(),
    )  # fmt: skip
    kept, envelope = store.put_bytes(data), store.put_bytes(sign_envelope(text, PAYLOAD_TYPE, (scope.keys.signer(),)))
    columns = {
        "report_number": number, "issued_at": rfc3339(issued_at), "result_object": kept.name,
        "envelope_object": envelope.name, "envelope_sha256": envelope.sha256, "verdict": result["verdict"],
        "engine": result["engine"],
    }  # fmt: skip
    subjects = {"envelope": envelope.sha256, "result": digest} | {file.role: file.sha256 for file in evidence}
    return Signed(columns, subjects, {"report": number, "verdict": result["verdict"]})


def log_report(scope: WorkspaceScope, signed: Signed, inspection_id: str) -> int:
    """Write the entry that stands for the report into the log, in the open transaction; returns its index."""
    return record(scope, ENTRY_KIND, signed.subjects, {**signed.facts, "inspection": inspection_id})


def print_report(scope: WorkspaceScope, inspection_id: str, evidence: tuple[EvidenceFile, ...]) -> None:
    """Print a judged inspection and record it; one that is recorded stays as it is.

    A statement names the certificate of its PDF: where that was rotated away since, the report is signed anew.
    """
    store = ObjectStore.of(scope)
    with scope:
        row = InspectionRow.get_by_id(inspection_id)
    if row.state != "judged":
        return
    envelope, result = store.read(row.envelope_object), store.read(row.result_object)
    said = loads_strict(open_envelope(envelope).payload)["predicate"]
    if said["pdf_certificate_sha256"] != scope.keys.pdf_identity().fingerprint:
        _sign_again(scope, row, loads_strict(result), evidence)
        return print_report(scope, inspection_id, evidence)
    place = record_of(envelope, scope.keys, DatabaseLog.of(scope).proof_file(row.log_index))
    issued_at = datetime.fromisoformat(row.issued_at)
    facts = IssuedFacts(row.report_number, issued_at, evidence, sha256(result).hexdigest(), place)
    title = f"Inspection report {row.report_number}, issued {row.issued_at}"
    printed = sign_pdf(compose(loads_strict(result), facts), scope.keys.pdf_identity(), title)
    pdf, proof = store.put_bytes(printed), store.put_bytes(place.proof)
    point("results.printed")
    _record(
        scope, row, pdf_object=pdf.name, proof_object=proof.name, subjects={"pdf": pdf.sha256, "proof": proof.sha256}
    )


def _suspected(scope: WorkspaceScope, result: dict[str, Any], instrument_id: str | None) -> dict[str, Any]:
    """The result as it is signed: with the suspicion of now, and without one of an earlier signing."""
    known = {name: value for name, value in result["context"].items() if name != "suspect_instrument"}
    return {**result, "context": {**known, **said_in_reports(scope, instrument_id, result["measured_at"])}}


def _sign_again(
    scope: WorkspaceScope, row: InspectionRow, result: dict[str, Any], evidence: tuple[EvidenceFile, ...]
) -> None:
    signed = sign(scope, result, evidence, row.instrument_id)
    with scope.transaction():
        index = log_report(scope, signed, row.id)
        InspectionRow.update(**signed.columns, log_index=index).where(InspectionRow.id == row.id).execute()


def _record(scope: WorkspaceScope, row: InspectionRow, subjects: dict[str, str], **objects: str) -> None:
    with scope.transaction():
        written = InspectionRow.update(state="recorded", finished_at=rfc3339_us(utc_now()), progress=1.0, **objects)
        if written.where(InspectionRow.id == row.id, InspectionRow.state == "judged").execute() != 1:
            return
        facts = {"inspection": row.id, "report": row.report_number, "verdict": row.verdict}
        record(scope, "inspection.recorded", subjects, facts)
        emit("inspection.recorded", {"inspection": row.id, "state": "recorded", "verdict": row.verdict})
