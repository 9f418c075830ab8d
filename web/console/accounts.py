"""Pages about people: who signs in, who is there now, invitations, roles of local accounts."""

from __future__ import annotations

from typing import Any, Final

from flask import Response, request

from appliance.db.listing import Listing
from appliance.errors import InvalidInput, NotFound
from appliance.identity import sessions, users
from appliance.identity.local.accounts import roles_named, set_roles
from appliance.identity.local.break_glass import broken_since
from appliance.identity.local.invitations import invite, list_invitations, offer_reset, withdraw_invitation
from appliance.identity.records import WORKSPACE_ROLES, Roles
from appliance.identity.second_factor import remove_second_factor
from web.api.contract import Call
from web.console.showing import see

Shown = tuple[str, dict[str, Any]]
_ROWS: Final = 100
_PEOPLE: Final = "/console/-/people"
#: Roles of the appliance as a whole stand beside those of workspaces under this name.
_WHOLE: Final = "-"


def people(call: Call, **more: Any) -> Shown:
    """Everybody who ever signed in or was invited, with roles and sessions."""
    after = (request.args["after"],) if "after" in request.args else ()
    found = users.list_users(call.site, Listing("id", after, _ROWS + 1))
    present: dict[str, list[Any]] = {}
    for row in sessions.list_sessions(call.site):
        present.setdefault(row.principal_id, []).append(row)
    shown = {
        "people": found[:_ROWS],
        "sessions": present,
        "slugs": {one.id: one.slug for one in call.site.all_workspaces()},
        "more": found[_ROWS - 1].id if len(found) > _ROWS else None,
        "invitations": list_invitations(call.site),
        "workspaces": call.site.workspaces(),
        "workspace_roles": WORKSPACE_ROLES,
        "broken_since": broken_since(call.site),
        "link": None,
    }
    return "people.html", shown | more


def act_on_person(call: Call, user_id: str, act: str) -> Any:
    """Refuse a person or no more, let them take another password, change a local account's roles."""
    if act in ("disable", "enable"):
        users.set_disabled(call.site, user_id, act == "disable", call.caller)
    elif act == "reset":
        row, token = offer_reset(call.site, user_id, call.caller)
        return people(call, link=(row.name, _link(call, token)))
    elif act == "roles":
        set_roles(call.site, user_id, _roles_of_form(call), call.caller)
    elif act == "remove-factor":
        remove_second_factor(call.site, user_id, call.caller)
    else:
        raise NotFound("console.act", "There is no such act.")
    return see(_PEOPLE)


def end_a_session(call: Call, session_id: str) -> Response:
    """End somebody's session."""
    sessions.end_session(call.site, session_id, call.caller)
    return see(_PEOPLE)


def invite_person(call: Call) -> Shown:
    """Make an account's invitation; its link is shown once."""
    login, name = request.form.get("login", ""), request.form.get("name", "")
    row, token = invite(call.site, login, name, _roles_of_form(call), call.caller)
    return people(call, link=(row.name, _link(call, token)))


def withdraw(call: Call, invitation_id: str) -> Response:
    """Let a link work no more."""
    withdraw_invitation(call.site, invitation_id, call.caller)
    return see(_PEOPLE)


def _roles_of_form(call: Call) -> Roles:
    """Roles as ``PLACE=ROLE``, a place being a workspace's slug or ``-``."""
    chosen: dict[str, str] = {}
    for text in request.form.getlist("role"):
        place, _, role = text.partition("=")
        if place in chosen:
            raise InvalidInput("account.role", "A person has one role in a place.", "Choose one.")
        if role:
            chosen[place] = role
    return roles_named(call.site, call.caller, chosen.pop(_WHOLE, None), chosen)


def _link(call: Call, token: str) -> str:
    return f"{call.site.settings.effective_public_url}/console/invitation?token={token}"
