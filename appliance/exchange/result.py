"""result.json of an imported inspection, and the statement that is signed over it.

Nobody's name stands in either: who measured is a personal value of the log, sealed under a key of the person's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final

from appliance import __version__
from appliance.core.canonical import canonical_bytes
from appliance.core.clock import rfc3339
from appliance.exchange.judging import Judged, JudgedInspection
from appliance.inspections.engine import sources_sha256
from appliance.qc.decision import RULE
from appliance.reports import decision_rule
from appliance.reports.records import RESULT_NAME, EvidenceFile
from appliance.reports.statement import PREDICATE_TYPE, STATEMENT_TYPE

FORMAT: Final = "d2r-imported-result/1"
_DECIDING: Final = ("core", "exchange", "foreign", "measurements", "qc")

Json = dict[str, Any]


@dataclass(frozen=True)
class Import:
    """Where an imported inspection comes from.

    ``context`` is who and what, as the appliance knew it then; ``position`` counts the inspections of the file from 1.
    """

    file: Json
    position: int
    notes: tuple[str, ...]
    context: Json


@cache
def engine() -> str:
    """Version and the first twelve digits of the hash of all sources that decide about imported results."""
    return f"{__version__}+{sources_sha256(_DECIDING)[:12]}"


def result_table(judged: JudgedInspection, origin: Import, judged_at: datetime) -> Json:
    """The content of result.json, JSON types only."""
    return {
        "format": FORMAT,
        "engine": engine(),
        "inspected_at": rfc3339(judged_at),
        "results_file": {**origin.file, "position": origin.position},
        "hashes": {"results_sha256": origin.file["sha256"]},
        "measured_at": judged.reported.measured_at,
        "instrument": judged.reported.instrument,
        "characteristics": [_row(row) for row in judged.rows],
        "disagreements": judged.disagreements,
        "verdict": judged.decision,
        "verdict_reasons": list(judged.reasons),
        "decision_rule": RULE,
        "notes": list(origin.notes),
        "context": origin.context,
    }


def _row(row: Judged) -> Json:
    found = row.finding
    return {
        "key": found.key, "name": found.name, "zone": found.zone, "quantity": found.quantity, "unit": found.unit,
        "value": found.value, "u": found.u, "U": found.expanded, "k": found.k, "lower": found.lower,
        "upper": found.upper, "decision": found.decision, "reasons": list(row.reasons),
        "conformance_probability": found.conformance_probability, "guard_band": row.guard_band,
        "source_decision": found.source_decision, "disagrees": found.disagrees,
    }  # fmt: skip


def statement(
    result: Mapping[str, Any], *, number: str, issued_at: datetime, evidence: Sequence[EvidenceFile],
    result_sha256: str, certificate_sha256: str, pack: Mapping[str, str],
) -> bytes:  # fmt: skip
    """The canonical bytes of the statement that the envelope signs: figures as decimal strings, beside their unit."""
    subjects = [_subject(file.name, file.sha256, file.role) for file in evidence]
    predicate: Json = {
        "report": {"number": number, "issued_at": rfc3339(issued_at)},
        "engine": {"name": "D2R Appliance", "version": __version__},
        "verdict": {"decision": result["verdict"], "reasons": result["verdict_reasons"]},
        "decision_rule": decision_rule.statement(),
        "characteristics": [_as_text(row) for row in result["characteristics"]],
        "results_file": result["results_file"],
        "measured_at": result["measured_at"],
        "instrument": result["instrument"],
        "disagreements": result["disagreements"],
        "pdf_certificate_sha256": certificate_sha256,
        "pack_sha256": dict(pack),
        "context": result["context"],
    }
    subjects.append(_subject(RESULT_NAME, result_sha256, "result"))
    record = {"_type": STATEMENT_TYPE, "subject": subjects, "predicateType": PREDICATE_TYPE, "predicate": predicate}
    return canonical_bytes(record)


def _subject(name: str, sha256: str, role: str) -> Json:
    return {"name": name, "digest": {"sha256": sha256}, "annotations": {"role": role}}


def _as_text(row: Mapping[str, Any]) -> Json:
    return {name: repr(value) if isinstance(value, float) else value for name, value in row.items()}
