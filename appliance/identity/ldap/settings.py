"""How a directory is reached and asked: checked whole before it is kept, so that a typing error locks nobody out.

There is no way without TLS: ``ldaps://``, or ``ldap://`` and StartTLS before anything else.  The certificate must come
from the pinned CA; those of the system are not believed.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from ldap3.core.exceptions import LDAPException
from ldap3.operation.search import parse_filter
from ldap3.utils.dn import parse_dn

from appliance.core.canonical import canonical_bytes, loads_strict
from appliance.errors import InvalidInput

LOGIN: Final = "{login}"
_PORTS: Final = {"ldap": 389, "ldaps": 636}
_MOST_URLS: Final = 4
_CERTIFICATE: Final = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True)
class Schema:
    """What a kind of directory calls things.

    ``is_chained`` : whether the server follows groups in groups itself (matching rule in chain); else it is done here
    """

    user_filter: str
    id_attribute: str
    login_attribute: str
    name_attribute: str
    is_chained: bool


SCHEMAS: Final[Mapping[str, Schema]] = {
    "active-directory": Schema(
        "(&(objectCategory=person)(objectClass=user)(|(sAMAccountName={login})(userPrincipalName={login}))"
        "(!(userAccountControl:1.2.840.113556.1.4.803:=2)))",
        "objectGUID", "sAMAccountName", "displayName", True,
    ),
    "openldap": Schema("(&(objectClass=inetOrgPerson)(uid={login}))", "entryUUID", "uid", "cn", False),
}  # fmt: skip


@dataclass(frozen=True)
class LdapSettings:
    """One directory.

    Attributes
    ----------
    urls : its servers, asked in this order until one answers
    ca_pem : the certificates that its servers' certificates come from
    bind_dn : the account that searches; its password is kept apart
    user_filter : finds a person by ``{login}``; empty: that of the kind
    """

    kind: str
    urls: tuple[str, ...]
    ca_pem: str
    bind_dn: str
    user_base: str
    group_base: str
    user_filter: str = ""

    @property
    def schema(self) -> Schema:
        """What this kind of directory calls things."""
        return SCHEMAS[self.kind]

    @property
    def filter(self) -> str:
        """The filter that finds a person by login."""
        return self.user_filter or self.schema.user_filter

    def dump(self) -> str:
        """The settings as text."""
        return canonical_bytes({**asdict(self), "urls": list(self.urls)}).decode()


def load(text: str) -> LdapSettings:
    """What ``dump`` wrote."""
    values: dict[str, Any] = loads_strict(text)
    return LdapSettings(**{**values, "urls": tuple(values["urls"])})


def check(settings: LdapSettings) -> LdapSettings:
    """The settings, if a directory can be asked with them.

    Raises
    ------
    InvalidInput : names the first one that cannot be used
    """
    if settings.kind not in SCHEMAS:
        raise InvalidInput("ldap.kind", "There is no such kind of directory.", f"Use {' or '.join(SCHEMAS)}.")
    if not 1 <= len(settings.urls) <= _MOST_URLS:
        raise InvalidInput("ldap.urls", f"A directory has 1 to {_MOST_URLS} servers.")
    for url in settings.urls:
        place(url)
    _check_certificates(settings.ca_pem)
    for name in ("bind_dn", "user_base", "group_base"):
        _check_dn(name, getattr(settings, name))
    _check_filter(settings.filter)
    return settings


def place(url: str) -> tuple[str, int, bool]:
    """Host, port, and whether TLS comes first, before any LDAP (``ldaps``).

    Raises
    ------
    InvalidInput : it is no address of a directory
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or parts.scheme not in _PORTS or parts.path.strip("/") or parts.query or parts.username:
        hint = "Write ldaps://host, or ldap://host for StartTLS; a port may follow."
        raise InvalidInput("ldap.url", "This is no address of a directory.", hint)
    return host, port or _PORTS[parts.scheme], parts.scheme == "ldaps"


def _check_certificates(pem: str) -> None:
    try:
        if not _CERTIFICATE.search(pem):
            raise ValueError("no certificate")
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=pem)
    except (ValueError, ssl.SSLError) as error:
        hint = "Give the certificate of the CA that signed the directory's, in PEM."
        raise InvalidInput("ldap.ca", "The certificate of the directory's CA cannot be read.", hint) from error


def _check_dn(name: str, text: str) -> None:
    try:
        if not parse_dn(text):
            raise InvalidInput("ldap.dn", f"'{name}' is empty.", "Name it, as in ou=people,dc=plant,dc=example.")
    except LDAPException as error:
        raise InvalidInput("ldap.dn", f"'{name}' is no distinguished name.") from error


def _check_filter(text: str) -> None:
    if text.count(LOGIN) < 1 or text.replace(LOGIN, "").count("{"):
        raise InvalidInput("ldap.filter", "The filter does not say where the login belongs.", f"Write {LOGIN} in it.")
    try:
        parse_filter(text.replace(LOGIN, "x"), None, True, True, None, False)
    except LDAPException as error:
        raise InvalidInput("ldap.filter", "The filter cannot be read.", "See RFC 4515.") from error
