"""What everybody sees of themselves: password, second factor, tokens, sessions."""

from __future__ import annotations

from typing import Any, Final

import segno
from flask import Response, g, request

from appliance.core.ids import is_id
from appliance.errors import Denied, InvalidInput, NotFound
from appliance.identity import second_factor, sessions
from appliance.identity.local.accounts import change_password
from appliance.identity.local.passwords import has_password
from appliance.identity.records import ELSEWHERE
from appliance.identity.users import find_user
from web.api.contract import Call
from web.console.showing import see
from web.console.tokens import made_token, tokens_of

Shown = tuple[str, dict[str, Any]]
_ME: Final = "/console/-/me"


def me(call: Call, **more: Any) -> Shown:
    """Who one is here, and from where one is signed in."""
    shown = {
        "is_person": is_id(call.caller.id, "usr") and find_user(call.site, call.caller.id).source not in ELSEWHERE,
        "has_password": has_password(call.site, call.caller.id),
        "has_factor": second_factor.has_second_factor(call.site, call.caller.id),
        "codes_left": second_factor.recovery_codes_left(call.site, call.caller.id),
        "sessions": sessions.list_sessions(call.site, call.caller.id),
        "slugs": {one.id: one.slug for one in call.site.workspaces_of(call.caller)},
        "begun": None,
        "codes": None,
        "made": None,
        **tokens_of(call),
    }
    return "me.html", shown | more


def change_own_password(call: Call) -> Response:
    """Take another password; the former one is shown in the same form."""
    former, password = request.form.get("former", ""), request.form.get("password", "")
    require_same(password, request.form.get("again", ""))
    change_password(call.site, call.caller, former, password, g.session_id)
    return see(_ME)


def begin_factor(call: Call) -> Shown:
    """Show what an authenticator app is to be given."""
    _require_person(call)
    secret, address = second_factor.begin_second_factor(call.site, call.caller)
    return me(call, begun=(secret, segno.make(address, error="m").svg_data_uri(scale=5, border=3, light="white")))


def confirm_factor(call: Call) -> Shown:
    """Take the first code; the recovery codes are shown once."""
    _require_person(call)
    codes = second_factor.confirm_second_factor(call.site, call.caller, request.form.get("code", ""))
    return me(call, codes=codes)


def remove_factor(call: Call) -> Response:
    """Ask for no code any more."""
    if call.site.settings.second_factor == "required":
        raise Denied("factor.required", "Here every local account has a second factor.", "An owner can remove it.")
    second_factor.remove_second_factor(call.site, call.caller.id, call.caller)
    return see(_ME)


def make_token(call: Call) -> Shown:
    """Make a personal token."""
    made = made_token(call)
    return me(call, made=made)


def end_own_session(call: Call, session_id: str) -> Response:
    """End one of one's own sessions."""
    if session_id not in {row.id for row in sessions.list_sessions(call.site, call.caller.id)}:
        raise NotFound("session.unknown", "There is no such session.")
    sessions.end_session(call.site, session_id, call.caller)
    return see(_ME)


def require_same(password: str, again: str) -> None:
    """Return if a new password was typed twice.

    Raises
    ------
    InvalidInput : the two differ
    """
    if password != again:
        raise InvalidInput("password.differs", "The two new passwords differ.", "Type the same one twice.")


def _require_person(call: Call) -> None:
    if not is_id(call.caller.id, "usr"):
        raise Denied("factor.key", "An API key has no second factor.", "Sign in with name and password.")
    if find_user(call.site, call.caller.id).source in ELSEWHERE:
        raise Denied("factor.elsewhere", "A second factor of this person is asked for by the provider.")
