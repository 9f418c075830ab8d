"""Local accounts: invited, reset, unlocked, given other roles.

Written by ``make client`` from the OpenAPI document: change the route, never this file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypedDict

from appliance.client.api.shared import UserOut
from appliance.client.calls import Calls, quoted


class InvitationList(TypedDict):
    """Links that work, the latest first."""

    items: list[InvitationOut]


class InvitationMade(TypedDict):
    """A new link, which is kept nowhere and not shown again."""

    id: str
    user_id: str | None
    login: str
    name: str
    created_at: str
    created_by: str
    expires_at: str
    link: str


class InvitationOut(TypedDict):
    """A link that works, without what stands in it; `user_id`: it leads to another password for this person."""

    id: str
    user_id: str | None
    login: str
    name: str
    created_at: str
    created_by: str
    expires_at: str


class Unlocked(TypedDict):
    """Whether attempts with this name had failed."""

    was_counted: bool


class Accounts:
    """Local accounts: invited, reset, unlocked, given other roles."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def make_invitation(
        self,
        *,
        appliance_role: Literal["owner", "plant-it"] | None = None,
        workspace_roles: dict[str, Literal["owner", "supervisor", "operator", "auditor"]] | None = None,
        login: str,
        name: str,
    ) -> InvitationMade:
        """Invite somebody to a local account.

        The link works once, for three days; whoever has it chooses the password.

        Parameters
        ----------
        workspace_roles : by slug of the workspace
        """
        record: InvitationMade = self._calls.act(
            "POST",
            "invitations",
            body={"appliance_role": appliance_role, "workspace_roles": workspace_roles, "login": login, "name": name},
        )
        return record

    def get_invitations(self, *, held: InvitationList | None = None) -> InvitationList:
        """Links that work.

        Parameters
        ----------
        held : what the caller holds already; given back where it is unchanged
        """
        record: InvitationList = self._calls.get("invitations", held)
        return record

    def withdraw(self, invitation: str) -> Mapping[str, str]:
        """Withdraw a link."""
        return self._calls.exchange("POST", f"invitations/{quoted(invitation)}/withdraw")

    def reset_person(self, user: str) -> InvitationMade:
        """Let a person take another password.

        By a link that works once; then every session ends, and the second factor is gone.
        """
        record: InvitationMade = self._calls.act("POST", f"people/{quoted(user)}/reset")
        return record

    def change_roles(
        self,
        user: str,
        *,
        appliance_role: Literal["owner", "plant-it"] | None = None,
        workspace_roles: dict[str, Literal["owner", "supervisor", "operator", "auditor"]] | None = None,
    ) -> UserOut:
        """Give a local account other roles.

        All of them, at once. Roles of a person from a directory come from its groups.

        Parameters
        ----------
        workspace_roles : by slug of the workspace
        """
        record: UserOut = self._calls.act(
            "POST",
            f"people/{quoted(user)}/roles",
            body={"appliance_role": appliance_role, "workspace_roles": workspace_roles},
        )
        return record

    def remove_factor(self, user: str) -> Mapping[str, str]:
        """Ask a person for no code any more."""
        return self._calls.exchange("POST", f"people/{quoted(user)}/remove-second-factor")

    def unlock_login(self, *, login: str) -> Unlocked:
        """Let a name be tried again. At once, after too many attempts had failed."""
        record: Unlocked = self._calls.act("POST", "logins/unlock", body={"login": login})
        return record
