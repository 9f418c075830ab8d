"""How an OpenID provider is reached; https alone, but for one on this machine itself."""

from __future__ import annotations

import ssl
from dataclasses import asdict, dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from appliance.core.canonical import canonical_bytes, loads_strict
from appliance.errors import InvalidInput


@dataclass(frozen=True)
class OidcSettings:
    """One provider.

    Attributes
    ----------
    issuer : what the provider calls itself; its configuration lies below
    label : what stands on the button
    ca_pem : the certificates that the provider's certificate comes from; empty: those of the system
    groups_claim, login_claim, name_claim : where groups, login and name of a person stand
    """

    issuer: str
    client_id: str
    label: str
    ca_pem: str = ""
    groups_claim: str = "groups"
    login_claim: str = "preferred_username"
    name_claim: str = "name"

    def dump(self) -> str:
        """The settings as text."""
        return canonical_bytes(asdict(self)).decode()


def load(text: str) -> OidcSettings:
    """What ``dump`` wrote."""
    values: dict[str, Any] = loads_strict(text)
    return OidcSettings(**values)


def check(settings: OidcSettings) -> OidcSettings:
    """The settings, if a provider can be asked with them.

    Raises
    ------
    InvalidInput : names the first one that cannot be used
    """
    if not is_trustworthy(settings.issuer) or urlsplit(settings.issuer).query or urlsplit(settings.issuer).fragment:
        raise InvalidInput("oidc.issuer", "This is no address of a provider.", "Write https://host/path.")
    for name in ("client_id", "label", "groups_claim", "login_claim", "name_claim"):
        value: str = getattr(settings, name)
        if not value.strip() or not value.isprintable():
            raise InvalidInput("oidc.setting", f"'{name}' is empty or cannot be printed.")
    if settings.ca_pem:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=settings.ca_pem)
        except (ValueError, ssl.SSLError) as error:
            raise InvalidInput("oidc.ca", "The certificate of the provider's CA cannot be read.", "PEM.") from error
    return settings


def is_trustworthy(url: str) -> bool:
    """Whether nobody between here and there can read or change what is sent: https, or this very machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.username or not host:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_here(host))


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
