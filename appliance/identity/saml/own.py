"""Our side: how the appliance calls itself to a provider, which key it signs with, what it publishes about itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from xml.sax.saxutils import quoteattr

from onelogin.saml2.constants import OneLogin_Saml2_Constants as Constants
from onelogin.saml2.settings import OneLogin_Saml2_Settings

from appliance.core.canonical import canonical_bytes, loads_strict
from appliance.crypto.service_certificate import ServiceIdentity
from appliance.identity.saml.settings import IdentityProvider

_LOGIN: Final = "/console/login/saml"
METADATA: Final = f"{_LOGIN}/metadata"
#: Where the provider has browsers send what it says about somebody.
CONSUMER: Final = f"{_LOGIN}/response"
#: Where the browser goes on from there.
BACK: Final = f"{_LOGIN}/back"
LOGOUT: Final = f"{_LOGIN}/logout"
SIGNATURE: Final = Constants.RSA_SHA256


@dataclass(frozen=True)
class Own:
    """The appliance as a service provider, at the address by which browsers reach it."""

    public_url: str
    identity: ServiceIdentity

    @property
    def entity_id(self) -> str:
        """What the appliance calls itself: where its metadata is."""
        return self.public_url + METADATA

    @property
    def consumer_url(self) -> str:
        """Where responses go."""
        return self.public_url + CONSUMER

    @property
    def logout_url(self) -> str:
        """Where requests and answers to log out go."""
        return self.public_url + LOGOUT

    def metadata(self) -> str:
        """What the provider must know of us, signed, without a date after which it counts no more."""
        return str(_text(OneLogin_Saml2_Settings(self.toolkit(None), sp_validation_only=True).get_sp_metadata()))

    def toolkit(self, provider: IdentityProvider | None, name_id_format: str = Constants.NAMEID_PERSISTENT) -> Any:
        """Settings as the toolkit takes them, strict; addresses are escaped, because it writes them into XML."""
        settings: dict[str, Any] = {
            "strict": True,
            "sp": {
                "entityId": _escaped(self.entity_id),
                "assertionConsumerService": {"url": _escaped(self.consumer_url)},
                "singleLogoutService": {"url": _escaped(self.logout_url)},
                "NameIDFormat": name_id_format,
                "x509cert": self.identity.certificate_pem,
                "privateKey": self.identity.key_pem,
            },
            # Metadata shows the key for what is sealed only where it says that everything must be sealed.
            "security": {**_SECURITY, "wantAssertionsEncrypted": provider is None},
        }
        return settings if provider is None else settings | {"idp": _told(provider)}


_SECURITY: Final[dict[str, Any]] = {
    "authnRequestsSigned": True,
    "logoutRequestSigned": True,
    "logoutResponseSigned": True,
    "wantAssertionsSigned": True,
    "wantAttributeStatement": False,
    "allowRepeatAttributeName": True,
    "rejectUnsolicitedResponsesWithInResponseTo": True,
    "rejectDeprecatedAlgorithm": True,
    "requestedAuthnContext": False,
    "signatureAlgorithm": SIGNATURE,
    "digestAlgorithm": Constants.SHA256,
    "signMetadata": True,
    "metadataValidUntil": "",
    "metadataCacheDuration": "",
    "allowSingleLabelDomains": True,
}


def dump_identity(identity: ServiceIdentity) -> bytes:
    """Key and certificate as bytes, to be wrapped."""
    return canonical_bytes({"key": identity.key_pem, "certificate": identity.certificate_pem})


def load_identity(data: bytes) -> ServiceIdentity:
    """What ``dump_identity`` wrote."""
    values: dict[str, str] = loads_strict(data.decode())
    return ServiceIdentity(values["key"], values["certificate"])


def _told(provider: IdentityProvider) -> dict[str, Any]:
    return {
        "entityId": _escaped(provider.entity_id),
        "singleSignOnService": {"url": _escaped(provider.sign_on_url)},
        "singleLogoutService": {
            "url": _escaped(provider.logout_url), "responseUrl": _escaped(provider.logout_answer_url),
        } if provider.logout_url else {},
        "x509certMulti": {"signing": list(provider.certificates)},
    }  # fmt: skip


def _escaped(text: str) -> str:
    return quoteattr(text, {'"': "&quot;"})[1:-1]


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
