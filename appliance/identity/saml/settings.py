"""What is known of a SAML provider: the metadata that it publishes, and which of its attributes mean what here.

The metadata is given by the owner as a file: nothing is fetched, so nobody between here and there can change it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

from onelogin.saml2.constants import OneLogin_Saml2_Constants as Constants

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
    data = text.encode("utf-8", "surrogatepass")
    if len(data) > METADATA_BYTES:
        raise InvalidInput("saml.metadata", f"Metadata has at most {METADATA_BYTES} bytes.", _HINT)
    found = find(parse(data, is_message=False), "/descendant-or-self::md:EntityDescriptor/md:IDPSSODescriptor")
    if len(found) != 1:
        raise InvalidInput("saml.metadata", f"The metadata describes {len(found)} identity providers.", _HINT)
    _require_present(found[0])
    entity_id = str(found[0].getparent().get("entityID", ""))
    if not entity_id or len(entity_id) > _NAME_CHARACTERS or not entity_id.isprintable():
        raise InvalidInput("saml.metadata", "The provider does not say what it calls itself.", _HINT)
    sign_on_url = _address(found[0], "md:SingleSignOnService", "Location")
    if not sign_on_url:
        raise InvalidInput("saml.address", "The provider names no address with the binding HTTP-Redirect.", _HINT)
    logout_url = _address(found[0], "md:SingleLogoutService", "Location")
    answer_url = _address(found[0], "md:SingleLogoutService", "ResponseLocation") or logout_url
    provider = IdentityProvider(entity_id, sign_on_url, logout_url, answer_url, _certificates(found[0]))
    provider.facts()  # every one of them can be read
    return provider


def _address(provider: Any, service: str, name: str) -> str:
    """The first address of a service with the binding HTTP-Redirect; empty where there is none."""
    url = str(next(iter(find(provider, f"{service}[@Binding='{Constants.BINDING_HTTP_REDIRECT}']/@{name}")), ""))
    if url and not is_trustworthy(url):
        raise InvalidInput("saml.address", "The provider names no trustworthy address for browsers.", "Use https.")
    return url


def _certificates(provider: Any) -> tuple[str, ...]:
    """Those that may sign: a key for what is sealed proves nothing."""
    path = "md:KeyDescriptor[not(@use) or @use='signing']/ds:KeyInfo/ds:X509Data/ds:X509Certificate/text()"
    found = tuple(dict.fromkeys("".join(str(text).split()) for text in find(provider, path)))
    if not 0 < len(found) <= _MOST_CERTIFICATES:
        hint = f"One to {_MOST_CERTIFICATES} certificates that sign must be in its metadata."
        raise InvalidInput("saml.certificate", f"The provider has {len(found)} certificates that sign.", hint)
    return found


def _require_present(provider: Any) -> None:
    """Return if the metadata, and everything around it, is not out of date."""
    for until in find(provider, "ancestor-or-self::*/@validUntil"):
        if parse_rfc3339(str(until)) <= utc_now():
            raise InvalidInput("saml.metadata", f"The metadata was valid until {until}.", "Give its present one.")
