"""Workspaces, and who one is in them."""

from __future__ import annotations

from typing import Final

from flask import g

from appliance.errors import Denied
from appliance.tenancy.records import Principal, Workspace
from appliance.workspaces.service import create_workspace as create
from web.api.contract import ADMINISTRATORS, API, EVERYONE, Area, Call
from web.api.forms import Body, Name, Out

_WORKSPACES: Final = "/workspaces"

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


class WorkspaceList(Out):
    """The workspaces that the caller may enter."""

    items: list[WorkspaceOut]


class WhoAmI(Out):
    """Who the API key says that one is; ``workspace`` is the slug of the only workspace, null for the appliance."""

    id: str
    kind: str
    label: str
    role: str
    workspace: str | None


@workspaces.route("GET", "/whoami", roles=EVERYONE, answer=WhoAmI, summary="Who the caller is")
def whoami(call: Call) -> WhoAmI:
    principal = call.caller
    slug = next((one.slug for one in _of(call) if one.id == principal.workspace_id), None)
    return WhoAmI(
        id=principal.id, kind=principal.kind, label=principal.label, role=principal.role, workspace=slug
    )  # fmt: skip


@workspaces.route("GET", _WORKSPACES, roles=EVERYONE, answer=WorkspaceList, summary="Workspaces of the caller")
def list_workspaces(call: Call) -> dict[str, list[Workspace]]:
    return {"items": _of(call)}


@workspaces.route(
    "POST", _WORKSPACES, roles=ADMINISTRATORS, body=WorkspaceIn, answer=WorkspaceOut, status=201, errors=(409,),
    summary="Make a workspace",
)  # fmt: skip
def create_workspace(call: Call) -> Workspace:
    """For the owner of the appliance; the owner of a workspace makes no others."""
    _require_appliance(call.caller)
    workspace = create(call.site, call.body.slug, call.body.name, call.caller)
    g.location = f"{API}{_WORKSPACES}/{workspace.slug}"
    return workspace


@workspaces.route("GET", f"{_WORKSPACES}/{{slug}}", roles=EVERYONE, answer=WorkspaceOut, summary="One workspace")
def get_workspace(call: Call) -> Workspace:
    return next(one for one in call.site.workspaces() if one.id == call.scope.workspace_id)


def _of(call: Call) -> list[Workspace]:
    own = call.caller.workspace_id
    return [one for one in call.site.workspaces() if own in (None, one.id)]


def _require_appliance(principal: Principal) -> None:
    if principal.workspace_id is not None:
        raise Denied("role.denied", "Only the owner of the appliance may do this.", "Use its key (admin.key).")
