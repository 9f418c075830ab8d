"""The SAML provider that people may sign in through.

Written by ``make client`` from the OpenAPI document: change the route, never this file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

from appliance.client.calls import Calls


class OwnMetadata(TypedDict):
    """What the provider must know of us."""

    entity_id: str
    metadata_xml: str


class SamlCertificate(TypedDict):
    """A certificate that may sign."""

    sha256: str
    expires_at: str


class SamlExamined(TypedDict):
    """Who would come in with a response."""

    subject: str
    login: str
    name: str
    groups: list[str]
    appliance_role: str | None
    workspace_roles: dict[str, str]
    attributes: dict[str, list[str]]


class SamlProviderOut(TypedDict):
    """What is known of the provider, and of us what it must know."""

    issuer: str
    sign_on_url: str
    logout_url: str
    certificates: list[SamlCertificate]
    label: str
    id_attribute: str
    groups_attribute: str
    login_attribute: str
    name_attribute: str
    is_unsolicited_allowed: bool
    entity_id: str
    consumer_url: str
    changed_at: str
    changed_by: str


class Saml:
    """The SAML provider that people may sign in through."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def get_saml_provider(self, *, held: SamlProviderOut | None = None) -> SamlProviderOut:
        """What is known of the SAML provider.

        Parameters
        ----------
        held : what the caller holds already; given back where it is unchanged
        """
        record: SamlProviderOut = self._calls.get("saml", held)
        return record

    def put_saml_provider(
        self,
        *,
        metadata_xml: str,
        label: str,
        id_attribute: str | None = None,
        groups_attribute: str | None = None,
        login_attribute: str | None = None,
        name_attribute: str | None = None,
        is_unsolicited_allowed: bool | None = None,
        is_new_key: bool | None = None,
    ) -> SamlProviderOut:
        """Say what is known of it.

        The whole of it at once. Our key is made at the first time.

        Parameters
        ----------
        metadata_xml : its metadata, with every key that may sign
        label : what stands on the button
        id_attribute : people are known by it; empty: by persistent NameID
        is_unsolicited_allowed : whether people may come who did not begin here
        is_new_key : make another key of ours; the provider must be told
        """
        record: SamlProviderOut = self._calls.act(
            "PUT",
            "saml",
            body={
                "metadata_xml": metadata_xml,
                "label": label,
                "id_attribute": id_attribute,
                "groups_attribute": groups_attribute,
                "login_attribute": login_attribute,
                "name_attribute": name_attribute,
                "is_unsolicited_allowed": is_unsolicited_allowed,
                "is_new_key": is_new_key,
            },
        )
        return record

    def delete_saml_provider(self) -> Mapping[str, str]:
        """Send nobody to the SAML provider any more."""
        return self._calls.exchange("DELETE", "saml")

    def get_own_metadata(self, *, held: OwnMetadata | None = None) -> OwnMetadata:
        """What it must know of us.

        Parameters
        ----------
        held : what the caller holds already; given back where it is unchanged
        """
        record: OwnMetadata = self._calls.get("saml/metadata", held)
        return record

    def examine_saml_response(self, *, response: str) -> SamlExamined:
        """Say who would come in with a response.

        Nobody comes in, and the response is not used up; whatever is wrong with it is said by name.

        Parameters
        ----------
        response : the field SAMLResponse, base64
        """
        record: SamlExamined = self._calls.act("POST", "saml/test", body={"response": response})
        return record
