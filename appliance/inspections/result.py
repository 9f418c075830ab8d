"""result.json: the contract for scripts. Numbers in mm; missing numbers are null."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from appliance.alignment.records import Alignment
from appliance.cad.records import CadModel
from appliance.deviation.statistics import DeviationStatistics
from appliance.measurements.plan import Plan
from appliance.qc.decision import RULE
from appliance.qc.records import CharacteristicResult, Contribution, Instrument, Verdict
from appliance.scans.records import PointCloud

FORMAT = "d2r-result/1"


def alignment_table(alignment: Alignment) -> dict[str, Any]:
    """The alignment as result.json shows it."""
    return {
        "part_from_scanner": [[float(x) for x in row] for row in alignment.part_from_scanner],
        "residual_rms_mm": _finite(alignment.residual_rms_mm),
        "ambiguous": alignment.ambiguous,
        "mode": alignment.mode,
        "best_distinct_ratio": _finite(alignment.best_distinct_ratio),
        "points_used": alignment.points_used,
        "translation_u_mm": _finite(alignment.translation_u_mm),
        "rotation_u_rad": _finite(alignment.rotation_u_rad),
        "reasons": list(alignment.reasons),
        "details": plain(alignment.details),
    }


def characteristic_table(result: CharacteristicResult) -> dict[str, Any]:
    """One characteristic as result.json shows it."""
    asked = result.characteristic
    return {
        "name": asked.name,
        "zone": asked.zone,
        "quantity": asked.quantity,
        "value_mm": result.value_mm,
        "u_mm": result.u_mm,
        "U_mm": result.expanded_mm,
        "k": result.k,
        "lower_mm": asked.lower_mm,
        "upper_mm": asked.upper_mm,
        "coverage": result.coverage,
        "coverage_required": asked.coverage,
        "decision": result.decision,
        "reasons": list(result.reasons),
        "conformance_probability": result.conformance_probability,
        "guard_band_mm": result.guard_band_mm,
        "detect_mm": asked.detect_mm,
        "cell_mm": asked.cell_mm,
        "edge_mm": asked.edge_mm,
        "points": result.points,
        "cells": result.cells,
        "zone_area_mm2": result.zone_area_mm2,
        "left_out_area_mm2": result.left_out_area_mm2,
        "largest_uncovered_mm": result.largest_uncovered_mm,
        "minimum_mm": result.minimum_mm,
        "maximum_mm": result.maximum_mm,
        "minimum_at_mm": plain(result.minimum_at_mm),
        "maximum_at_mm": plain(result.maximum_at_mm),
        "budget": [_line(line) for line in result.budget],
    }


def statistics_table(statistics: DeviationStatistics) -> dict[str, Any]:
    """Statistics of deviation over inlier points, mm; null without inliers."""
    return {
        "count": statistics.count,
        "mean": _finite(statistics.mean_mm),
        "std": _finite(statistics.std_mm),
        "min": _finite(statistics.min_mm),
        "max": _finite(statistics.max_mm),
        **{f"p{rank}": _finite(value) for rank, value in statistics.percentiles_mm.items()},
    }


def plan_table(plan: Plan) -> dict[str, Any]:
    """The inspection plan beside its characteristics."""
    asked = plan.characteristics
    return {
        "version": asked.version,
        "sha256": asked.content_sha256,
        "alignment": asked.alignment,
        "datums": list(asked.datums),
        "reference_zones": list(asked.reference_zones),
        "cap_mm": asked.cap_mm,
    }


def instrument_table(instrument: Instrument | None) -> dict[str, Any] | None:
    """The instrument's statement, or null where none was given."""
    return None if instrument is None else plain(asdict(instrument))


def cad_table(cad: CadModel) -> dict[str, Any]:
    """The CAD revision, its zones and what its checks found."""
    corners = cad.mesh.vertices_mm[cad.mesh.triangles.ravel()]
    return {
        "format": cad.format,
        "unit": cad.unit,
        "sha256": cad.content_sha256,
        "triangles": len(cad.mesh.triangles),
        "bounds_mm": [plain(corners.min(axis=0)), plain(corners.max(axis=0))],
        "chord_mm": cad.chord_mm,
        "closed": cad.closed,
        "zones": {name: len(zone.triangles) for name, zone in cad.zones.items()},
        "findings": [
            {"code": item.code, "severity": item.severity, "message": item.message, "count": item.count}
            for item in cad.findings
        ],
    }


def scan_table(cloud: PointCloud, sha256: str) -> dict[str, Any]:
    """The scan and its stations."""
    summary = cloud.summary
    return {
        "format": summary.format,
        "sha256": sha256,
        "records": summary.record_count,
        "points": len(cloud),
        "invalid": summary.invalid_count,
        "stations": [
            {"name": item.name, "points": item.point_count, "position_mm": plain(item.position_mm)}
            for item in summary.stations
        ],
        "bounds_mm": plain(summary.bounds_mm),
        "warnings": list(summary.warnings),
    }


def verdict_table(verdict: Verdict) -> dict[str, Any]:
    """Keys of the verdict, to be merged into the result."""
    return {"verdict": verdict.decision, "verdict_reasons": list(verdict.reasons), "decision_rule": RULE}


def plain(value: Any) -> Any:
    """``value`` in JSON types: arrays become lists, numpy numbers Python's, what is not finite null."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(item) for item in value]
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return _finite(float(value))
    return value if value is None or isinstance(value, str) else str(value)


def _line(line: Contribution) -> dict[str, Any]:
    return {"name": line.name, "u_mm": line.u_mm, "source": line.source}


def _finite(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(value)
