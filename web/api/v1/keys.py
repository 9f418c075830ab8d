"""API keys of a workspace: made, listed, revoked.  A secret is shown once."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import Field

from appliance.identity.api_keys import create_api_key, find_api_key, list_api_keys, revoke_api_key
from appliance.identity.models import ApiKey
from web.api.contract import ADMINISTRATORS, Area, Call
from web.api.forms import SORT, Body, Name, Out, Page, PageQuery
from web.api.paging import page

_KEYS: Final = "/workspaces/{slug}/keys"

KeyRole = Literal["owner", "supervisor", "operator", "auditor", "device", "service", "plant-it"]

keys = Area("keys", "API keys of a workspace.")


class KeyPageQuery(PageQuery):
    """Which keys; filters are joined by 'and'."""

    sort: Literal["id", "-id", "label", "-label"] = Field("id", description=SORT)
    role: KeyRole | None = None
    revoked: bool | None = None


class KeyIn(Body):
    """A new key; a device's key bears the device's name as its label."""

    role: KeyRole
    label: Name


class KeyOut(Out):
    """A key without its secret."""

    id: str
    prefix: str
    role: str
    label: str
    created_at: str
    created_by: str
    last_used_at: str | None
    revoked_at: str | None
    revoked_by: str | None


class KeyMade(KeyOut):
    """A new key with its token, which is kept nowhere and not shown again."""

    token: str


@keys.route("GET", _KEYS, roles=ADMINISTRATORS, query=KeyPageQuery, answer=Page[KeyOut], summary="API keys")
def list_keys(call: Call) -> object:
    filters = {"role": call.query.role, "revoked": call.query.revoked}
    return page(call, lambda listing: list_api_keys(call.site, call.scope.workspace_id, listing, **filters))


@keys.route(
    "POST",
    _KEYS,
    roles=ADMINISTRATORS,
    body=KeyIn,
    answer=KeyMade,
    status=201,
    once="control",
    shows_secret=True,
    summary="Make an API key",
)
def create_key(call: Call) -> dict[str, Any]:
    row, token = create_api_key(call.site, call.scope.slug, call.body.role, call.body.label, call.caller)
    call.made(f"keys/{row.id}")
    return {**KeyOut.model_validate(row).model_dump(), "token": token}


@keys.route("GET", f"{_KEYS}/{{key}}", roles=ADMINISTRATORS, answer=KeyOut, summary="One API key")
def get_key(call: Call, key: str) -> ApiKey:
    return find_api_key(call.site, call.scope.workspace_id, key)


@keys.route(
    "POST", f"{_KEYS}/{{key}}/revoke", roles=ADMINISTRATORS, answer=KeyOut, errors=(409,), summary="Refuse a key"
)
def revoke_key(call: Call, key: str) -> ApiKey:
    return revoke_api_key(call.site, find_api_key(call.site, call.scope.workspace_id, key).id, call.caller)
