"""Workspaces that are being filled: nobody can enter them, and no list shows them, until they are whole.

One that was not revealed when its maker ended is given up: its key is destroyed, and what there is of it is cleared
like a destroyed workspace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from appliance.core.clock import rfc3339_us, utc_now
from appliance.errors import Conflict
from appliance.tenancy.founding import NO_KEY, new_row, require_free
from appliance.tenancy.models import WorkspaceRow
from appliance.tenancy.records import Principal, Workspace

if TYPE_CHECKING:
    from appliance.tenancy.site import Site


def reserve_hidden(site: Site, by: Principal) -> str:
    """The id of a new workspace that nobody can enter and that has no name yet: to be filled, then revealed.

    Raises
    ------
    Unavailable : PostgreSQL has no schema ready for it
    """
    with site.control_transaction():
        return str(new_row(site, None, "", by).id)


def reveal(workspace_id: str, slug: str, name: str) -> Workspace:
    """Give a hidden workspace its names and let people in, in the caller's transaction.

    Raises
    ------
    Conflict : there is one with this slug, or it was given up meanwhile
    """
    require_free(slug)
    names = {"slug": slug, "name": name, "state": "active"}
    if not WorkspaceRow.update(**names).where(_is_hidden(), WorkspaceRow.id == workspace_id).execute():
        raise Conflict("workspace.given_up", "The workspace was given up before it was whole.", "Begin again.")
    row: WorkspaceRow = WorkspaceRow.get_by_id(workspace_id)
    return row.record()


def give_up_hidden(site: Site) -> list[str]:
    """Destroy the keys of hidden workspaces, which nobody fills any more; returns the ids of what is to be cleared."""
    moment = rfc3339_us(utc_now())
    with site.control_transaction():
        ids = [row.id for row in WorkspaceRow.select(WorkspaceRow.id).where(_is_hidden())]
        WorkspaceRow.update(data_key=NO_KEY, destroyed_at=moment).where(WorkspaceRow.id << ids).execute()
    return ids


def _is_hidden() -> Any:
    return (
        (WorkspaceRow.slug == WorkspaceRow.id)
        & (WorkspaceRow.state == "creating")
        & WorkspaceRow.destroyed_at.is_null()
    )
