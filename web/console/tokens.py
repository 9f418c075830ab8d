"""Tokens in the console: personal ones are made and ended, and a session is exchanged for a pair of short-lived ones.

To make one asks for the password again, as everything does that decides who may come in.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from flask import Response, g, request

from appliance.core.canonical import canonical_bytes
from appliance.core.clock import utc_now
from appliance.errors import Denied
from appliance.identity.local.break_glass import is_break_glass
from appliance.identity.tokens import grants, personal
from web.api.contract import Call
from web.api.scopes import require_of_role, scopes_of
from web.console.keys import chosen
from web.console.showing import see

_ME: Final = "/console/-/me"
_DAYS: Final = (7, 30, 90, 180, 366)


def tokens_of(call: Call) -> dict[str, Any]:
    """What the page *You* shows of one's tokens."""
    places = call.site.workspaces_of(call.caller)
    roles = {acting.role for one in places if (acting := call.caller.within(one.id))}
    return {
        "tokens": personal.list_personal_tokens(call.site, user_id=call.caller.id),
        "grants": grants.list_grants(call.site, call.caller.id),
        "places": places,
        "scopes": sorted(set().union(*map(scopes_of, roles)) - personal.REFUSED_SCOPES),
        "days": _days(call),
    }


def made_token(call: Call) -> tuple[str, str]:
    """Make the personal token of the form; its label and its text, which is shown once."""
    slug, scopes = request.form.get("workspace", ""), request.form.getlist("scope")
    require_of_role(call.site.scope(call.caller, slug).principal.role, scopes)
    days = int(chosen({str(one): "" for one in _days(call)}, request.form.get("days", "")))
    until = utc_now() + timedelta(days=days)
    label = request.form.get("label", "")
    row, token = personal.create_personal_token(call.site, call.caller, slug, label, scopes, until)
    return row.label, token


def end_token(call: Call, token_id: str) -> Response:
    """Refuse one of one's own tokens from now on."""
    personal.revoke_personal_token(call.site, token_id, call.caller)
    return see(_ME)


def end_grant(call: Call, grant_id: str) -> Response:
    """End one of one's own grants."""
    grants.revoke(call.site, grant_id, call.caller)
    return see(_ME)


def end_somebodys(call: Call, token_id: str) -> Response:
    """Refuse a personal token of this workspace from now on."""
    personal.revoke_personal_token(call.site, token_id, call.caller)
    return see(f"/console/{call.scope.slug}/keys")


def exchange_session(call: Call) -> Response:
    """A pair of tokens that ends with this session."""
    if is_break_glass(call.site, call.caller.id):
        raise Denied("token.person", "The break-glass account has no tokens.")
    pair = grants.exchange(call.site, call.caller, g.session_id)
    told = {
        "access_token": pair.access_token, "refresh_token": pair.refresh_token, "token_type": "Bearer",
        "expires_in_s": pair.expires_in_s,
    }  # fmt: skip
    return Response(canonical_bytes(told), content_type="application/json", headers={"Cache-Control": "no-store"})


def _days(call: Call) -> list[int]:
    """How long a token may last, as the page offers it."""
    most = call.site.settings.personal_token_days
    return [*(days for days in _DAYS if days < most), most]
