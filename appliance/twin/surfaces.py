"""From an inspection to what a twin keeps of it: the field on the cells of its CAD revision, and their skin."""

from __future__ import annotations

from hashlib import sha256

import numpy as np

from appliance.cad.records import CadModel, Zone
from appliance.deviation.cells import SurfaceCells
from appliance.deviation.coverage import covered
from appliance.inspections.records import Inspection
from appliance.twin.facets import facet_middles
from appliance.twin.records import Bool, Skin, TwinField, nanometres
from appliance.twin.uncertainty import cell_uncertainty_mm


def field_of_twin(inspection: Inspection) -> TwinField:
    """The field of an inspection: cells with fewer points than coverage asks for (metrology §7) are not seen."""
    field = inspection.field
    seen = covered(field)
    u_mm = cell_uncertainty_mm(field, seen, inspection.alignment, inspection.instrument)
    return TwinField(nanometres(field.mean_mm, seen), u_mm)


def zones_of(cells: SurfaceCells, cad: CadModel) -> dict[str, Bool]:
    """Which cells lie in each zone of the CAD and of the plan, bool (c,): those whose anchor does."""
    return {name: _in_zone(cells, zone, len(cad.mesh.triangles)) for name, zone in cad.zones.items()}


def skin_of(cells: SurfaceCells, cad: CadModel, zones: dict[str, Bool]) -> Skin:
    """The skin of these cells: the CAD surface in facets no longer than a cell, each with the cell under its middle."""
    vertices, triangles = cad.mesh.vertices_mm, cad.mesh.triangles
    single = vertices.astype(np.float32)
    cell_of_facet = cells.lookup(*facet_middles(single, triangles, cells.cell_mm))
    return Skin(
        cells.cell_mm, cells.area_mm2.astype(np.float32), zones, cells.anchor_mm.astype(np.float32),
        cells.normal.astype(np.float32), single, triangles, cell_of_facet,
    )  # fmt: skip


def cells_sha256(cells: SurfaceCells) -> str:
    """Names the cells: two fields whose cells have one name are compared cell by cell."""
    digest = sha256(np.float64(cells.cell_mm).tobytes())
    for array in (cells.area_mm2, cells.centre_mm, cells.triangle):
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def zones_sha256(zones: dict[str, Bool]) -> str:
    """Names the zones on the cells."""
    digest = sha256()
    for name in sorted(zones):
        digest.update(name.encode() + b"\0" + np.packbits(zones[name]).tobytes())
    return digest.hexdigest()


def _in_zone(cells: SurfaceCells, zone: Zone, triangles: int) -> Bool:
    member = np.zeros(triangles, dtype=np.bool_)
    member[zone.triangles] = True
    inside: Bool = member[cells.triangle]
    if zone.box is not None:
        lower, upper = np.array(zone.box.lower_mm), np.array(zone.box.upper_mm)
        inside &= ((cells.anchor_mm >= lower) & (cells.anchor_mm <= upper)).all(axis=1)
    return inside
