"""Read a CAD model: parse it in the sandbox, weld it, bring it to millimetres, check it, name its zones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from appliance.cad.checks import check_mesh
from appliance.cad.formats import STEP, format_of, parse_raw
from appliance.cad.raw import RawMesh
from appliance.cad.records import CadModel, MeshFinding, TriangleMesh
from appliance.cad.topology import topology
from appliance.cad.weld import weld
from appliance.cad.zone_file import ZoneRule, read_zone_file
from appliance.cad.zones import Surface, find_zones
from appliance.core.files import sha256_of_file
from appliance.core.units import mm_per_unit
from appliance.errors import InvalidInput

#: Unit of formats that state none, where the caller names none.
DEFAULT_UNIT: Final = "mm"

Progress = Callable[[float], None]


def read_cad(
    path: Path,
    *,
    unit: str | None = None,
    chord_mm: float = 0.02,
    zones_path: Path | None = None,
    more_zones: Sequence[ZoneRule] = (),
    progress: Progress | None = None,
) -> CadModel:
    """A CAD file as triangles in millimetres, with its zones and with what is wrong with it.

    Parameters
    ----------
    path : STL, PLY, OBJ or STEP; the name's ending says which
    unit : unit of the numbers in a file that states none (``mm`` if not given); a STEP file states its own
    chord_mm : largest distance between a STEP surface and its triangles
    zones_path : zone file; without it ``MODEL.zones.toml`` beside the model is taken if it is there
    more_zones : zones that an inspection plan adds
    progress : receives the fraction done, 0 to 1

    Raises
    ------
    InvalidInput : unknown format or unit, a damaged file, NaN or infinite coordinates, no
        triangles, a zone file that contradicts itself or the model

    Coordinates are those of the file, in float64, times the unit; nothing is rounded, moved,
    removed or turned over.  Triangles keep the order of the file.
    """
    report = progress or (lambda _: None)
    kind = format_of(path)
    if not 1e-4 <= chord_mm <= 10.0:
        raise InvalidInput("cad.chord", f"A chord of {chord_mm:g} mm is not between 0.0001 and 10 mm.")
    scale = mm_per_unit(unit or DEFAULT_UNIT)
    content_sha256 = sha256_of_file(path)
    report(0.05)
    raw = parse_raw(path, kind, chord_mm, lambda done: report(max(0.05, 0.6 * done)))
    report(0.6)
    mesh = _mesh(raw, 1.0 if kind == STEP else scale)
    edges = topology(mesh)
    report(0.8)
    stated = raw.unit if kind == STEP else unit or DEFAULT_UNIT
    resolution_mm = raw.resolution * (1.0 if kind == STEP else scale)
    findings = (*check_mesh(mesh, edges, stated or DEFAULT_UNIT, resolution_mm), *_notes(raw, kind, unit))
    rules = (*_zone_rules(path, zones_path), *more_zones)
    report(0.9)
    model = CadModel(
        mesh=mesh,
        zones=find_zones(Surface(mesh, edges, raw.zone_faces), rules),
        format=kind,
        unit=stated or DEFAULT_UNIT,
        content_sha256=content_sha256,
        chord_mm=raw.chord_mm,
        closed=edges.closed,
        face_names=raw.face_names,
        findings=findings,
    )
    report(1.0)
    return model


def _mesh(raw: RawMesh, mm: float) -> TriangleMesh:
    if not len(raw.triangles):
        raise InvalidInput("cad.empty", "The model has no triangles.", "Export a surface, not points or curves.")
    if not np.isfinite(raw.vertices).all():
        raise InvalidInput("cad.not_finite", "A coordinate of the model is not a finite number.")
    with np.errstate(over="ignore"):
        vertices = raw.vertices if mm == 1.0 else raw.vertices * mm
    if np.abs(vertices).max() > _LARGEST_MM:
        raise InvalidInput("cad.too_large", "A coordinate of the model is beyond 1000 km.", "Check the unit.")
    welded, triangles = weld(vertices, raw.triangles)
    return TriangleMesh(welded, triangles, raw.face_of_triangle)


#: Beyond this (1000 km) float64 itself has steps of more than 0.1 um and squares lose their meaning.
_LARGEST_MM: Final = 1e9


def _notes(raw: RawMesh, kind: str, unit: str | None) -> list[MeshFinding]:
    found = [MeshFinding("cad.file.incomplete", "error", sentence, 1) for sentence in raw.gaps]
    found += [MeshFinding("cad.file.note", "note", sentence, 1) for sentence in raw.notes]
    if kind == STEP and not raw.unit:
        message = "The STEP file states no single unit of length that is known; the converter's reading was used."
        found.append(MeshFinding("cad.unit.unstated", "warning", message, 1))
    if kind == STEP and unit and raw.unit and unit != raw.unit:
        message = f"The STEP file states its own unit ({raw.unit}); {unit} was not used."
        found.append(MeshFinding("cad.unit.own", "note", message, 1))
    return found


def zone_file_of(path: Path) -> Path | None:
    """The zone file that lies beside a model (``MODEL.zones.toml``), if there is one."""
    beside = path.with_name(f"{path.stem}.zones.toml")
    return beside if beside.is_file() else None


def _zone_rules(path: Path, zones_path: Path | None) -> tuple[ZoneRule, ...]:
    found = zones_path or zone_file_of(path)
    return read_zone_file(found) if found else ()
