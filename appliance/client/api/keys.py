"""API keys of a workspace.

Written by ``make client`` from the OpenAPI document: change the route, never this file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypedDict

from appliance.client.calls import Calls, quoted


class KeyMade(TypedDict):
    """A key with its new token, which is kept nowhere and not shown again."""

    id: str
    prefix: str
    role: str
    label: str
    created_at: str
    created_by: str
    last_used_at: str | None
    revoked_at: str | None
    revoked_by: str | None
    scopes: list[str] | None
    expires_at: str | None
    rotated_at: str | None
    token: str


class KeyOut(TypedDict):
    """A key without its secret; `prefix` is that of its latest one."""

    id: str
    prefix: str
    role: str
    label: str
    created_at: str
    created_by: str
    last_used_at: str | None
    revoked_at: str | None
    revoked_by: str | None
    scopes: list[str] | None
    expires_at: str | None
    rotated_at: str | None


class Keys:
    """API keys of a workspace."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def list_keys(
        self,
        *,
        sort: Literal["id", "-id", "label", "-label"] | None = None,
        role: Literal["owner", "supervisor", "operator", "auditor", "device", "service", "plant-it"] | None = None,
        revoked: bool | None = None,
        at_most: int | None = None,
    ) -> Iterator[KeyOut]:
        """API keys.

        Parameters
        ----------
        sort : order; '-' puts the greatest first, equal ones follow their making ('id')
        at_most : how many to take; None: all
        """
        return self._calls.pages(
            f"{self._calls.workspace}/keys", at_most=at_most, query={"sort": sort, "role": role, "revoked": revoked}
        )

    def create_key(
        self,
        *,
        role: Literal["owner", "supervisor", "operator", "auditor", "device", "service", "plant-it"],
        label: str,
        scopes: list[str] | None = None,
        expires_at: str | None = None,
        idempotency_key: str | None = None,
    ) -> KeyMade:
        """Make an API key.

        Parameters
        ----------
        scopes : what it may do of what its role may; left out: all
        expires_at : from when on it is refused; left out: never
        idempotency_key : whoever repeats the call under its key gets the same answer; None: a new one
        """
        record: KeyMade = self._calls.once(
            f"{self._calls.workspace}/keys",
            idempotency_key,
            body={"role": role, "label": label, "scopes": scopes, "expires_at": expires_at},
        )
        return record

    def get_key(self, key: str, *, held: KeyOut | None = None) -> KeyOut:
        """One API key.

        Parameters
        ----------
        held : what the caller holds already; given back where it is unchanged
        """
        record: KeyOut = self._calls.get(f"{self._calls.workspace}/keys/{quoted(key)}", held)
        return record

    def rotate_key(
        self,
        key: str,
        *,
        overlap_minutes: int | None = None,
        expires_at: str | None = None,
        idempotency_key: str | None = None,
    ) -> KeyMade:
        """Give a key another secret.

        The new one counts at once, those before until the overlap ends. The key stays the same, with all that is its.

        Parameters
        ----------
        overlap_minutes : how long secrets before this one still count
        expires_at : another end of the key; left out: as it was
        idempotency_key : whoever repeats the call under its key gets the same answer; None: a new one
        """
        record: KeyMade = self._calls.once(
            f"{self._calls.workspace}/keys/{quoted(key)}/rotate",
            idempotency_key,
            body={"overlap_minutes": overlap_minutes, "expires_at": expires_at},
        )
        return record

    def revoke_key(self, key: str) -> KeyOut:
        """Refuse a key."""
        record: KeyOut = self._calls.act("POST", f"{self._calls.workspace}/keys/{quoted(key)}/revoke")
        return record
