"""Tokens: access tokens and the grants that they belong to, and the personal tokens of people who script."""

from __future__ import annotations

from typing import Final

from pydantic import Field

from appliance.db.listing import Listing
from appliance.identity.tokens import grants, personal, signing
from appliance.identity.tokens.grants import Pair
from appliance.identity.tokens.models import PersonalTokenRow, TokenGrantRow
from appliance.identity.users import find_user
from web.api.contract import ADMINISTRATORS, KNOWN, Area, Call
from web.api.forms import Body, Line, Out, Page, PageQuery
from web.api.paging import page
from web.api.scopes import ScopesIn, ScopesOut
from web.api.v1.workspaces import require_appliance

_PERSONAL: Final = "/personal-tokens"
_OF_WORKSPACE: Final = "/workspaces/{slug}/personal-tokens"

tokens = Area("tokens", "Access tokens, the grants that they belong to, and personal tokens.")


class ExchangeIn(Body):
    """What the tokens may do."""

    scopes: ScopesIn = Field(None, description="Some of what key or token may do; left out: the same.")


class RefreshIn(Body):
    """A refresh token."""

    refresh_token: Line


class TokenPair(Out):
    """A token for requests, and one for the next pair, which works once."""

    grant_id: str
    token_type: str = Field("Bearer", description="How the access token is shown: in the Authorization header.")
    access_token: str
    expires_in_s: int
    refresh_token: str
    scopes: ScopesOut


class GrantOut(Out):
    """A grant that counts; it ends with ``holder_id``: the key, personal token or session that it comes from."""

    id: str
    holder_id: str
    scopes: ScopesOut
    created_at: str
    idle_at: str
    expires_at: str


class GrantList(Out):
    """Grants, the latest first."""

    items: list[GrantOut]


class PersonalOut(Out):
    """A personal token without its secret."""

    id: str
    prefix: str
    label: str
    user_id: str
    workspace_id: str
    scopes: ScopesOut
    created_at: str
    expires_at: str
    last_used_at: str | None


class PersonalList(Out):
    """Personal tokens that count."""

    items: list[PersonalOut]


class Ended(Out):
    """How many were ended."""

    ended: int


class SigningKey(Out):
    """The key that signs access tokens from now on."""

    kid: str


class RotationOfKeys(Body):
    """Whether tokens of the keys before are believed no more: after a theft."""

    at_once: bool = False


@tokens.route(
    "POST", "/tokens", roles=KNOWN, body=ExchangeIn, answer=TokenPair, about_caller=True,
    summary="Exchange a key or personal token",
)  # fmt: skip
def exchange_key(call: Call) -> Pair:
    """The access token counts for ten minutes, and no longer than what it comes from. Whoever makes few requests needs
    none: a key opens the same."""
    return grants.exchange(call.site, call.caller, call.caller.holder, call.body.scopes)


@tokens.route(
    "POST", "/tokens/refresh", roles=None, body=RefreshIn, answer=TokenPair, errors=(401,), summary="The next pair"
)
def refresh_tokens(call: Call) -> Pair:
    """A refresh token works once. Shown again within ten seconds, it gives the same next one; later, or when that one
    was used, the grant is ended: somebody has a copy."""
    return grants.refresh(call.site, call.body.refresh_token)


@tokens.route("POST", "/tokens/revoke", roles=None, body=RefreshIn, summary="End the grant of a refresh token")
def revoke_tokens(call: Call) -> None:
    """Whether there is one or not (RFC 7009)."""
    grants.revoke_by_token(call.site, call.body.refresh_token)


@tokens.route(
    "GET", "/grants", roles=KNOWN, answer=GrantList, about_caller=True, summary="Grants of the caller that count"
)
def list_grants(call: Call) -> dict[str, list[TokenGrantRow]]:
    return {"items": grants.list_grants(call.site, call.caller.id)}


@tokens.route("POST", "/grants/{grant}/revoke", roles=KNOWN, about_caller=True, summary="End a grant")
def revoke_grant(call: Call, grant: str) -> None:
    """Of the caller; the owner of the appliance ends any."""
    grants.revoke(call.site, grant, call.caller)


@tokens.route("GET", _PERSONAL, roles=KNOWN, answer=PersonalList, about_caller=True, summary="Tokens of the caller")
def list_own_tokens(call: Call) -> dict[str, list[PersonalTokenRow]]:
    """Personal tokens are made in the console, where the password is asked for again."""
    return {"items": personal.list_personal_tokens(call.site, user_id=call.caller.id)}


@tokens.route(
    "POST", f"{_PERSONAL}/{{personal}}/revoke", roles=KNOWN, answer=PersonalOut, errors=(409,), about_caller=True,
    summary="Refuse a personal token from now on",
)  # fmt: skip
def revoke_own_token(call: Call, personal: str) -> PersonalTokenRow:
    """Of the caller; an owner refuses any of their workspace."""
    return _revoked(call, personal)


@tokens.route(
    "GET", _OF_WORKSPACE, roles=ADMINISTRATORS, query=PageQuery, answer=Page[PersonalOut],
    summary="Personal tokens for a workspace",
)  # fmt: skip
def list_tokens(call: Call) -> object:
    """Of all people, those that count."""
    return page(call, lambda listing: _of_workspace(call, listing))


@tokens.route(
    "POST", f"{_OF_WORKSPACE}/{{personal}}/revoke", roles=ADMINISTRATORS, answer=PersonalOut, errors=(409,),
    summary="Refuse somebody's personal token",
)  # fmt: skip
def revoke_token(call: Call, personal: str) -> PersonalTokenRow:
    return _revoked(call, personal)


@tokens.route(
    "POST", "/people/{user}/end-tokens", roles=ADMINISTRATORS, answer=Ended, summary="End all tokens of a person"
)
def end_tokens(call: Call, user: str) -> Ended:
    """Personal tokens and grants, at once, for the owner of the appliance. Sessions stay."""
    require_appliance(call.caller)
    known = find_user(call.site, user)
    ended = personal.revoke_all_of(call.site, known.id, call.caller)
    return Ended(ended=ended + grants.revoke_grants_of(call.site, known.id, call.caller))


@tokens.route(
    "POST", "/token-keys/rotate", roles=ADMINISTRATORS, body=RotationOfKeys, answer=SigningKey,
    summary="Sign tokens with another key",
)  # fmt: skip
def rotate_token_keys(call: Call) -> SigningKey:
    """For the owner of the appliance; it happens by itself every thirty days."""
    require_appliance(call.caller)
    return SigningKey(kid=signing.rotate_keys(call.site, call.caller, at_once=call.body.at_once))


def _of_workspace(call: Call, listing: Listing) -> list[PersonalTokenRow]:
    return personal.list_personal_tokens(call.site, listing, workspace_id=call.scope.workspace_id)


def _revoked(call: Call, token_id: str) -> PersonalTokenRow:
    return personal.revoke_personal_token(call.site, token_id, call.caller)
