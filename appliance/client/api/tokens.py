"""Access tokens, the grants that they belong to, and personal tokens.

Written by ``make client`` from the OpenAPI document: change the route, never this file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NotRequired, TypedDict

from appliance.client.calls import Calls, quoted


class Ended(TypedDict):
    """How many were ended."""

    ended: int


class GrantList(TypedDict):
    """Grants, the latest first."""

    items: list[GrantOut]


class GrantOut(TypedDict):
    """A grant that counts; it ends with `holder_id`: the key, personal token or session that it comes from."""

    id: str
    holder_id: str
    scopes: list[str] | None
    created_at: str
    idle_at: str
    expires_at: str


class PersonalList(TypedDict):
    """Personal tokens that count."""

    items: list[PersonalOut]


class PersonalOut(TypedDict):
    """A personal token without its secret."""

    id: str
    prefix: str
    label: str
    user_id: str
    workspace_id: str
    scopes: list[str] | None
    created_at: str
    expires_at: str
    last_used_at: str | None


class SigningKey(TypedDict):
    """The key that signs access tokens from now on."""

    kid: str


class TokenPair(TypedDict):
    """A token for requests, and one for the next pair, which works once."""

    grant_id: str
    token_type: NotRequired[str]
    access_token: str
    expires_in_s: int
    refresh_token: str
    scopes: list[str] | None


class Tokens:
    """Access tokens, the grants that they belong to, and personal tokens."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def exchange_key(self, *, scopes: list[str] | None = None) -> TokenPair:
        """Exchange a key or personal token.

        The access token counts for ten minutes, and no longer than what it comes from. Whoever makes few requests needs
        none: a key opens the same.

        Parameters
        ----------
        scopes : some of what key or token may do; left out: the same
        """
        record: TokenPair = self._calls.act("POST", "tokens", body={"scopes": scopes})
        return record

    def refresh_tokens(self, *, refresh_token: str) -> TokenPair:
        """The next pair.

        A refresh token works once. Shown again within ten seconds, it gives the same next one; later, or when that one
        was used, the grant is ended: somebody has a copy.
        """
        record: TokenPair = self._calls.act("POST", "tokens/refresh", body={"refresh_token": refresh_token})
        return record

    def revoke_tokens(self, *, refresh_token: str) -> Mapping[str, str]:
        """End the grant of a refresh token. Whether there is one or not (RFC 7009)."""
        return self._calls.exchange("POST", "tokens/revoke")

    def list_grants(self, *, held: GrantList | None = None) -> GrantList:
        """Grants of the caller that count.

        Parameters
        ----------
        held : what the caller holds already; given back where it is unchanged
        """
        record: GrantList = self._calls.get("grants", held)
        return record

    def revoke_grant(self, grant: str) -> Mapping[str, str]:
        """End a grant. Of the caller; the owner of the appliance ends any."""
        return self._calls.exchange("POST", f"grants/{quoted(grant)}/revoke")

    def list_own_tokens(self, *, held: PersonalList | None = None) -> PersonalList:
        """Tokens of the caller.

        Personal tokens are made in the console, where the password is asked for again.

        Parameters
        ----------
        held : what the caller holds already; given back where it is unchanged
        """
        record: PersonalList = self._calls.get("personal-tokens", held)
        return record

    def revoke_own_token(self, personal: str) -> PersonalOut:
        """Refuse a personal token from now on. Of the caller; an owner refuses any of their workspace."""
        record: PersonalOut = self._calls.act("POST", f"personal-tokens/{quoted(personal)}/revoke")
        return record

    def list_tokens(self, *, at_most: int | None = None) -> Iterator[PersonalOut]:
        """Personal tokens for a workspace.

        Of all people, those that count.

        Parameters
        ----------
        at_most : how many to take; None: all
        """
        return self._calls.pages(f"{self._calls.workspace}/personal-tokens", at_most=at_most)

    def revoke_token(self, personal: str) -> PersonalOut:
        """Refuse somebody's personal token."""
        record: PersonalOut = self._calls.act(
            "POST", f"{self._calls.workspace}/personal-tokens/{quoted(personal)}/revoke"
        )
        return record

    def end_tokens(self, user: str) -> Ended:
        """End all tokens of a person.

        Personal tokens and grants, at once, for the owner of the appliance. Sessions stay.
        """
        record: Ended = self._calls.act("POST", f"people/{quoted(user)}/end-tokens")
        return record

    def rotate_token_keys(self, *, at_once: bool | None = None) -> SigningKey:
        """Sign tokens with another key. For the owner of the appliance; it happens by itself every thirty days."""
        record: SigningKey = self._calls.act("POST", "token-keys/rotate", body={"at_once": at_once})
        return record
