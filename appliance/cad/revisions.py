"""CAD revisions of a part: read in the sandbox when they come, kept as they came, never changed.

The newest one is what the part's assets are compared with.  Adding bytes that are there already, with the same zones
and unit, makes the old revision the current one again.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from appliance.audit.recording import record
from appliance.cad.models import CadRevision
from appliance.cad.records import CadModel
from appliance.core.canonical import canonical_bytes
from appliance.core.clock import rfc3339_us, utc_now
from appliance.core.faults import point
from appliance.core.ids import new_id
from appliance.db.listing import WHOLE, Listing, equal
from appliance.errors import NotFound
from appliance.objects.sealed import ObjectStore, StoredObject
from appliance.plant.models import Part
from appliance.plant.parts import find_part, set_current
from appliance.plant.repository import checked_name, insert, page
from appliance.queue.outbox import emit
from appliance.tenancy.scope import WorkspaceScope


def add_revision(
    scope: WorkspaceScope,
    part: Part | str,
    file: Path,
    unit: str | None = None,
    zones: Path | None = None,
    label: str = "",
) -> CadRevision:
    """Read a CAD file, keep it, and compare the part's assets with it from now on.

    Parameters
    ----------
    part : a part, its id or its name
    file : STL, PLY, OBJ or STEP; the name's ending says which
    unit : unit of a file that states none (mm if not given)
    zones : zone file; without it, the one that lies beside ``file`` (``MODEL.zones.toml``), if there is one
    label : what people call the revision; without one they are counted

    Raises
    ------
    InvalidInput : the file or its zones cannot be read, or no verdict can rest on them
    NotFound : there is no such part
    Conflict : another revision of the part has this label
    """
    from appliance.cad.checks import require_judgeable  # the engine is loaded where CAD comes in, and nowhere else
    from appliance.cad.reading import read_cad, zone_file_of

    owner = find_part(scope, part)
    zone_file = zones or zone_file_of(file)
    model = read_cad(file, unit=unit, zones_path=zone_file)
    require_judgeable(model)
    store = ObjectStore.of(scope)
    stored = store.put_file(file)
    stored_zones = store.put_file(zone_file) if zone_file else None
    point("cad.stored")
    with scope.transaction():
        known = _known(owner, stored, stored_zones, model.unit)
        row = known or _insert(scope, owner, model, stored, stored_zones, label)
        if current_of(scope, owner.id) != row.id:
            set_current(owner.id, current_cad_revision_id=row.id)
            _tell(scope, owner, row, "cad.revision.selected" if known else "cad.revision.added")
    return row


def select_revision(scope: WorkspaceScope, revision_id: str) -> CadRevision:
    """Compare the part's assets with this revision from now on.

    Raises
    ------
    NotFound : there is none of that id in this workspace
    """
    with scope.transaction():
        row = get_revision(scope, revision_id)
        if current_of(scope, row.part_id) != row.id:
            set_current(row.part_id, current_cad_revision_id=row.id)
            _tell(scope, find_part(scope, row.part_id), row, "cad.revision.selected")
    return row


def get_revision(scope: WorkspaceScope, revision_id: str) -> CadRevision:
    """One revision.

    Raises
    ------
    NotFound : there is none of that id in this workspace
    """
    with scope:
        row: CadRevision | None = CadRevision.get_or_none(CadRevision.id == revision_id)
    if row is None:
        raise NotFound("cad.unknown", f"There is no CAD revision '{revision_id}'.")
    return row


def current_revision(scope: WorkspaceScope, part: Part | str) -> CadRevision | None:
    """What the part's assets are compared with; None as long as there is nothing."""
    current = current_of(scope, find_part(scope, part).id)
    return get_revision(scope, current) if current else None


def current_of(scope: WorkspaceScope, part_id: str) -> str | None:
    """The id of the part's current revision."""
    current: str | None = find_part(scope, part_id).current_cad_revision_id
    return current


def list_revisions(
    scope: WorkspaceScope, part: Part | str | None = None, listing: Listing = WHOLE
) -> list[CadRevision]:
    """Revisions, of one part or of all."""
    return page(scope, CadRevision, listing, *equal(CadRevision, part_id=find_part(scope, part).id if part else None))


def _insert(
    scope: WorkspaceScope,
    owner: Part,
    model: CadModel,
    stored: StoredObject,
    zones: StoredObject | None,
    label: str,
) -> CadRevision:
    count = CadRevision.select().where(CadRevision.part_id == owner.id).count()
    chosen = checked_name(label or str(count + 1), "revision")
    return insert(
        CadRevision,
        "revision",
        chosen,
        id=new_id("cad"),
        part_id=owner.id,
        label=chosen,
        sha256=stored.sha256,
        object=stored.name,
        format=model.format,
        unit=model.unit,
        zones_sha256=zones.sha256 if zones else "",
        zones_object=zones.name if zones else None,
        zone_names=_json(sorted(model.zones)),
        triangles=len(model.mesh.triangles),
        diagonal_mm=_diagonal_mm(model),
        findings=_json([asdict(finding) for finding in model.findings]),
        created_at=rfc3339_us(utc_now()),
        created_by=scope.principal.id,
    )


def _known(owner: Part, stored: StoredObject, zones: StoredObject | None, unit: str) -> CadRevision | None:
    """The revision of the part that has these bytes, these zones and this unit."""
    row: CadRevision | None = CadRevision.get_or_none(
        CadRevision.part_id == owner.id,
        CadRevision.sha256 == stored.sha256,
        CadRevision.zones_sha256 == (zones.sha256 if zones else ""),
        CadRevision.unit == unit,
    )
    return row


def _tell(scope: WorkspaceScope, owner: Part, row: CadRevision, kind: str) -> None:
    """The entry in the log and the event."""
    subjects = {"cad": row.sha256} | ({"zones": row.zones_sha256} if row.zones_sha256 else {})
    facts = {"part": owner.id, "name": owner.name, "revision": row.id, "label": row.label, "unit": row.unit}
    record(scope, kind, subjects, facts)
    emit(kind, {"part": owner.id, "revision": row.id, "label": row.label})


def _diagonal_mm(model: CadModel) -> float:
    vertices = model.mesh.vertices_mm
    return float(np.linalg.norm(vertices.max(axis=0) - vertices.min(axis=0)))


def _json(value: Any) -> str:
    return canonical_bytes(value).decode()
