"""The OpenID provider that people may sign in through.

Written by ``make client`` from the OpenAPI document: change the route, never this file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

from appliance.client.calls import Calls


class ProviderOut(TypedDict):
    """How the provider is reached, without the secret."""

    issuer: str
    client_id: str
    label: str
    ca_pem: str
    groups_claim: str
    login_claim: str
    name_claim: str
    redirect_uri: str
    changed_at: str
    changed_by: str


class ProviderTold(TypedDict):
    """What the provider says about itself."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


class Oidc:
    """The OpenID provider that people may sign in through."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def get_provider(self, *, held: ProviderOut | None = None) -> ProviderOut:
        """How the OpenID provider is reached.

        Parameters
        ----------
        held : what the caller holds already; given back where it is unchanged
        """
        record: ProviderOut = self._calls.get("oidc", held)
        return record

    def put_provider(
        self,
        *,
        issuer: str,
        client_id: str,
        client_secret: str | None = None,
        label: str,
        ca_pem: str | None = None,
        groups_claim: str | None = None,
        login_claim: str | None = None,
        name_claim: str | None = None,
    ) -> ProviderOut:
        """Say how it is reached.

        The whole of it at once. A kept secret goes to no other provider or client: name it again with them.

        Parameters
        ----------
        issuer : what the provider calls itself; its configuration lies below
        client_secret : null: as before
        label : what stands on the button
        ca_pem : certificates of its CA; empty: those of the system
        """
        record: ProviderOut = self._calls.act(
            "PUT",
            "oidc",
            body={
                "issuer": issuer,
                "client_id": client_id,
                "client_secret": client_secret,
                "label": label,
                "ca_pem": ca_pem,
                "groups_claim": groups_claim,
                "login_claim": login_claim,
                "name_claim": name_claim,
            },
        )
        return record

    def delete_provider(self) -> Mapping[str, str]:
        """Send nobody to the provider any more."""
        return self._calls.exchange("DELETE", "oidc")

    def test_provider(self) -> ProviderTold:
        """Ask the provider about itself."""
        record: ProviderTold = self._calls.act("POST", "oidc/test")
        return record
