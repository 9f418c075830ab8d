"""Workspaces, and who one is in them."""

from __future__ import annotations

from functools import partial
from typing import Final, Literal

from flask import Response, g
from pydantic import Field

from appliance.crypto.archive_key import parse_archive_lock
from appliance.errors import Denied
from appliance.tenancy.records import Principal, Workspace
from appliance.workspaces.destruction import destroy
from appliance.workspaces.exporting import export_workspace as export
from appliance.workspaces.service import create_workspace as create
from appliance.workspaces.service import resume, suspend
from web.api.contract import ADMINISTRATORS, API, EVERYONE, KNOWN, Area, Call
from web.api.downloads import file_answer, streamed
from web.api.forms import Body, Line, Name, Out

_WORKSPACES: Final = "/workspaces"
_ARCHIVE: Final = "application/octet-stream"

workspaces = Area("workspaces", "Workspaces, each with data, keys and a log of its own.")


class WorkspaceIn(Body):
    """A new workspace; ``slug`` is its name in addresses."""

    slug: Name
    name: Name


class WorkspaceOut(Out):
    """A workspace."""

    id: str
    slug: str
    name: str
    created_at: str
    condition: Literal["active", "suspended", "destroyed"]
    suspended_at: str | None
    destroyed_at: str | None


class ReasonIn(Body):
    """Why; it stands in the audit log."""

    reason: Line


class DestructionIn(ReasonIn):
    """Why, and the slug of the workspace once more."""

    confirm: Name


class ExportIn(ReasonIn):
    """Why, and the public half of the archive key (``d2r workspace archive-key``) that the archive is sealed to."""

    lock: Line


class WorkspaceList(Out):
    """The workspaces of the caller; the owner of the appliance sees suspended and destroyed ones too."""

    items: list[WorkspaceOut]


class WhoAmI(Out):
    """Who the key or token says that one is; ``workspace`` is the slug of the only one, null for the appliance."""

    id: str
    kind: str
    label: str
    role: str
    workspace: str | None
    scopes: list[str] | None = Field(description="What it may do of what its role may; null: all.")


@workspaces.route("GET", "/whoami", roles=KNOWN, answer=WhoAmI, about_caller=True, summary="Who the caller is")
def whoami(call: Call) -> WhoAmI:
    principal = call.caller
    slug = next((one.slug for one in _of(call) if one.id == principal.workspace_id), None)
    scopes = None if principal.scopes is None else sorted(principal.scopes)
    told = {"kind": principal.kind, "label": principal.label, "role": principal.role}
    return WhoAmI(id=principal.id, **told, workspace=slug, scopes=scopes)


@workspaces.route(
    "POST", _WORKSPACES + "/{workspace}/suspend", roles=ADMINISTRATORS, body=ReasonIn, answer=WorkspaceOut,
    errors=(409,), summary="Let nobody into a workspace for now",
)  # fmt: skip
def suspend_workspace(call: Call, workspace: str) -> Workspace:
    """For the owner of the appliance. What is there stays; requests are refused, jobs wait, live events end."""
    require_appliance(call.caller)
    return suspend(call.site, workspace, call.body.reason, call.caller)


@workspaces.route(
    "POST", _WORKSPACES + "/{workspace}/resume", roles=ADMINISTRATORS, body=ReasonIn, answer=WorkspaceOut,
    errors=(409,), summary="Let people and jobs in again",
)  # fmt: skip
def resume_workspace(call: Call, workspace: str) -> Workspace:
    """For the owner of the appliance. What waited goes on."""
    require_appliance(call.caller)
    return resume(call.site, workspace, call.body.reason, call.caller)


@workspaces.route(
    "POST", _WORKSPACES + "/{workspace}/destroy", roles=ADMINISTRATORS, body=DestructionIn, answer=WorkspaceOut,
    errors=(409,), summary="Destroy a suspended workspace and its key",
)  # fmt: skip
def destroy_workspace(call: Call, workspace: str) -> Workspace:
    """For the owner of the appliance. Nobody can read its objects again; reports of it stay provable."""
    require_appliance(call.caller)
    return destroy(call.site, workspace, call.body.reason, call.body.confirm, call.caller)


@workspaces.route(
    "POST", _WORKSPACES + "/{workspace}/export", roles=ADMINISTRATORS, body=ExportIn, media_type=_ARCHIVE,
    errors=(409,), is_download=True, summary="Everything in a workspace, as one sealed file",
)  # fmt: skip
def export_workspace(call: Call, workspace: str) -> Response:
    """For the owner of the appliance. Another appliance can import it (`d2r workspace import`); a broken download is no
    archive. People and jobs go on meanwhile; the first bytes come when all rows were read."""
    require_appliance(call.caller)
    lock, name = parse_archive_lock(call.body.lock), f"{workspace}.d2rw"
    blocks = streamed(partial(export, call.site, workspace, lock, call.body.reason, call.caller))
    return file_answer(blocks, name, _ARCHIVE)


@workspaces.route("GET", _WORKSPACES, roles=KNOWN, answer=WorkspaceList, summary="Workspaces of the caller")
def list_workspaces(call: Call) -> dict[str, list[Workspace]]:
    return {"items": _of(call)}


@workspaces.route(
    "POST", _WORKSPACES, roles=ADMINISTRATORS, body=WorkspaceIn, answer=WorkspaceOut, status=201, errors=(409,),
    summary="Make a workspace",
)  # fmt: skip
def create_workspace(call: Call) -> Workspace:
    """For the owner of the appliance; the owner of a workspace makes no others."""
    require_appliance(call.caller)
    workspace = create(call.site, call.body.slug, call.body.name, call.caller)
    g.location = f"{API}{_WORKSPACES}/{workspace.slug}"
    return workspace


@workspaces.route("GET", f"{_WORKSPACES}/{{slug}}", roles=EVERYONE, answer=WorkspaceOut, summary="One workspace")
def get_workspace(call: Call) -> Workspace:
    return next(one for one in call.site.workspaces() if one.id == call.scope.workspace_id)


def _of(call: Call) -> list[Workspace]:
    is_owner = call.caller.is_everywhere
    return list(call.site.all_workspaces() if is_owner else call.site.workspaces_of(call.caller))


def require_appliance(principal: Principal) -> None:
    """Return if ``principal`` owns the appliance as a whole.

    Raises
    ------
    Denied : it owns a workspace at most
    """
    if not principal.is_everywhere:
        raise Denied("role.denied", "Only the owner of the appliance may do this.", "Use its key (admin.key).")
