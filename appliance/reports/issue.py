"""Issuing a report: from an inspection to files that anyone can check.

The order is forced: each step names the one before by its hash.

1. result.json, the contract for scripts.
2. The statement over result and evidence, signed: report.json.
3. A log entry that names the envelope, and the proof that the log holds it: report.tlog-proof.
4. The PDF, which prints and embeds 2 and 3, signed with the certificate that 2 names.
5. The evidence pack with all of it.

What can fail for reasons of the input (views, hashes) comes before the log is touched.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from appliance.audit.entry import Entry
from appliance.audit.interface import Log
from appliance.audit.proof import parse_proof
from appliance.core.clock import rfc3339
from appliance.core.files import whole_file, write_whole
from appliance.crypto.dsse import sign_envelope
from appliance.crypto.keystore import KeyStore
from appliance.errors import InvalidInput, Unavailable
from appliance.inspections.records import Inspection
from appliance.reports.document import compose
from appliance.reports.pack import constant_hashes, evidence_digests, evidence_files, write_evidence_pack
from appliance.reports.pdf_signature import sign_pdf
from appliance.reports.records import (
    ENVELOPE_NAME,
    PACK_NAME,
    PDF_NAME,
    PROOF_NAME,
    RESULT_NAME,
    EvidenceFile,
    IssuedReport,
    Record,
    ReportFacts,
)
from appliance.reports.sections.views import View, render_views
from appliance.reports.statement import PAYLOAD_TYPE, report_statement

#: The kind of log entry that stands for an issued report.
ENTRY_KIND: Final = "report.issued"

Progress = Callable[[float], None]


@dataclass(frozen=True)
class Draft:
    """A report that is signed and waits for its place in the log.

    ``result`` and ``envelope`` are the bytes of their files.
    """

    number: str
    issued_at: datetime
    result: bytes
    result_sha256: str
    envelope: bytes
    evidence: tuple[EvidenceFile, ...]


def issue_report(
    inspection: Inspection,
    folder: Path,
    *,
    keys: KeyStore,
    log: Log,
    issued_at: datetime,
    views: Sequence[View] | None = None,
    progress: Progress | None = None,
) -> IssuedReport:
    """Write result.json, report.json, report.tlog-proof, report.pdf and evidence.zip into ``folder``.

    ``views`` are those of ``render_views``, if they have been rendered already; ``progress`` receives the share
    done, 0 to 1.  The scan is streamed, never held in memory.

    Raises
    ------
    InvalidInput : an evidence file cannot be read or changes meanwhile, or the result is not JSON
    Modified : the log fails its own validation
    Unavailable : the folder cannot be written
    """
    report = progress or _silent
    _make(folder)
    # 1. The result, and what it rests on; 2. the statement.
    draft = draft_report(inspection, keys=keys, issued_at=issued_at)
    report(0.15)
    if views is None:
        views = render_views(inspection, lambda share: report(0.15 + 0.45 * share))
    # 3. The log.
    record = record_of(draft.envelope, keys, log.proof_file(log.append(log_entry(inspection, draft))))
    report(0.65)
    # 4. The PDF.
    with ThreadPoolExecutor(1) as beside:
        digests = beside.submit(evidence_digests, draft.evidence)
        pdf = print_report(inspection, draft, record, views, keys)
    report(0.8)
    # 5. The files.
    files = {RESULT_NAME: draft.result, ENVELOPE_NAME: draft.envelope, PROOF_NAME: record.proof, PDF_NAME: pdf}
    for name, data in files.items():
        write_whole(folder / name, data)
    with whole_file(folder / PACK_NAME) as sink:
        write_evidence_pack(sink, files, draft.evidence, digests.result())
    report(1.0)
    return IssuedReport(
        draft.number,
        folder / RESULT_NAME,
        folder / ENVELOPE_NAME,
        folder / PROOF_NAME,
        folder / PDF_NAME,
        folder / PACK_NAME,
        record.envelope_sha256,
        record.index,
    )


def draft_report(inspection: Inspection, *, keys: KeyStore, issued_at: datetime) -> Draft:
    """The result and the signed statement over it: the same inputs give the same bytes.

    Raises
    ------
    InvalidInput : an evidence file cannot be read, or the result is not JSON
    """
    result = result_bytes(inspection.result)
    evidence = evidence_files(inspection.evidence, inspection.result["hashes"])
    digest = sha256(result).hexdigest()
    number = report_number(issued_at, digest)
    statement = report_statement(
        inspection,
        number=number,
        issued_at=issued_at,
        evidence=evidence,
        result_sha256=digest,
        certificate_sha256=keys.pdf_identity().fingerprint,
        pack=constant_hashes(),
    )
    envelope = sign_envelope(statement, PAYLOAD_TYPE, (keys.signer(),))
    return Draft(number, issued_at, result, digest, envelope, evidence)


def report_number(issued_at: datetime, result_sha256: str) -> str:
    """The number of a report: its day and the beginning of its result's hash."""
    return f"D2R-{issued_at:%Y%m%d}-{result_sha256[:8].upper()}"


def log_entry(inspection: Inspection, draft: Draft) -> Entry:
    """What the log holds of a report: the hashes of envelope, result and evidence."""
    subjects = {"envelope": sha256(draft.envelope).hexdigest(), "result": draft.result_sha256}
    subjects |= {file.role: file.sha256 for file in draft.evidence}
    facts = {"report": draft.number, "verdict": inspection.verdict.decision}
    return Entry(ENTRY_KIND, draft.issued_at, subjects, facts)


def print_report(inspection: Inspection, draft: Draft, record: Record, views: Sequence[View], keys: KeyStore) -> bytes:
    """The signed PDF of a report that the log holds."""
    facts = ReportFacts(draft.number, draft.issued_at, draft.evidence, draft.result_sha256, record, inspection)
    title = f"Inspection report {draft.number}, issued {rfc3339(draft.issued_at)}"
    return sign_pdf(compose(facts, views), keys.pdf_identity(), title)


def result_bytes(result: Mapping[str, Any]) -> bytes:
    """The bytes of result.json.

    Raises
    ------
    InvalidInput : the result has no JSON form
    """
    try:
        return json.dumps(dict(result), indent=2, ensure_ascii=False, allow_nan=False).encode() + b"\n"
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput("report.result", f"The result has no JSON form: {error}.") from error


def record_of(envelope: bytes, keys: KeyStore, proof_file: bytes) -> Record:
    """Where a signed statement stands in the log, from the proof file that says so."""
    proof = parse_proof(proof_file)
    return Record(
        envelope=envelope,
        envelope_sha256=sha256(envelope).hexdigest(),
        proof=bytes(proof),
        index=proof.index,
        tree_size=proof.checkpoint.size,
        checkpoint=bytes(proof.note).decode(),
        signer=keys.signer().verifier.label,
        certificate_sha256=keys.pdf_identity().fingerprint,
        certificate_subject=f"CN={keys.name}",
    )


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(
            "report.folder", f"{folder}: {error.strerror}.", "Choose a folder that can be written."
        ) from error


def _silent(share: float) -> None:
    return None
