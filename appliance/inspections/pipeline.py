"""The line itself: evidence -> points -> alignment -> deviation -> verdict.

Data flows one way; each step hands its records to the next and keeps nothing.  The scan's points
are the one large thing in memory and are moved into the part frame in place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from appliance.alignment import rigid
from appliance.alignment.records import Alignment
from appliance.cad.reading import read_cad, zone_file_of
from appliance.cad.records import CadModel
from appliance.cad.zone_file import zone_rules
from appliance.core.clock import rfc3339
from appliance.core.files import sha256_of_file, unreadable
from appliance.core.kernels import in_context, patiently
from appliance.deviation.cells import SurfaceCells
from appliance.deviation.clusters import clusters_beyond_cap
from appliance.deviation.compare import compare
from appliance.deviation.field import CellField
from appliance.deviation.neighbourhood import Neighbourhood, examine
from appliance.deviation.statistics import statistics
from appliance.inspections import frames, result
from appliance.inspections.begin import Begun, begin
from appliance.inspections.engine import engine_version
from appliance.inspections.histogram import histogram_of
from appliance.inspections.records import FieldLookup, Inspection
from appliance.inspections.request import InspectionRequest
from appliance.inspections.steps import Steps, Watcher
from appliance.inspections.zones import Measured, check_zones, field_over, measure_zones
from appliance.measurements.instrument_file import read_instrument
from appliance.measurements.plan import Plan, read_plan, zones_of_plan
from appliance.mesh.surface import Surface
from appliance.qc.budget import Conditions
from appliance.qc.decision import verdict_of
from appliance.qc.judge import judge
from appliance.qc.records import CharacteristicSet, Instrument, Verdict
from appliance.scans.records import PointCloud

#: Receives the compared points, the cloud they came from, the plan, and the clock of steps.
Compared = Callable[[Measured, PointCloud, CharacteristicSet, Steps], None]

#: Cells of the field in rendered views: this many along the part's diagonal, or the plan's own if finer ones
#: would hold too few points.
_VIEW_CELLS: Final = 220
#: Points per view cell, on the average, below which cells are made larger.
_VIEW_POINTS_PER_CELL: Final = 12.0
#: Above this share of points beyond the cap a wrong unit or frame is likelier than a wrong part.
_MANY_FAR: Final = 0.5
#: Clusters beyond the cap that result.json lists, the largest first.
_CLUSTERS_SHOWN: Final = 50


@dataclass
class Line:
    """One scan on its way; filled from top to bottom."""

    request: InspectionRequest
    steps: Steps
    hashes: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def inspect(request: InspectionRequest, watcher: Watcher | None = None, compared: Compared | None = None) -> Inspection:
    """Carry a scan from its file to its verdict.

    ``compared`` is called once the points are compared, before they are judged, so that outputs can
    be written meanwhile; it must return at once.

    Raises
    ------
    InvalidInput : any of the files cannot be used
    """
    with begin(request, watcher) as begun:
        return complete(begun, compared)


def complete(begun: Begun, compared: Compared | None = None) -> Inspection:
    """As ``inspect``, of an inspection that has begun."""
    request = begun.request
    if request.zones is None:
        request = replace(request, zones=zone_file_of(request.cad))
    line = Line(request, begun.steps)
    with ThreadPoolExecutor(1) as beside:
        hashes = {role: beside.submit(sha256_of_file, path) for role, path in request.evidence().items()}
        cad, plan, instrument = _read_small(line)
        with line.steps.step("index CAD"):
            surface = Surface.build(cad.mesh)
        cloud = begun.scan.result()
        line.hashes = {role: future.result() for role, future in hashes.items()}
    alignment, measured = _align_and_compare(line, plan, cad, surface, cloud)
    if compared:
        compared(measured, cloud, plan.characteristics, line.steps)
    with line.steps.step("judge"):
        verdict = _judge(line, plan, measured, alignment, instrument)
    alignment = _with_residual(alignment, measured)
    return _inspection(line, plan, instrument, measured, cloud, alignment, verdict)


def _read_small(line: Line) -> tuple[CadModel, Plan, Instrument | None]:
    request = line.request
    with line.steps.step("read CAD") as progress:
        asked = _bytes(request.characteristics)
        rules = zone_rules(*zones_of_plan(asked))
        cad = read_cad(
            request.cad, unit=request.cad_unit, zones_path=request.zones, more_zones=rules, progress=progress
        )
        plan = read_plan(asked, diagonal_mm=_diagonal_mm(cad))
        instrument = read_instrument(_bytes(request.instrument)) if request.instrument else None
        check_zones(plan.characteristics, cad)
    return cad, plan, instrument


def _align_and_examine(
    line: Line, plan: Plan, cad: CadModel, surface: Surface, cloud: PointCloud
) -> tuple[Alignment, Neighbourhood]:
    """Find the pose, and what the neighbours of each point say, which is the same in every pose, at the same time.

    Normals come back in the part frame.  They point towards the stations; a station that the pose belies orients
    nothing, so the points are then examined once more without it.
    """
    stated = [station.position_mm for station in cloud.summary.stations]
    with ThreadPoolExecutor(1) as beside:
        with patiently():  # the search for the pose is a long chain of short works
            examined = beside.submit(in_context(_examine), line, plan, cloud, stated)
        with line.steps.step("align") as progress:
            alignment = frames.choose_alignment(line.request, plan.characteristics, cad, surface, cloud, progress)
        stations = frames.check_stations(cloud, alignment, surface)
        near = examined.result()
    if stations.positions_mm != stated:
        near = _examine(line, plan, cloud, stations.positions_mm)
    near.turn_in_place(alignment.part_from_scanner[:3, :3])
    line.warnings += stations.warnings
    return frames.doubted_by_stations(alignment, stations), near


def _isolation_mm(plan: Plan) -> float:
    return max(item.cell_mm for item in plan.characteristics.characteristics)


def _examine(
    line: Line, plan: Plan, cloud: PointCloud, positions_mm: Sequence[frames.Position | None]
) -> Neighbourhood:
    with line.steps.step("neighbourhoods") as progress:
        return examine(
            cloud.xyz_mm, isolation_mm=_isolation_mm(plan), station=cloud.station, station_positions_mm=positions_mm,
            normals=cloud.normals, progress=progress,
        )  # fmt: skip


def _align_and_compare(
    line: Line, plan: Plan, cad: CadModel, surface: Surface, cloud: PointCloud
) -> tuple[Alignment, Measured]:
    """The pose, and the points in the part frame compared with the CAD; their normals are needed for no longer."""
    alignment, near = _align_and_examine(line, plan, cad, surface, cloud)
    with line.steps.step("part frame"):
        xyz = rigid.apply_in_place(alignment.part_from_scanner, cloud.xyz_mm)
    with line.steps.step("deviation") as progress:
        deviations = compare(surface, xyz, near, cap_mm=plan.characteristics.cap_mm, progress=progress)
        clusters = clusters_beyond_cap(surface, xyz, deviations, near, cad.zones, link_mm=_isolation_mm(plan))
    far = float(np.mean(deviations.beyond_cap))
    if far > _MANY_FAR:
        line.warnings.append(
            f"{far:.0%} of the points lie farther than {plan.characteristics.cap_mm:.3g} mm from the CAD. Is the unit "
            "right (--scan-units, --cad-units)? Does the scan lie in the frame of the CAD, or is --align missing?"
        )
    return alignment, Measured(surface, cad, xyz, deviations, near.without_normals(), clusters)


def _judge(line: Line, plan: Plan, measured: Measured, alignment: Alignment, instrument: Instrument | None) -> Verdict:
    conditions = Conditions(instrument, alignment, measured.cad.chord_mm)
    doubts = doubts_of_all(line.request, measured.cad, instrument)
    zones = measure_zones(plan.characteristics, measured, alignment, doubts)
    asked = plan.characteristics.characteristics
    results = tuple(judge(item, zone, conditions) for item, zone in zip(asked, zones, strict=True))
    return verdict_of(results, alignment.ambiguous)


def doubts_of_all(request: InspectionRequest, cad: CadModel, instrument: Instrument | None) -> tuple[str, ...]:
    """Why no characteristic of this inspection may pass: calibration overdue, CAD that is not a surface."""
    doubts = [f"CAD: {item.message}" for item in cad.findings if item.severity == "error"]
    today = request.inspected_at.date().isoformat()
    if instrument and instrument.due_on and instrument.due_on < today:
        doubts.append(f"The instrument's calibration was due on {instrument.due_on}.")
    return tuple(doubts)


def _with_residual(alignment: Alignment, measured: Measured) -> Alignment:
    """A supplied alignment gets the residual that the comparison found: RMS over inliers within the cap."""
    if alignment.points_used:
        return alignment
    used = ~measured.near.isolated & ~measured.deviations.beyond_cap
    count = int(np.count_nonzero(used))
    if not count:
        return alignment
    rms = float(np.sqrt(np.mean(np.square(measured.deviations.deviation_mm[used]))))
    return replace(alignment, residual_rms_mm=rms, points_used=count)


def _inspection(
    line: Line, plan: Plan, instrument: Instrument | None, measured: Measured, cloud: PointCloud,
    alignment: Alignment, verdict: Verdict,
) -> Inspection:  # fmt: skip
    isolated = measured.near.isolated
    with line.steps.step("statistics"):
        figures = statistics(measured.deviations.deviation_mm, isolated)
        histogram = histogram_of(measured.deviations.deviation_mm, isolated, plan.characteristics)
    with line.steps.step("field"):
        field, field_at = _fields(measured)
    request, cad = line.request, measured.cad
    table = {
        "format": result.FORMAT,
        "engine": engine_version(),
        "inspected_at": rfc3339(request.inspected_at),
        "parameters": request.parameters(),
        "scan": {"name": request.scan.name, **result.scan_table(cloud, line.hashes["scan"])},
        "cad": {"name": request.cad.name, **result.cad_table(cad)},
        "plan": {"name": plan.characteristics.name or request.characteristics.name, **result.plan_table(plan)},
        "instrument": result.instrument_table(instrument),
        "hashes": {f"{role}_sha256": value for role, value in sorted(line.hashes.items())},
        "points": len(cloud),
        "triangles": len(cad.mesh.triangles),
        "deviation_mm": result.statistics_table(figures),
        "outliers": figures.outliers,
        "beyond_cap": int(np.count_nonzero(measured.deviations.beyond_cap & ~isolated)),
        "clusters_beyond_cap": [result.plain(asdict(cluster)) for cluster in measured.clusters[:_CLUSTERS_SHOWN]],
        "oriented": measured.near.oriented,
        "alignment": result.alignment_table(alignment),
        "characteristics": [result.characteristic_table(item) for item in verdict.results],
        **result.verdict_table(verdict),
        "notes": [*plan.notes, *line.warnings, *cloud.summary.warnings],
        "timings_s": line.steps.seconds,
    }
    return Inspection(
        result=table, verdict=verdict, alignment=alignment, cad=cad, plan=plan.characteristics,
        instrument=instrument, field_at=field_at, field=field, histogram=histogram, evidence=request.evidence(),
    )  # fmt: skip


def _fields(measured: Measured) -> tuple[CellField, FieldLookup]:
    """The field on cells that depend on the CAD alone, and the one for rendered views.

    Views take cells that hold enough points to be seen as a surface; in a dense scan they are the same.
    """
    count = max(1, int(np.count_nonzero(measured.deviations.compatible_triangle >= 0)))
    by_density = float(np.sqrt(_VIEW_POINTS_PER_CELL * measured.surface.areas_mm2.sum() / count))
    by_part = _diagonal_mm(measured.cad) / _VIEW_CELLS
    fixed = _field_on_cells(measured, by_part)
    return fixed, _lookup_in(fixed if by_density <= by_part else _field_on_cells(measured, by_density))


def _field_on_cells(measured: Measured, step_mm: float) -> CellField:
    cells = SurfaceCells.build(measured.surface, measured.cad.zones["all"], cell_mm=step_mm)
    return field_over(measured, cells)


def _lookup_in(found: CellField) -> FieldLookup:
    means = np.append(found.mean_mm, np.nan)

    def field_at(
        points_mm: np.ndarray[Any, np.dtype[np.float64]], triangle: np.ndarray[Any, np.dtype[np.int32]]
    ) -> np.ndarray[Any, np.dtype[np.float64]]:
        return np.asarray(means[found.cells.lookup(points_mm, triangle)])

    return field_at


def _diagonal_mm(cad: CadModel) -> float:
    corners = cad.mesh.vertices_mm[cad.mesh.triangles.ravel()]
    return float(np.linalg.norm(corners.max(axis=0) - corners.min(axis=0)))


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error
