"""A small inspection without a scan behind it: every decision once, closed shapes, a field in closed form.

The part is a plate of 120 x 80 x 16 mm with a boss of diameter 40 and height 18.  The field is worn on the
boss, dented on the plate and empty on the right face, as functions of position.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from appliance import __version__
from appliance.alignment.records import Alignment
from appliance.cad.records import CadModel, MeshFinding, TriangleMesh, Zone
from appliance.deviation.field import CellField
from appliance.inspections.records import Histogram, Inspection
from appliance.qc.records import (
    Characteristic,
    CharacteristicResult,
    CharacteristicSet,
    Contribution,
    Instrument,
    Verdict,
)

Float64 = npt.NDArray[np.float64]
EVIDENCE_NAMES = ("scan", "cad", "characteristics", "zones", "instrument", "alignment")


def sample_inspection(
    folder: Path, decision: str = "fail", *, instrument: bool = True, long_names: bool = False
) -> Inspection:
    """The sample, with its evidence files written into ``folder``."""
    evidence = _write_evidence(folder, with_instrument=instrument)
    mesh, zones = plate_with_boss()
    cad = CadModel(
        mesh,
        zones,
        "stl",
        "mm",
        _sha(evidence["cad"]),
        chord_mm=0.002,
        closed=True,
        findings=(
            MeshFinding("cad.triangles.degenerate", "warning", "3 triangles have no area and are left out.", 3),
            MeshFinding("cad.closed", "note", "The surface is closed and consistently wound."),
        ),
    )
    verdict = Verdict(decision, _REASONS[decision], tuple(_results(long_names)))
    alignment = _alignment(ambiguous=decision == "inconclusive")
    plan = CharacteristicSet(
        tuple(result.characteristic for result in verdict.results),
        _sha(evidence["characteristics"]),
        cap_mm=2.0,
        alignment="reference_zones",
        reference_zones=("datum_a", "side_front"),
        name="Bearing plate, final inspection",
        version="4",
    )
    return Inspection(
        result=_result(evidence, verdict, alignment, mesh),
        verdict=verdict,
        alignment=alignment,
        cad=cad,
        plan=plan,
        instrument=_INSTRUMENT if instrument else None,
        field_at=lambda points, triangles: sample_field(points),
        field=cast(CellField, None),  # no report prints it
        histogram=_histogram(),
        evidence=evidence,
    )


def empty_inspection(folder: Path) -> Inspection:
    """Nothing was seen: no points, no field, no instrument, no alignment of its own."""
    base = sample_inspection(folder, "not_measured", instrument=False)
    results = tuple(
        replace(
            result,
            decision="not_measured",
            value_mm=None,
            u_mm=None,
            coverage=0.0,
            budget=(),
            points=0,
            cells=0,
            guard_band_mm=None,
            conformance_probability=None,
            reasons=("No point lies on this zone.",),
        )
        for result in base.verdict.results
    )
    statistics = dict.fromkeys(base.result["deviation_mm"], None) | {"count": 0}
    return replace(
        base,
        verdict=replace(base.verdict, results=results),
        result=dict(base.result) | {"points": 0, "outliers": 0, "deviation_mm": statistics},
        field_at=lambda points, triangles: np.full(len(points), np.nan),
        field=cast(CellField, None),  # no report prints it
        histogram=Histogram(np.zeros(0, dtype=np.int64), np.zeros(1)),
    )


def sample_field(points: Float64) -> Float64:
    """Deviation in mm: wear on the boss, a dent on the plate, ripple elsewhere, nothing on the right face."""
    x, y, z = points.T
    ripple = 0.012 * np.sin(x / 9.0) * np.cos(y / 7.0)
    dent = -0.16 * np.exp(-((x + 38) ** 2 + (y + 18) ** 2) / (2 * 7.0**2)) * (z > 15.9)
    wear = -0.11 * np.clip((z - 16.0) / 18.0, 0, 1) * (1 + 0.5 * x / 20.0)
    return np.where(x > 59.99, np.nan, ripple + dent + wear + 0.02 * (y / 40.0))


def plate_with_boss() -> tuple[TriangleMesh, dict[str, Zone]]:
    """The mesh of the part and its zones."""
    parts: list[tuple[Float64, npt.NDArray[np.int32]]] = []
    names: list[str] = []
    half = np.array((60.0, 40.0, 8.0))
    for axis in range(3):
        for side in (-1, 1):
            parts.append(_box_face(half, axis, side))
            names.append(
                ("side_left", "side_right", "side_front", "side_rear", "datum_a", "plate_top")[2 * axis + (side > 0)]
            )
    parts += [_boss_wall(), _boss_cap()]
    names += ["boss_wall", "boss_top"]
    vertices, triangles, faces, offset = [], [], [], 0
    for face, (points, indices) in enumerate(parts):
        vertices.append(points)
        triangles.append(indices + offset)
        faces.append(np.full(len(indices), face))
        offset += len(points)
    face_of_triangle = np.concatenate(faces).astype(np.int32)
    mesh = TriangleMesh(np.concatenate(vertices), np.concatenate(triangles).astype(np.int32), face_of_triangle)
    zones = {"all": Zone("all", np.arange(len(mesh.triangles), dtype=np.int32))}
    for face, name in enumerate(names):
        zones[name] = Zone(name, np.flatnonzero(face_of_triangle == face).astype(np.int32))
    return mesh, zones


def _box_face(half: Float64, axis: int, side: int, steps: int = 12) -> tuple[Float64, npt.NDArray[np.int32]]:
    one, two = (axis + 1) % 3, (axis + 2) % 3
    grid = np.linspace(-1, 1, steps + 1)
    u, v = np.meshgrid(grid, grid, indexing="ij")
    points = np.zeros((u.size, 3))
    points[:, axis], points[:, one], points[:, two] = side * half[axis], u.ravel() * half[one], v.ravel() * half[two]
    points[:, 2] += half[2]
    return points, _grid_triangles(steps, steps, flip=side < 0)


def _boss_wall(turns: int = 96) -> tuple[Float64, npt.NDArray[np.int32]]:
    angle = np.linspace(0, 2 * np.pi, turns + 1)
    low = np.column_stack((20 * np.cos(angle), 20 * np.sin(angle), np.full(turns + 1, 16.0)))
    return np.stack((low, low + (0, 0, 18.0)), axis=1).reshape(-1, 3), _grid_triangles(turns, 1, flip=False)


def _boss_cap(turns: int = 96) -> tuple[Float64, npt.NDArray[np.int32]]:
    angle = np.linspace(0, 2 * np.pi, turns + 1)[:-1]
    rim = np.column_stack((20 * np.cos(angle), 20 * np.sin(angle), np.full(turns, 34.0)))
    here = np.arange(turns)
    triangles = np.column_stack((np.full(turns, turns), here, (here + 1) % turns))
    return np.vstack((rim, (0.0, 0.0, 34.0))), triangles.astype(np.int32)


def _grid_triangles(rows: int, columns: int, *, flip: bool) -> npt.NDArray[np.int32]:
    i, j = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
    a = (i * (columns + 1) + j).ravel()
    b, c, d = a + columns + 1, a + columns + 2, a + 1
    triangles = np.vstack((np.column_stack((a, b, c)), np.column_stack((a, c, d))))
    return triangles[:, ::-1].astype(np.int32) if flip else triangles.astype(np.int32)


_REASONS: dict[str, tuple[str, ...]] = {
    "pass": (),
    "fail": ("Characteristic 'Boss top wear' does not conform: P_c = 0.000.",),
    "inconclusive": ("The alignment is ambiguous: another pose fits the scan as well (ratio 1.04).",),
    "not_measured": ("Coverage of zone 'side_right' is 0.0 %, required are 90.0 %.",),
}

_INSTRUMENT = Instrument(
    maker="Zeiss",
    model="T-SCAN hawk 2",
    serial="HK2-004711",
    certificate="DAkkS-K-15017-2026-03",
    calibrated_on="2026-03-14",
    due_on="2027-03-14",
    u_cal_mm=0.0115,
    u_cal_source="MPE 0.020 mm / sqrt 3",
    temperature_c=21.4,
)


def _results(long_names: bool) -> list[CharacteristicResult]:
    budget = (
        Contribution("instrument", 0.0115, "MPE 0.020 mm / sqrt 3 (DAkkS-K-15017-2026-03)"),
        Contribution("repeatability", 0.0008, "s = 0.021 mm, n_eff = 690"),
        Contribution("alignment", 0.0041, "block jackknife, 64 blocks"),
        Contribution("chord", 0.0012, "chord tolerance 0.002 mm / sqrt 3"),
        Contribution("sampling", 0.0021, "bootstrap over 412 cells"),
    )
    u = float(np.sqrt(sum(line.u_mm**2 for line in budget)))
    tail = " of the bearing seat beside the coolant duct, station 3 left" if long_names else ""
    rows: list[tuple[str, str, str, float | None, float | None, str, float | None, float, tuple[str, ...]]] = [
        ("Datum face mean", "datum_a", "mean", -0.05, 0.05, "pass", 0.0043, 0.998, ()),
        ("Boss top wear", "boss_top", "min", -0.10, None, "fail", -0.1621, 0.991, ()),
        (
            "Plate profile",
            "plate_top",
            "profile",
            -0.15,
            0.15,
            "inconclusive",
            0.2873,
            0.973,
            ("P_c = 0.61 lies between 0.05 and 0.95: neither conformity nor non-conformity is proven.",),
        ),
        (
            "Right face p95",
            "side_right",
            "p95",
            None,
            0.08,
            "not_measured",
            None,
            0.0,
            ("Coverage 0.0 % is below the required 90.0 %.", "The largest uncovered disc is 16.0 mm wide."),
        ),
        ("Front face mean", "side_front", "mean", -0.05, 0.05, "pass", -0.0127, 0.982, ()),
    ]
    results = []
    for name, zone, quantity, lower, upper, decision, value, coverage, reasons in rows:
        characteristic = Characteristic(
            (name + tail)[:60] if long_names else name, zone, quantity, lower, upper, 0.9, 5.0, 0.5
        )
        measured = value is not None
        results.append(
            CharacteristicResult(
                characteristic,
                decision,
                value,
                u if measured else None,
                coverage,
                budget if measured else (),
                2.0,
                1.65 * u if measured else None,
                {"pass": 0.9999, "fail": 0.00001, "inconclusive": 0.61}.get(decision),
                reasons,
                18234 if measured else 0,
                412 if measured else 0,
                24.1,
                1256.6,
                1.4 if measured else 16.0,
                -0.1621 if measured else None,
                0.0412 if measured else None,
                (-38.0, -18.0, 16.0) if measured else None,
                (22.4, 31.0, 16.0) if measured else None,
            )
        )
    return results


def _alignment(*, ambiguous: bool) -> Alignment:
    matrix = np.eye(4)
    matrix[:3, :3] = [[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    matrix[:3, 3] = (1204.551, -388.02, 713.4)
    return Alignment(
        matrix,
        "reference_zones",
        0.0214,
        40_000,
        np.zeros((0, 6)),
        np.zeros(3),
        0.0041,
        3.9e-5,
        ambiguous,
        1.04 if ambiguous else 12.7,
        ("A pose turned by 180 degrees about z fits within 1.04 of the residual.",) if ambiguous else (),
        {"starts": 61, "iterations": 7},
    )


def _histogram() -> Histogram:
    edges = np.linspace(-0.2, 0.12, 65)
    centre = (edges[1:] + edges[:-1]) / 2
    counts = 90_000 * np.exp(-0.5 * ((centre - 0.003) / 0.02) ** 2) + 4_000 * np.exp(
        -0.5 * ((centre + 0.11) / 0.02) ** 2
    )
    return Histogram(counts.astype(np.int64), edges)


def _write_evidence(folder: Path, *, with_instrument: bool) -> Mapping[str, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        "scan": ("plate_0042.ply", b"ply\nformat ascii 1.0\n" + bytes(range(256)) * 40),
        "cad": ("bearing plate rev C.stl", b"solid plate\nendsolid plate\n"),
        "characteristics": ("plan.csv", b"name,zone,quantity,lower_mm,upper_mm,coverage\n"),
        "zones": ("zones.toml", b"[zones]\n"),
    }
    if with_instrument:
        files["instrument"] = ("scanner.toml", b'serial = "HK2-004711"\n')
    for file_name, data in files.values():
        (folder / file_name).write_bytes(data)
    return {name: folder / file_name for name, (file_name, _) in files.items()}


def _result(evidence: Mapping[str, Path], verdict: Verdict, alignment: Alignment, mesh: TriangleMesh) -> dict[str, Any]:
    statistics = {
        "count": 1_183_027,
        "mean": -0.0071,
        "std": 0.0312,
        "min": -0.231,
        "max": 0.118,
        "p1": -0.152,
        "p5": -0.081,
        "p25": -0.011,
        "p50": 0.002,
        "p75": 0.014,
        "p95": 0.031,
        "p99": 0.044,
    }
    return {
        "points": 1_184_000,
        "triangles": len(mesh.triangles),
        "deviation_mm": statistics,
        "outliers": 973,
        "alignment": {
            "part_from_scanner": alignment.part_from_scanner.tolist(),
            "residual_rms_mm": alignment.residual_rms_mm,
            "ambiguous": alignment.ambiguous,
            "mode": alignment.mode,
            "best_distinct_ratio": alignment.best_distinct_ratio,
        },
        "characteristics": [
            {
                "name": r.characteristic.name,
                "zone": r.characteristic.zone,
                "quantity": r.characteristic.quantity,
                "value_mm": r.value_mm,
                "u_mm": r.u_mm,
                "U_mm": r.expanded_mm,
                "k": r.k,
                "lower_mm": r.characteristic.lower_mm,
                "upper_mm": r.characteristic.upper_mm,
                "coverage": r.coverage,
                "decision": r.decision,
            }
            for r in verdict.results
        ],
        "verdict": verdict.decision,
        "hashes": {f"{name}_sha256": _sha(path) for name, path in evidence.items()},
        "engine_version": __version__,
        "timings_s": {"read": 1.21, "align": 2.02, "compare": 0.44},
    }


def _sha(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()
