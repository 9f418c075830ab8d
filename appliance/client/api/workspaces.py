"""Workspaces, each with data, keys and a log of its own.

Written by ``make client`` from the OpenAPI document: change the route, never this file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypedDict

from appliance.client.calls import Calls, quoted


class WhoAmI(TypedDict):
    """Who the key or token says that one is; `workspace` is the slug of the only one, null for the appliance."""

    id: str
    kind: str
    label: str
    role: str
    workspace: str | None
    scopes: list[str] | None


class WorkspaceList(TypedDict):
    """The workspaces of the caller; the owner of the appliance sees suspended and destroyed ones too."""

    items: list[WorkspaceOut]


class WorkspaceOut(TypedDict):
    """A workspace."""

    id: str
    slug: str
    name: str
    created_at: str
    condition: Literal["active", "suspended", "destroyed"]
    suspended_at: str | None
    destroyed_at: str | None


class Workspaces:
    """Workspaces, each with data, keys and a log of its own."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def whoami(self, *, held: WhoAmI | None = None) -> WhoAmI:
        """Who the caller is.

        Parameters
        ----------
        held : what the caller holds already; given back where it is unchanged
        """
        record: WhoAmI = self._calls.get("whoami", held)
        return record

    def suspend_workspace(self, workspace: str, *, reason: str) -> WorkspaceOut:
        """Let nobody into a workspace for now.

        For the owner of the appliance. What is there stays; requests are refused, jobs wait, live events end.
        """
        record: WorkspaceOut = self._calls.act(
            "POST", f"workspaces/{quoted(workspace)}/suspend", body={"reason": reason}
        )
        return record

    def resume_workspace(self, workspace: str, *, reason: str) -> WorkspaceOut:
        """Let people and jobs in again. For the owner of the appliance. What waited goes on."""
        record: WorkspaceOut = self._calls.act(
            "POST", f"workspaces/{quoted(workspace)}/resume", body={"reason": reason}
        )
        return record

    def destroy_workspace(self, workspace: str, *, reason: str, confirm: str) -> WorkspaceOut:
        """Destroy a suspended workspace and its key.

        For the owner of the appliance. Nobody can read its objects again; reports of it stay provable.
        """
        record: WorkspaceOut = self._calls.act(
            "POST", f"workspaces/{quoted(workspace)}/destroy", body={"reason": reason, "confirm": confirm}
        )
        return record

    def export_workspace(self, workspace: str, to: Path, *, reason: str, lock: str) -> None:
        """Everything in a workspace, as one sealed file.

        For the owner of the appliance. Another appliance can import it (`d2r workspace import`); a broken download is
        no archive. People and jobs go on meanwhile; the first bytes come when all rows were read.

        Parameters
        ----------
        to : file to write, whole or not at all
        """
        self._calls.keep(f"workspaces/{quoted(workspace)}/export", to, body={"reason": reason, "lock": lock})

    def list_workspaces(self, *, held: WorkspaceList | None = None) -> WorkspaceList:
        """Workspaces of the caller.

        Parameters
        ----------
        held : what the caller holds already; given back where it is unchanged
        """
        record: WorkspaceList = self._calls.get("workspaces", held)
        return record

    def create_workspace(self, *, slug: str, name: str) -> WorkspaceOut:
        """Make a workspace. For the owner of the appliance; the owner of a workspace makes no others."""
        record: WorkspaceOut = self._calls.act("POST", "workspaces", body={"slug": slug, "name": name})
        return record

    def get_workspace(self, *, held: WorkspaceOut | None = None) -> WorkspaceOut:
        """One workspace.

        Parameters
        ----------
        held : what the caller holds already; given back where it is unchanged
        """
        record: WorkspaceOut = self._calls.get(f"{self._calls.workspace}", held)
        return record
