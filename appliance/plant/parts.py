"""Parts: named here; what they are compared with is added by ``cad.revisions`` and ``measurements.sets``."""

from __future__ import annotations

from typing import Any

from appliance.audit.recording import record
from appliance.core.clock import rfc3339_us, utc_now
from appliance.core.ids import new_id
from appliance.db.listing import WHOLE, Listing
from appliance.plant.models import Part
from appliance.plant.repository import checked_name, find, insert, named_like, page
from appliance.queue.outbox import emit
from appliance.tenancy.scope import WorkspaceScope


def create_part(scope: WorkspaceScope, name: str) -> Part:
    """A new part.

    Raises
    ------
    InvalidInput : the name cannot be used
    Conflict : it is taken
    """
    chosen, now = checked_name(name, "part"), rfc3339_us(utc_now())
    made = {"created_at": now, "updated_at": now, "created_by": scope.principal.id}
    with scope.transaction():
        part = insert(Part, "part", chosen, id=new_id("prt"), name=chosen, **made)
        record(scope, "part.created", {}, {"part": part.id, "name": chosen})
        emit("part.created", {"part": part.id, "name": chosen})
    return part


def find_part(scope: WorkspaceScope, part: Part | str) -> Part:
    """A part by its id or its name.

    Raises
    ------
    NotFound : there is none in this workspace
    """
    return part if isinstance(part, Part) else find(scope, Part, part, "part")


def list_parts(scope: WorkspaceScope, listing: Listing = WHOLE, *, search: str | None = None) -> list[Part]:
    """Parts; ``search`` is a piece of their names."""
    return page(scope, Part, listing, *named_like(Part, search))


def set_current(part_id: str, **current: Any) -> None:
    """Note on the part, in the current transaction, what its assets are compared with from now on."""
    Part.update(updated_at=rfc3339_us(utc_now()), **current).where(Part.id == part_id).execute()
