"""Local accounts, for the owner of the appliance: invited by a link, reset, unlocked, given other roles."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import Field

from appliance.identity.local.accounts import roles_named, set_roles
from appliance.identity.local.invitations import invite, list_invitations, offer_reset, withdraw_invitation
from appliance.identity.local.models import InvitationRow
from appliance.identity.login import login_hash
from appliance.identity.records import Roles
from appliance.identity.second_factor import remove_second_factor
from appliance.identity.throttle import unlock
from web.api.contract import ADMINISTRATORS, Area, Call
from web.api.forms import Body, Name, Out
from web.api.v1.people import UserOut, user_out
from web.api.v1.workspaces import require_appliance

_INVITATIONS: Final = "/invitations"
_PERSON: Final = "/people/{user}"

accounts = Area("accounts", "Local accounts: invited, reset, unlocked, given other roles.")


class RolesIn(Body):
    """What a local account may do; a role in one place at least."""

    appliance_role: Literal["owner", "plant-it"] | None = None
    workspace_roles: dict[str, Literal["owner", "supervisor", "operator", "auditor"]] = Field(
        default_factory=dict, description="By slug of the workspace."
    )


class InvitationIn(RolesIn):
    """A new local account, which is there once the link was used."""

    login: Name
    name: Name


class InvitationOut(Out):
    """A link that works, without what stands in it; ``user_id``: it leads to another password for this person."""

    id: str
    user_id: str | None
    login: str
    name: str
    created_at: str
    created_by: str
    expires_at: str


class InvitationMade(InvitationOut):
    """A new link, which is kept nowhere and not shown again."""

    link: str


class InvitationList(Out):
    """Links that work, the latest first."""

    items: list[InvitationOut]


class LoginIn(Body):
    """A name that people sign in with."""

    login: Name


class Unlocked(Out):
    """Whether attempts with this name had failed."""

    was_counted: bool


@accounts.route(
    "POST", _INVITATIONS, roles=ADMINISTRATORS, body=InvitationIn, answer=InvitationMade, status=201, errors=(409,),
    summary="Invite somebody to a local account",
)  # fmt: skip
def make_invitation(call: Call) -> InvitationMade:
    """The link works once, for three days; whoever has it chooses the password."""
    require_appliance(call.caller)
    row, token = invite(call.site, call.body.login, call.body.name, _roles(call), call.caller)
    return _made(call, row, token)


@accounts.route("GET", _INVITATIONS, roles=ADMINISTRATORS, answer=InvitationList, summary="Links that work")
def get_invitations(call: Call) -> dict[str, list[InvitationRow]]:
    require_appliance(call.caller)
    return {"items": list_invitations(call.site)}


@accounts.route(
    "POST", f"{_INVITATIONS}/{{invitation}}/withdraw", roles=ADMINISTRATORS, errors=(409,), summary="Withdraw a link"
)
def withdraw(call: Call, invitation: str) -> None:
    require_appliance(call.caller)
    withdraw_invitation(call.site, invitation, call.caller)


@accounts.route(
    "POST", f"{_PERSON}/reset", roles=ADMINISTRATORS, answer=InvitationMade, status=201, errors=(409,),
    summary="Let a person take another password",
)  # fmt: skip
def reset_person(call: Call, user: str) -> InvitationMade:
    """By a link that works once; then every session ends, and the second factor is gone."""
    require_appliance(call.caller)
    row, token = offer_reset(call.site, user, call.caller)
    return _made(call, row, token)


@accounts.route(
    "POST", f"{_PERSON}/roles", roles=ADMINISTRATORS, body=RolesIn, answer=UserOut, errors=(409,),
    summary="Give a local account other roles",
)  # fmt: skip
def change_roles(call: Call, user: str) -> UserOut:
    """All of them, at once. Roles of a person from a directory come from its groups."""
    require_appliance(call.caller)
    return user_out(set_roles(call.site, user, _roles(call), call.caller))


@accounts.route(
    "POST", f"{_PERSON}/remove-second-factor", roles=ADMINISTRATORS, summary="Ask a person for no code any more"
)
def remove_factor(call: Call, user: str) -> None:
    require_appliance(call.caller)
    remove_second_factor(call.site, user, call.caller)


@accounts.route(
    "POST", "/logins/unlock", roles=ADMINISTRATORS, body=LoginIn, answer=Unlocked, summary="Let a name be tried again"
)
def unlock_login(call: Call) -> Unlocked:
    """At once, after too many attempts had failed."""
    require_appliance(call.caller)
    return Unlocked(was_counted=unlock(call.site, login_hash(call.site, call.body.login), call.caller))


def _roles(call: Call) -> Roles:
    return roles_named(call.site, call.caller, call.body.appliance_role, call.body.workspace_roles)


def _made(call: Call, row: InvitationRow, token: str) -> InvitationMade:
    told: dict[str, Any] = InvitationOut.model_validate(row).model_dump()
    return InvitationMade(**told, link=f"{call.site.settings.effective_public_url}/console/invitation?token={token}")
