"""API keys of a workspace: made, listed, rotated, revoked.  A secret is shown once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final, Literal

from pydantic import Field

from appliance.core.clock import parse_rfc3339
from appliance.identity.api_keys import (
    LONGEST_OVERLAP,
    create_api_key,
    find_api_key,
    list_api_keys,
    revoke_api_key,
    rotate_api_key,
)
from appliance.identity.models import ApiKey
from web.api.contract import ADMINISTRATORS, Area, Call
from web.api.forms import SORT, Body, Moment, Name, Out, Page, PageQuery
from web.api.paging import page
from web.api.scopes import ScopesIn, ScopesOut, require_of_role

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
    scopes: ScopesIn = Field(None, description="What it may do of what its role may; left out: all.")
    expires_at: Moment | None = Field(None, description="From when on it is refused; left out: never.")


class RotationIn(Body):
    """How a key goes from one secret to the next."""

    overlap_minutes: int = Field(
        0, ge=0, le=LONGEST_OVERLAP // timedelta(minutes=1),
        description="How long secrets before this one still count.",
    )  # fmt: skip
    expires_at: Moment | None = Field(None, description="Another end of the key; left out: as it was.")


class KeyOut(Out):
    """A key without its secret; ``prefix`` is that of its latest one."""

    id: str
    prefix: str
    role: str
    label: str
    created_at: str
    created_by: str
    last_used_at: str | None
    revoked_at: str | None
    revoked_by: str | None
    scopes: ScopesOut
    expires_at: str | None
    rotated_at: str | None


class KeyMade(KeyOut):
    """A key with its new token, which is kept nowhere and not shown again."""

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
    told, end = call.body, _moment(call.body.expires_at)
    require_of_role(told.role, told.scopes)
    row, token = create_api_key(
        call.site, call.scope.slug, told.role, told.label, call.caller, scopes=told.scopes, expires_at=end
    )
    call.made(f"keys/{row.id}")
    return _shown(row, token)


@keys.route("GET", f"{_KEYS}/{{key}}", roles=ADMINISTRATORS, answer=KeyOut, summary="One API key")
def get_key(call: Call, key: str) -> ApiKey:
    return find_api_key(call.site, call.scope.workspace_id, key)


@keys.route(
    "POST", f"{_KEYS}/{{key}}/rotate", roles=ADMINISTRATORS, body=RotationIn, answer=KeyMade, errors=(409,),
    once="control", shows_secret=True, summary="Give a key another secret",
)  # fmt: skip
def rotate_key(call: Call, key: str) -> dict[str, Any]:
    """The new one counts at once, those before until the overlap ends. The key stays the same, with all that is its."""
    row = find_api_key(call.site, call.scope.workspace_id, key)
    overlap, end = timedelta(minutes=call.body.overlap_minutes), _moment(call.body.expires_at)
    return _shown(*rotate_api_key(call.site, row.id, call.caller, overlap=overlap, expires_at=end))


@keys.route(
    "POST", f"{_KEYS}/{{key}}/revoke", roles=ADMINISTRATORS, answer=KeyOut, errors=(409,), summary="Refuse a key"
)
def revoke_key(call: Call, key: str) -> ApiKey:
    return revoke_api_key(call.site, find_api_key(call.site, call.scope.workspace_id, key).id, call.caller)


def _shown(row: ApiKey, token: str) -> dict[str, Any]:
    return {**KeyOut.model_validate(row).model_dump(), "token": token}


def _moment(text: str | None) -> datetime | None:
    return None if text is None else parse_rfc3339(text)
