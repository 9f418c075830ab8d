"""The life of a workspace: made, suspended, resumed; each with an entry in the control log that says who and why."""

from __future__ import annotations

from typing import Final

from appliance.audit.recording import record
from appliance.core.clock import rfc3339_us, utc_now
from appliance.errors import Conflict, InvalidInput, NotFound
from appliance.tenancy.models import WorkspaceRow
from appliance.tenancy.records import ACTIVE, DESTROYED, SUSPENDED, Principal, Workspace
from appliance.tenancy.site import Site

_REASON_CHARACTERS: Final = 1000


def create_workspace(site: Site, slug: str, name: str, by: Principal) -> Workspace:
    """Make a workspace and write so into the control log; one that a crash left half made is finished.

    Raises
    ------
    InvalidInput : the slug or the name cannot be used
    Conflict : there is, or was, one with this slug
    Unavailable : PostgreSQL has no schema ready for another one
    """

    def noted(workspace: Workspace) -> None:
        facts = {"workspace": workspace.id, "slug": workspace.slug, "name": workspace.name}
        record(site, "workspace.created", {}, facts, by=by)

    return site.create_workspace(slug, name, by, noted)


def suspend(site: Site, slug: str, reason: str, by: Principal) -> Workspace:
    """Let nobody into a workspace until it is resumed: no request, no job, no upload.  What is under way ends.

    Raises
    ------
    NotFound : there is no such workspace
    Conflict : it is suspended or destroyed
    InvalidInput : no reason is named
    """
    return _turn(site, slug, ACTIVE, rfc3339_us(utc_now()), "workspace.suspended", reason, by)


def resume(site: Site, slug: str, reason: str, by: Principal) -> Workspace:
    """Let people and jobs into a suspended workspace again; what waited goes on.  Raises as ``suspend`` does."""
    return _turn(site, slug, SUSPENDED, None, "workspace.resumed", reason, by)


def find_workspace(site: Site, slug: str) -> WorkspaceRow:
    """The row of a workspace, whatever its state; a half made one is none.  Inside a control session.

    Raises
    ------
    NotFound : there is none
    """
    row: WorkspaceRow | None = WorkspaceRow.get_or_none(WorkspaceRow.slug == slug, WorkspaceRow.state == "active")
    if row is None:
        raise NotFound("workspace.unknown", f"There is no workspace '{slug[:63]}'.")
    return row


def stated(reason: str) -> str:
    """A reason that can stand in a log.

    Raises
    ------
    InvalidInput : it is empty or too long
    """
    if not reason.strip() or len(reason) > _REASON_CHARACTERS:
        hint = f"In up to {_REASON_CHARACTERS} characters."
        raise InvalidInput("workspace.reason", "Say why: the log keeps it.", hint)
    return reason.strip()


def _turn(site: Site, slug: str, expected: str, at: str | None, kind: str, reason: str, by: Principal) -> Workspace:
    why = stated(reason)
    with site.control_transaction():
        row = find_workspace(site, slug)
        require(row, expected)
        row.suspended_at = at
        WorkspaceRow.update(suspended_at=at).where(WorkspaceRow.id == row.id).execute()
        record(site, kind, {}, {"workspace": row.id, "slug": slug, "reason": why}, by=by)
        return row.record()


def require(row: WorkspaceRow, expected: str) -> None:
    """Return if the workspace is in the state ``expected``.

    Raises
    ------
    Conflict : it is in another one
    """
    condition = row.record().condition
    if condition == expected:
        return
    hint = {SUSPENDED: "Suspend it first.", DESTROYED: "", ACTIVE: ""}[expected]
    raise Conflict("workspace.condition", f"The workspace '{row.slug}' is {condition}.", hint)
