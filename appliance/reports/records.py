"""What a report knows beside the inspection, and what issuing it leaves behind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from appliance.inspections.records import Inspection

#: Names of the files of a report, in a folder and in the evidence pack.
RESULT_NAME: Final = "result.json"
ENVELOPE_NAME: Final = "report.json"
PROOF_NAME: Final = "report.tlog-proof"
PDF_NAME: Final = "report.pdf"
PACK_NAME: Final = "evidence.zip"
REPORT_NAMES: Final = (RESULT_NAME, ENVELOPE_NAME, PROOF_NAME, PDF_NAME, PACK_NAME)


@dataclass(frozen=True)
class EvidenceFile:
    """One file that the verdict rests on.  ``name`` is its place in the pack: ``evidence/scan.e57``."""

    role: str
    name: str
    path: Path
    sha256: str
    size_bytes: int


@dataclass(frozen=True)
class Record:
    """Where the signed statement stands in the log: what the PDF prints and embeds.

    ``checkpoint`` is the signed note as text; ``proof`` the bytes of ``report.tlog-proof``.
    """

    envelope: bytes
    envelope_sha256: str
    proof: bytes
    index: int
    tree_size: int
    checkpoint: str
    signer: str
    certificate_sha256: str
    certificate_subject: str


@dataclass(frozen=True)
class IssuedFacts:
    """What every printed report shows, whatever was measured: its number, its files and its place in the log."""

    number: str
    issued_at: datetime
    evidence: tuple[EvidenceFile, ...]
    result_sha256: str
    record: Record


@dataclass(frozen=True)
class ReportFacts(IssuedFacts):
    """Everything that the printed report on a scan shows."""

    inspection: Inspection


@dataclass(frozen=True)
class IssuedReport:
    """The files of an issued report and their place in the log."""

    number: str
    result: Path
    envelope: Path
    proof: Path
    pdf: Path
    pack: Path
    envelope_sha256: str
    log_index: int
