"""Reports of stored inspections: handed out as they were stored.  Every export validates the log first."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Final

from appliance.audit.database_log import DatabaseLog
from appliance.audit.recording import record
from appliance.core.canonical import loads_strict
from appliance.core.ids import new_id
from appliance.errors import Conflict, NotFound
from appliance.inspections.evidence import evidence_of
from appliance.inspections.models import InspectionRow
from appliance.inspections.service import get_inspection
from appliance.objects.sealed import ObjectStore
from appliance.reports.pack import evidence_digests, evidence_files, write_evidence_pack
from appliance.reports.records import ENVELOPE_NAME, PDF_NAME, PROOF_NAME, RESULT_NAME
from appliance.tenancy.scope import WorkspaceScope

#: File of a report -> the column that names its object, and its media type.
FILES: Final[Mapping[str, tuple[str, str]]] = {
    PDF_NAME: ("pdf_object", "application/pdf"),
    ENVELOPE_NAME: ("envelope_object", "application/json"),
    PROOF_NAME: ("proof_object", "text/plain; charset=utf-8"),
    RESULT_NAME: ("result_object", "application/json"),
    "points.d2rt": ("tiles_object", "application/octet-stream"),
    "field.npz": ("field_object", "application/octet-stream"),
}


@dataclass(frozen=True)
class StoredReport:
    """A recorded report: its number, its place in the log and what its files are."""

    inspection_id: str
    number: str
    issued_at: str
    log_index: int
    envelope_sha256: str
    verdict: str


def stored_report(scope: WorkspaceScope, inspection_id: str) -> StoredReport:
    """The report of an inspection.

    Raises
    ------
    NotFound : no such inspection
    Conflict : it has no verdict yet
    """
    row = _recorded(scope, inspection_id)
    return StoredReport(row.id, row.report_number, row.issued_at, row.log_index, row.envelope_sha256, row.verdict)


def report_file(scope: WorkspaceScope, inspection_id: str, name: str) -> Iterator[bytes]:
    """One file of a report in blocks, as it was stored; the log is validated first, and the export is logged.

    Raises
    ------
    Modified : the log or the object is not what it was
    NotFound : a report on imported results has no such file
    """
    row = _recorded(scope, inspection_id)
    stored = getattr(row, FILES[name][0])
    if stored is None:
        raise NotFound("report.file", "The report has no such file: its results were not computed from a scan here.")
    _validated(scope, row, name)
    with ObjectStore.of(scope).open(stored) as stream:
        while block := stream.read(1 << 20):
            yield block


def export_pack(scope: WorkspaceScope, inspection_id: str, sink: IO[bytes]) -> None:
    """Write the evidence pack of a report: scan, CAD, plan, report, proof and both verifiers.

    Everything is as it was stored; a later anchor of the proof is asked from the audit log.

    Raises
    ------
    Modified : the log, an object or the evidence is not what it was
    """
    row = _recorded(scope, inspection_id)
    _validated(scope, row, "evidence.zip")
    store = ObjectStore.of(scope)
    folder = scope.settings.scratch_folder / new_id("exp")
    try:
        evidence = evidence_of(scope, row, folder)
        files = {name: store.read(getattr(row, column)) for name, (column, _) in list(FILES.items())[:4]}
        hashes = loads_strict(files[RESULT_NAME])["hashes"]
        originals = evidence_files(evidence, hashes)
        write_evidence_pack(sink, files, originals, evidence_digests(originals))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _recorded(scope: WorkspaceScope, inspection_id: str) -> InspectionRow:
    row = get_inspection(scope, inspection_id)
    if row.state != "recorded":
        raise Conflict(
            "report.not_issued", f"The inspection is {row.state}; it has no report.", "Wait for its verdict."
        )
    return row


def _validated(scope: WorkspaceScope, row: InspectionRow, name: str) -> None:
    """An export: the whole chain holds up to its checkpoint, and the log says who took what."""
    DatabaseLog.of(scope).validate_for_export()
    with scope.transaction():
        record(scope, "report.exported", {"envelope": row.envelope_sha256}, {"report": row.report_number, "file": name})
