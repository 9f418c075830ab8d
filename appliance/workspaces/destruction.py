"""Destroying a workspace: its key first, then everything that the key opened.

In order, and what a crash between any two leaves (docs/crash-matrix.md):

1. the last state of its audit log is signed, so that reports of it stay provable by what auditors hold;
2. one transaction of the control database: the wrapped data key is overwritten, API keys are revoked, roles of people
   and groups in it are removed, and the entry ``workspace.destroyed`` says who, why, how much there was, and how its
   log ended.  Its objects are noise from now on;
3. database, objects, uploads and working files are removed; the row says so.  The scheduler looks for workspaces that
   were destroyed and not cleared, and goes on with that.

A person who is under a legal hold keeps the workspace.  Backups keep wrapped keys until their own retention ends.
"""

from __future__ import annotations

import logging
import shutil
from hashlib import sha256
from typing import Any

from appliance.audit.database_log import DatabaseLog
from appliance.audit.persons import persons
from appliance.audit.recording import record
from appliance.core.clock import rfc3339_us, utc_now
from appliance.core.faults import point
from appliance.errors import Conflict, InvalidInput
from appliance.identity.models import ApiKey, GroupRoleRow, MembershipRow
from appliance.inspections.models import InspectionRow
from appliance.scans.models import Scan
from appliance.tenancy.founding import NO_KEY
from appliance.tenancy.models import WorkspaceRow
from appliance.tenancy.records import SUSPENDED, Principal, Workspace
from appliance.tenancy.scope import WorkspaceScope
from appliance.tenancy.site import Site
from appliance.workspaces.service import find_workspace, require, stated

log = logging.getLogger(__name__)


def destroy(site: Site, slug: str, reason: str, confirmed: str, by: Principal) -> Workspace:
    """Destroy a suspended workspace: nobody can read its objects again, whatever copies of them there are.

    Parameters
    ----------
    confirmed : the slug once more, typed by whoever asks for this

    Raises
    ------
    NotFound : there is no such workspace
    InvalidInput : no reason is named, or the confirmation is another name
    Conflict : it is not suspended, or a person in it is under a legal hold
    """
    why = stated(reason)
    if confirmed != slug:
        raise InvalidInput("workspace.confirmation", "The confirmation is not the name of the workspace.")
    with site.control_session():
        row = find_workspace(site, slug)
    require(row, SUSPENDED)
    facts = _last_words(site.sealed_scope(row.id)) | {"workspace": row.id, "slug": slug, "reason": why}
    point("workspace.signed_off")
    moment = rfc3339_us(utc_now())
    with site.control_transaction():
        require(find_workspace(site, slug), SUSPENDED)
        WorkspaceRow.update(data_key=NO_KEY, destroyed_at=moment).where(WorkspaceRow.id == row.id).execute()
        ApiKey.update(revoked_at=moment, revoked_by=by.id).where(
            ApiKey.workspace_id == row.id, ApiKey.revoked_at.is_null()
        ).execute()
        for roles in (GroupRoleRow, MembershipRow):
            roles.delete().where(roles.workspace_id == row.id).execute()
        record(site, "workspace.destroyed", {}, facts, by=by)
        destroyed = find_workspace(site, slug).record()
    site.forget(row.id)
    site.control.scrub()
    point("workspace.key_destroyed")
    clear_destroyed(site)
    return destroyed


def clear_destroyed(site: Site) -> int:
    """Remove what destroyed workspaces left; returns how many were cleared.  Any number may do so at once."""
    with site.control_session():
        rows = list(
            WorkspaceRow.select().where(WorkspaceRow.destroyed_at.is_null(False), WorkspaceRow.cleared_at.is_null())
        )
    for row in rows:
        _clear(site, row.id)
    return len(rows)


def _clear(site: Site, workspace_id: str) -> None:
    settings = site.settings
    site.databases.drop(workspace_id)
    point("workspace.rows_removed")
    for folder in (settings.objects_folder, settings.uploads_folder):
        shutil.rmtree(folder / workspace_id, ignore_errors=True)
        if (folder / workspace_id).exists():
            log.error("%s of a destroyed workspace cannot be removed", folder / workspace_id)
            return
    point("workspace.files_removed")
    with site.control_transaction():
        WorkspaceRow.update(cleared_at=rfc3339_us(utc_now())).where(WorkspaceRow.id == workspace_id).execute()


def _last_words(scope: WorkspaceScope) -> dict[str, Any]:
    """Counts, and the signed end of the log: its note is what a holder of older checkpoints compares with."""
    held = [person.id for person in persons(scope) if person.held_at is not None]
    if held:
        hint = "Release the holds first: d2r audit person."
        raise Conflict("workspace.held", f"{len(held)} persons in it are under a legal hold.", hint)
    record(scope, "workspace.closed", {}, {"workspace": scope.workspace_id})
    note = bytes(DatabaseLog.of(scope).checkpoint())
    with scope:
        scans, inspections = Scan.select().count(), InspectionRow.select().count()
    counts = {"scans": scans, "inspections": inspections}
    return {"counts": counts, "checkpoint": note.decode(), "checkpoint_sha256": sha256(note).hexdigest()}
