"""A report that was really issued, with keys and a log of its own, and a witness that may cosign it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from appliance.audit.cosignature import cosign
from appliance.audit.interface import Log
from appliance.audit.log import FileLog
from appliance.crypto.keystore import KeyStore
from appliance.crypto.vkey import ALG_COSIGNATURE, Signer
from appliance.inspections.records import Inspection
from appliance.reports.issue import issue_report
from appliance.reports.records import IssuedReport
from tests.audit_books import open_log
from tests.sample_inspection import sample_inspection

ISSUED_AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SEEN_AT = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)


@dataclass(frozen=True)
class SampleReport:
    """The issued files, the store that signed them and its log."""

    folder: Path
    issued: IssuedReport
    keys: KeyStore
    log: Log

    @property
    def vkey(self) -> str:
        return str(self.keys.signer().verifier)

    def anchored_proof(self, witness: Signer) -> bytes:
        """The proof against a checkpoint that ``witness`` cosigned at ``SEEN_AT``."""
        note = self.log.checkpoint()
        self.log.add_anchor(bytes(note.adding(cosign(note.text, witness, SEEN_AT))), (witness.verifier,))
        return self.log.refresh_proof(self.issued.log_index, (witness.verifier,))


def issue_sample(folder: Path, inspection: Inspection | None = None, origin: str | None = None) -> SampleReport:
    """Issue the sample inspection, or another one, below ``folder``; with ``origin`` into a log in a database."""
    keys = KeyStore.open_or_create(folder / "home", "d2r.example/plant-1")
    log: Log = FileLog.of(keys) if origin is None else open_log(folder / "log.db", keys.signer(), origin=origin)
    inspection = inspection or sample_inspection(folder / "evidence")
    issued = issue_report(inspection, folder / "report", keys=keys, log=log, issued_at=ISSUED_AT)
    return SampleReport(folder / "report", issued, keys, log)


def new_witness(name: str = "auditor.example/witness") -> Signer:
    """The key of a witness."""
    return Signer.generate(name, ALG_COSIGNATURE)
