"""An appliance that knows a SAML provider whose key the tests hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from lxml import etree

from appliance.crypto.service_certificate import ServiceIdentity, new_service_identity
from appliance.identity.groups import give_role
from appliance.identity.saml import provider, redirect
from appliance.identity.saml.own import Own
from appliance.identity.saml.provider import configure
from appliance.identity.saml.sign_on import Purpose, arrive, begin
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.site import Site
from tests.saml_forge import Forge, plain, posted


@pytest.fixture(scope="session")
def signer() -> ServiceIdentity:
    return new_service_identity("idp")


@dataclass
class Plant:
    """The appliance, and its provider."""

    site: Site
    forge: Forge

    @property
    def own(self) -> Own:
        known = provider.known_of(self.site)
        assert known
        return known.own

    def sent(self, purpose: Purpose = "saml", place: str = "/console/") -> tuple[str, str, str]:
        """A browser that was sent: the id of the request, what it holds, and the state that the provider carries."""
        address, held = begin(self.site, purpose, place)
        query = urlsplit(address).query
        own = plain(self.own.identity.certificate_pem)
        arrived = redirect.verified(query.removeprefix("a=1&b=2&"), [own])
        return etree.fromstring(arrived.xml).get("ID"), held, parse_qs(query).get("RelayState", [""])[0]

    def came(self, purpose: Purpose = "saml", **said: Any) -> str:
        """A browser that went there and whose response arrived; returns what it holds."""
        request, held, state = self.sent(purpose)
        assert arrive(self.site, posted(self.forge.genuine(request, **said)), state) is None
        return held


@pytest.fixture
def plant(site: Site, signer: ServiceIdentity) -> Plant:
    """Leads supervise ``main``, the crew operates it."""
    made = Plant(site, Forge(Own("", signer), signer))
    configure(site, made.forge.settings(), SYSTEM)
    made.forge.own = made.own
    give_role(site, "saml", "leads", "main", "supervisor", SYSTEM)
    give_role(site, "saml", "crew", "main", "operator", SYSTEM)
    return made
