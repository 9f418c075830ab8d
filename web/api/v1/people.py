"""People who sign in, and their sessions: for the owner of the appliance."""

from __future__ import annotations

from typing import Any, Final

from pydantic import Field

from appliance.identity import sessions, users
from appliance.identity.erasing import erase_user
from appliance.identity.models import SessionRow
from appliance.identity.records import User
from web.api.contract import ADMINISTRATORS, Area, Call
from web.api.forms import Body, Out, Page, PageQuery, Reason
from web.api.paging import page
from web.api.v1.workspaces import require_appliance

_PEOPLE: Final = "/people"
_SESSIONS: Final = "/sessions"

people = Area("people", "People who sign in, and their sessions.")


class RolesOut(Out):
    """What somebody may do."""

    appliance: str | None = Field(description="In the appliance as a whole.")
    workspaces: dict[str, str] = Field(description="By workspace id.")


class UserOut(Out):
    """A person; roles are those of the last login, or of the last look at the directory."""

    id: str
    source: str
    login: str
    name: str
    roles: RolesOut
    created_at: str
    last_login_at: str | None
    disabled_at: str | None


class ErasureIn(Body):
    """Why somebody is forgotten; it stands in the audit log."""

    legal_basis: Reason


class ErasedOut(Out):
    """The entry of the control log that says so."""

    entry: int


class SessionOut(Out):
    """A session of the console that counts."""

    id: str
    principal_id: str
    method: str
    peer: str
    agent: str
    began_at: str
    seen_at: str
    expires_at: str


class SessionList(Out):
    """Sessions, the latest first."""

    items: list[SessionOut]


@people.route("GET", _PEOPLE, roles=ADMINISTRATORS, query=PageQuery, answer=Page[UserOut], summary="People")
def list_people(call: Call) -> object:
    require_appliance(call.caller)
    return page(call, lambda listing: _shown(users.list_users(call.site, listing)))


@people.route("GET", f"{_PEOPLE}/{{user}}", roles=ADMINISTRATORS, answer=UserOut, summary="One person")
def get_person(call: Call, user: str) -> UserOut:
    require_appliance(call.caller)
    return user_out(users.find_user(call.site, user))


@people.route(
    "POST", f"{_PEOPLE}/{{user}}/disable", roles=ADMINISTRATORS, answer=UserOut, errors=(409,),
    summary="Refuse a person from now on",
)  # fmt: skip
def disable_person(call: Call, user: str) -> UserOut:
    """Whatever a directory says; sessions of theirs open nothing any more."""
    require_appliance(call.caller)
    return user_out(users.set_disabled(call.site, user, True, call.caller))


@people.route(
    "POST", f"{_PEOPLE}/{{user}}/enable", roles=ADMINISTRATORS, answer=UserOut, errors=(409,),
    summary="Let a person sign in again",
)  # fmt: skip
def enable_person(call: Call, user: str) -> UserOut:
    require_appliance(call.caller)
    return user_out(users.set_disabled(call.site, user, False, call.caller))


@people.route("GET", _SESSIONS, roles=ADMINISTRATORS, answer=SessionList, summary="Who is signed in")
def list_sessions(call: Call) -> dict[str, list[SessionRow]]:
    require_appliance(call.caller)
    return {"items": sessions.list_sessions(call.site)}


@people.route("POST", f"{_SESSIONS}/{{session}}/end", roles=ADMINISTRATORS, summary="End a session")
def end_session(call: Call, session: str) -> None:
    require_appliance(call.caller)
    sessions.end_session(call.site, session, call.caller)


@people.route(
    "POST", f"{_PEOPLE}/{{user}}/erase", roles=ADMINISTRATORS, body=ErasureIn, answer=ErasedOut, errors=(409,),
    summary="Forget a person",
)  # fmt: skip
def erase_person(call: Call, user: str) -> ErasedOut:
    """In every log and row that names them, for good. Nobody approves their own; a legal hold anywhere forbids it."""
    require_appliance(call.caller)
    return ErasedOut(entry=erase_user(call.site, user, legal_basis=call.body.legal_basis, approver=call.caller))


def _shown(found: list[User]) -> list[UserOut]:
    return [user_out(user) for user in found]


def user_out(user: User) -> UserOut:
    """A person as the API shows them."""
    roles: dict[str, Any] = {"appliance": user.roles.appliance, "workspaces": dict(user.roles.workspaces)}
    told = ("id", "source", "login", "name", "created_at", "last_login_at", "disabled_at")
    return UserOut(roles=RolesOut(**roles), **{name: getattr(user, name) for name in told})
