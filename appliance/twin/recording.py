"""How a version comes to be: with every recorded verdict, in the transaction that records it.

Rules:

- Every recorded inspection makes a version, whatever its verdict: a part that fails is the one to look at.  Inspections
  that end without a verdict make none, nor does one whose pose is ambiguous or that covered no cell: nobody knows where
  on the part its deviations are.
- What a scan did not cover is not seen in its version.  Nothing is filled in from earlier ones.
- An amended inspection makes a version that amends the one before, which then counts no longer.  Of an original and its
  amendments the newest counts, whichever was ready first.
- The head of a twin is the version that counts and was measured last.  A scan that comes late takes its place in the
  history and leaves the head as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from appliance.cad.models import CadRevision
from appliance.core.faults import point
from appliance.deviation.coverage import coverage
from appliance.inspections.models import InspectionRow
from appliance.inspections.records import Inspection
from appliance.objects.sealed import ObjectStore
from appliance.tenancy.scope import WorkspaceScope
from appliance.twin.files import encode_field, encode_skin
from appliance.twin.models import TwinVersion
from appliance.twin.repository import skin_for, supersede, versions_of_inspections
from appliance.twin.surfaces import cells_sha256, field_of_twin, skin_of, zones_of, zones_sha256
from appliance.twin.writing import tell, written

RECORDED: Final = "twin.recorded"


@dataclass(frozen=True)
class Prepared:
    """What a version will name: its objects are stored, its row is not written."""

    cells: int
    coverage: float
    cells_sha256: str
    zones_sha256: str
    field_sha256: str
    field_object: str
    skin_sha256: str
    skin_object: str


def prepare(scope: WorkspaceScope, inspection: Inspection) -> Prepared | None:
    """Store field and skin of an inspection, content-addressed: twice is once.  None where it makes no version.

    Memory: 12 bytes a cell, and the skin, about 20 bytes a facet, where the revision's first version is made.
    """
    field = field_of_twin(inspection)
    if inspection.alignment.ambiguous or not field.seen.any():
        return None
    cells, cad, store = inspection.field.cells, inspection.cad, ObjectStore.of(scope)
    zones = zones_of(cells, cad)
    names = {"cells_sha256": cells_sha256(cells), "zones_sha256": zones_sha256(zones)}
    stored = store.put_bytes(encode_field(field))
    known = skin_for(scope, **names)
    if known is None:
        skin = store.put_bytes(encode_skin(skin_of(cells, cad, zones)))
        of_skin = {"skin_sha256": skin.sha256, "skin_object": skin.name}
    else:
        of_skin = {"skin_sha256": known.skin_sha256, "skin_object": known.skin_object}
    point("twin.stored")
    share = coverage(inspection.field)
    return Prepared(len(field), share, field_sha256=stored.sha256, field_object=stored.name, **names, **of_skin)


def record_version(
    scope: WorkspaceScope, row: InspectionRow, prepared: Prepared, measured_at: str, family: Sequence[str]
) -> TwinVersion:
    """Write the version of a recorded inspection, inside the open transaction.

    ``family``: the ids of an original and its amendments that are recorded, ``row`` among them, oldest first; a family
    of one is an inspection that nobody amended.
    """
    with scope.transaction():
        kin = versions_of_inspections(scope, [one for one in family if one != row.id])
        version = written(
            scope, row.asset_id, part_id=row.part_id, cad_revision_id=row.cad_revision_id,
            cad_sha256=CadRevision.get_by_id(row.cad_revision_id).sha256, inspection_id=row.id,
            envelope_sha256=row.envelope_sha256, verdict=row.verdict, reason=row.reason if row.amends_id else "",
            amends_id=kin[-1].id if row.amends_id and kin else None, measured_at=measured_at, **vars(prepared),
        )  # fmt: skip
        newest = max(family)
        if newest == row.id:
            supersede([one.id for one in kin], version.id, version.recorded_at)
        elif by := [one for one in kin if one.inspection_id == newest]:
            supersede([version.id], by[-1].id, version.recorded_at)
        tell(scope, RECORDED, version)
    return version
