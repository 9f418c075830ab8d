"""What is known of a SAML provider: the metadata that it publishes, and which of its attributes mean what here.

The metadata is given by the owner as a file: nothing is fetched, so nobody between here and there can change it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from lxml import etree
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Constants
from onelogin.saml2.idp_metadata_parser import OneLogin_Saml2_IdPMetadataParser as MetadataParser

from appliance.core.canonical import canonical_bytes, loads_strict
from appliance.core.clock import parse_rfc3339, utc_now
from appliance.crypto.service_certificate import CertificateFacts, read_certificate
from appliance.errors import InvalidInput
from appliance.identity.oidc.settings import is_trustworthy
from appliance.identity.saml.markup import decode, find, parse

METADATA_BYTES: Final = 200_000
_MOST_CERTIFICATES: Final = 8
_NAME_CHARACTERS: Final = 1024
_HINT: Final = "Give the metadata of one identity provider, whole, as it publishes it."


@dataclass(frozen=True)
class SamlSettings:
    """One provider.

    Attributes
    ----------
    metadata : its metadata, XML
    label : what stands on the button
    id_attribute : the attribute by which people are known for good; empty: the name in the subject (NameID)
    groups_attribute, login_attribute, name_attribute : where groups, login and name of a person stand
    is_unsolicited_allowed : whether people may come from the provider without having been sent there
    """

    metadata: str
    label: str
    id_attribute: str = ""
    groups_attribute: str = "groups"
    login_attribute: str = "uid"
    name_attribute: str = "displayName"
    is_unsolicited_allowed: bool = False

    def dump(self) -> str:
        """The settings as text."""
        return canonical_bytes(asdict(self)).decode()


@dataclass(frozen=True)
class IdentityProvider:
    """What a provider says about itself.

    Attributes
    ----------
    entity_id : what it calls itself
    sign_on_url, logout_url : where browsers are sent to (HTTP-Redirect); no logout: empty
    logout_answer_url : where answers to its own requests to log out go; often the same
    certificates : base64 of DER; any of them may sign, so that it can change its key without a day on which nobody
        comes in
    """

    entity_id: str
    sign_on_url: str
    logout_url: str
    logout_answer_url: str
    certificates: tuple[str, ...]

    def facts(self) -> tuple[CertificateFacts, ...]:
        """What tells its certificates apart."""
        return tuple(read_certificate(decode(text)) for text in self.certificates)


def load(text: str) -> SamlSettings:
    """What ``dump`` wrote."""
    values: dict[str, Any] = loads_strict(text)
    return SamlSettings(**values)


def check(settings: SamlSettings) -> IdentityProvider:
    """What the settings say about the provider, if people can be sent there with them.

    Raises
    ------
    InvalidInput : names the first one that cannot be used
    """
    for name in ("label", "groups_attribute", "login_attribute", "name_attribute"):
        value: str = getattr(settings, name)
        if not value.strip() or not value.isprintable():
            raise InvalidInput("saml.setting", f"'{name}' is empty or cannot be printed.")
    if not settings.id_attribute.isprintable():
        raise InvalidInput("saml.setting", "'id_attribute' cannot be printed.")
    return read_metadata(settings.metadata)


def read_metadata(text: str) -> IdentityProvider:
    """The one provider of a metadata document.

    Raises
    ------
    InvalidInput : it describes none or several, is out of date, sends browsers to an address that is not https, or has
        no certificate that proves anything
    """
    if len(text.encode("utf-8", "surrogatepass")) > METADATA_BYTES:
        raise InvalidInput("saml.metadata", f"Metadata has at most {METADATA_BYTES} bytes.", _HINT)
    root = parse(text.encode("utf-8", "surrogatepass"), is_message=False)
    providers = find(root, "/descendant-or-self::md:EntityDescriptor[md:IDPSSODescriptor]")
    if len(providers) != 1 or len(find(providers[0], "md:IDPSSODescriptor")) != 1:
        raise InvalidInput("saml.metadata", f"The metadata describes {len(providers)} identity providers.", _HINT)
    _require_present(providers[0])
    found = MetadataParser.parse(etree.tostring(providers[0]))
    return _checked(found.get("idp", {}), _answer_url(providers[0]))


def _checked(told: dict[str, Any], answer_url: str) -> IdentityProvider:
    entity_id = str(told.get("entityId", ""))
    sign_on_url = str(told.get("singleSignOnService", {}).get("url", ""))
    logout_url = str(told.get("singleLogoutService", {}).get("url", ""))
    if not entity_id or len(entity_id) > _NAME_CHARACTERS or not entity_id.isprintable():
        raise InvalidInput("saml.metadata", "The provider does not say what it calls itself.", _HINT)
    for url in (sign_on_url, *([logout_url] if logout_url else []), *([answer_url] if answer_url else [])):
        if not is_trustworthy(url):
            hint = "It must be https, with the binding HTTP-Redirect."
            raise InvalidInput("saml.address", "The provider names no trustworthy address for browsers.", hint)
    several = told.get("x509certMulti", {}).get("signing", [])
    certificates = tuple(dict.fromkeys(several or ([told["x509cert"]] if told.get("x509cert") else [])))
    if not 0 < len(certificates) <= _MOST_CERTIFICATES:
        hint = f"One to {_MOST_CERTIFICATES} certificates that sign must be in its metadata."
        raise InvalidInput("saml.certificate", f"The provider has {len(certificates)} certificates that sign.", hint)
    provider = IdentityProvider(entity_id, sign_on_url, logout_url, answer_url or logout_url, certificates)
    provider.facts()
    return provider


def _answer_url(provider: Any) -> str:
    path = f"md:IDPSSODescriptor/md:SingleLogoutService[@Binding='{Constants.BINDING_HTTP_REDIRECT}']/@ResponseLocation"
    return str(next(iter(find(provider, path)), ""))


def _require_present(provider: Any) -> None:
    """Return if the metadata, and everything around it, is not out of date."""
    for until in find(provider, "ancestor-or-self::*/@validUntil | md:IDPSSODescriptor/@validUntil"):
        moment: datetime = parse_rfc3339(str(until))
        if moment <= utc_now():
            raise InvalidInput("saml.metadata", f"The metadata was valid until {until}.", "Give its present one.")
