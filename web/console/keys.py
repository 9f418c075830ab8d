"""The page of a workspace's API keys: made, given another secret, revoked; and of people's tokens for it.

What is made is shown once.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from flask import request

from appliance.core.clock import utc_now
from appliance.db.listing import Listing
from appliance.errors import InvalidInput, NotFound
from appliance.identity.api_keys import (
    KEY_ROLES,
    create_api_key,
    find_api_key,
    list_api_keys,
    revoke_api_key,
    rotate_api_key,
)
from appliance.identity.tokens.personal import list_personal_tokens
from appliance.identity.users import find_user
from web.api.contract import Call
from web.api.scopes import require_of_role, scopes_of
from web.console.showing import see

Shown = tuple[str, dict[str, Any]]
_ROWS: Final = 100
#: How long the secret before may count, in hours, as the page offers it.
_OVERLAPS: Final = {0: "at once", 1: "in an hour", 24: "in a day", 168: "in a week"}
_LIFETIMES: Final = {"": "never", "30": "in 30 days", "90": "in 90 days", "365": "in a year"}


def keys(call: Call, *, made: tuple[str, str] | None = None) -> Shown:
    """Keys of the workspace; ``made``: label and token of the one that was just made."""
    after = (request.args["after"],) if "after" in request.args else ()
    found = list_api_keys(call.site, call.scope.workspace_id, Listing("id", after, _ROWS + 1))
    tokens = list_personal_tokens(call.site, Listing(limit=_ROWS), workspace_id=call.scope.workspace_id)
    shown = {
        "keys": found[:_ROWS],
        "more": found[_ROWS - 1].id if len(found) > _ROWS else None,
        "made": made,
        "key_roles": KEY_ROLES,
        "scopes": sorted(set().union(*map(scopes_of, KEY_ROLES))),
        "tokens": [(row, find_user(call.site, row.user_id)) for row in tokens],
        "overlaps": _OVERLAPS,
        "lifetimes": _LIFETIMES,
    }
    return "keys.html", shown


def make_key(call: Call) -> Shown:
    """Make a key; its token is shown once."""
    role, label = request.form.get("role", ""), request.form.get("label", "")
    scopes, days = request.form.getlist("scope") or None, chosen(_LIFETIMES, request.form.get("expires", ""))
    if role in KEY_ROLES:
        require_of_role(role, scopes)
    expires_at = utc_now() + timedelta(days=int(days)) if days else None
    row, token = create_api_key(
        call.site, call.scope.slug, role, label, call.caller, scopes=scopes, expires_at=expires_at
    )
    return keys(call, made=(row.label, token))


def act_on_key(call: Call, key_id: str, act: str) -> Any:
    """Give a key another secret, or refuse it from now on."""
    row = find_api_key(call.site, call.scope.workspace_id, key_id)
    if act == "revoke":
        revoke_api_key(call.site, row.id, call.caller)
    elif act == "rotate":
        hours = int(chosen({str(one): "" for one in _OVERLAPS}, request.form.get("overlap", "0")))
        row, token = rotate_api_key(call.site, row.id, call.caller, overlap=timedelta(hours=hours))
        return keys(call, made=(row.label, token))
    else:
        raise NotFound("console.act", "There is no such act.")
    return see(f"/console/{call.scope.slug}/keys")


def chosen(offered: dict[str, str], value: str) -> str:
    """What somebody chose of what the page offers.

    Raises
    ------
    InvalidInput : the page does not offer it
    """
    if value not in offered:
        raise InvalidInput("console.choice", "This page offers no such choice.", "Open it again.")
    return value
