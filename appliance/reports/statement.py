"""The signed statement: an in-toto Statement v1 that names every input by hash and carries the whole report.

Measured values are decimal strings with their unit in the field's name; nothing is a binary float.
Timings are not signed: they say nothing about the part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import numpy as np

from appliance import __version__
from appliance.core.canonical import canonical_bytes, decimal_mm
from appliance.core.clock import rfc3339
from appliance.inspections.records import Inspection
from appliance.qc.records import Characteristic, CharacteristicResult
from appliance.reports import decision_rule
from appliance.reports.records import RESULT_NAME, EvidenceFile

STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE: Final = "urn:d2r-appliance:inspection-report:v1"
PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"

Json = dict[str, Any]


def report_statement(
    inspection: Inspection,
    *,
    number: str,
    issued_at: datetime,
    evidence: Sequence[EvidenceFile],
    result_sha256: str,
    certificate_sha256: str,
    pack: Mapping[str, str],
) -> bytes:
    """The canonical bytes of the statement that the envelope signs.

    ``pack`` names the constant files of the evidence pack (verifiers, README) by SHA-256.
    """
    subjects = [_subject(file.name, file.sha256, role=file.role) for file in evidence]
    subjects.append(_subject(RESULT_NAME, result_sha256, role="result"))
    predicate: Json = {
        "report": {"number": number, "issued_at": rfc3339(issued_at)},
        "engine": {"name": "D2R Appliance", "version": __version__},
        "verdict": {"decision": inspection.verdict.decision, "reasons": list(inspection.verdict.reasons)},
        "decision_rule": decision_rule.statement(),
        "characteristics": [_result(result) for result in inspection.verdict.results],
        "plan": _plan(inspection),
        "alignment": _alignment(inspection),
        "cad": _cad(inspection),
        "instrument": _instrument(inspection),
        "points": inspection.result.get("points"),
        "outliers": inspection.result.get("outliers"),
        "deviation_mm": _statistics(inspection.result.get("deviation_mm", {})),
        "pdf_certificate_sha256": certificate_sha256,
        "pack_sha256": dict(pack),
    }
    if context := inspection.result.get("context"):
        predicate["context"] = dict(context)
    record = {"_type": STATEMENT_TYPE, "subject": subjects, "predicateType": PREDICATE_TYPE, "predicate": predicate}
    return canonical_bytes(record)


def _subject(name: str, sha256: str, role: str) -> Json:
    return {"name": name, "digest": {"sha256": sha256}, "annotations": {"role": role}}


def _result(result: CharacteristicResult) -> Json:
    return {
        "characteristic": _characteristic(result.characteristic),
        "decision": result.decision,
        "reasons": list(result.reasons),
        "value_mm": _mm(result.value_mm),
        "u_mm": _mm(result.u_mm),
        "U_mm": _mm(result.expanded_mm),
        "k": _number(result.k),
        "guard_band_mm": _mm(result.guard_band_mm),
        "conformance_probability": _number(result.conformance_probability),
        "budget": [{"name": line.name, "u_mm": _mm(line.u_mm), "source": line.source} for line in result.budget],
        "coverage": _number(result.coverage),
        "largest_uncovered_mm": _mm(result.largest_uncovered_mm),
        "zone_area_mm2": _number(result.zone_area_mm2),
        "left_out_area_mm2": _number(result.left_out_area_mm2),
        "points": result.points,
        "cells": result.cells,
        "minimum_mm": _mm(result.minimum_mm),
        "maximum_mm": _mm(result.maximum_mm),
        "minimum_at_mm": _place(result.minimum_at_mm),
        "maximum_at_mm": _place(result.maximum_at_mm),
    }


def _characteristic(asked: Characteristic) -> Json:
    return {
        "name": asked.name,
        "zone": asked.zone,
        "quantity": asked.quantity,
        "lower_mm": _mm(asked.lower_mm),
        "upper_mm": _mm(asked.upper_mm),
        "coverage": _number(asked.coverage),
        "detect_mm": _mm(asked.detect_mm),
        "edge_mm": _mm(asked.edge_mm),
        "u_instrument_mm": _mm(asked.u_instrument_mm),
        "uncovered_mm": _mm(asked.uncovered_mm),
    }


def _plan(inspection: Inspection) -> Json:
    plan = inspection.plan
    return {
        "name": plan.name,
        "version": plan.version,
        "content_sha256": plan.content_sha256,
        "cap_mm": _mm(plan.cap_mm),
        "alignment": plan.alignment,
        "datums": list(plan.datums),
        "reference_zones": list(plan.reference_zones),
    }


def _alignment(inspection: Inspection) -> Json:
    found = inspection.alignment
    return {
        "mode": found.mode,
        "part_from_scanner": [[_number(value) for value in row] for row in np.asarray(found.part_from_scanner)],
        "residual_rms_mm": _mm(found.residual_rms_mm),
        "points_used": int(found.points_used),
        "translation_u_mm": _mm(found.translation_u_mm),
        "rotation_u_rad": _number(found.rotation_u_rad),
        "ambiguous": bool(found.ambiguous),
        "best_distinct_ratio": _number(found.best_distinct_ratio),
        "reasons": list(found.reasons),
    }


def _cad(inspection: Inspection) -> Json:
    cad = inspection.cad
    return {
        "format": cad.format,
        "unit": cad.unit,
        "content_sha256": cad.content_sha256,
        "triangles": len(cad.mesh.triangles),
        "chord_mm": _mm(cad.chord_mm),
        "closed": bool(cad.closed),
        "findings": [
            {"code": f.code, "severity": f.severity, "message": f.message, "count": int(f.count)} for f in cad.findings
        ],
    }


def _instrument(inspection: Inspection) -> Json | None:
    stated = inspection.instrument
    if stated is None:
        return None
    return {
        "maker": stated.maker,
        "model": stated.model,
        "serial": stated.serial,
        "certificate": stated.certificate,
        "calibrated_on": stated.calibrated_on,
        "due_on": stated.due_on,
        "u_cal_mm": _mm(stated.u_cal_mm),
        "u_cal_source": stated.u_cal_source,
        "temperature_c": _number(stated.temperature_c),
        "temperature_corrected": bool(stated.temperature_corrected),
    }


def _statistics(statistics: Mapping[str, Any]) -> Json:
    return {name: value if name == "count" else _mm(value) for name, value in statistics.items()}


def _mm(value: float | None) -> str | None:
    """A length as a decimal string; nothing for what was not measured (None, NaN, infinite)."""
    return None if value is None or not np.isfinite(value) else decimal_mm(float(value))


def _number(value: float | None) -> str | None:
    """A number without a length unit, in the shortest spelling that gives it back."""
    return None if value is None or not np.isfinite(value) else repr(float(value))


def _place(point: tuple[float, float, float] | None) -> list[str | None] | None:
    return None if point is None else [_mm(value) for value in point]
