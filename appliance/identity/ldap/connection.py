"""Connections to a directory: always under TLS, to the first server that answers, with errors that say what is wrong.

No referral is followed: another server would get the password of whoever asks.
"""

from __future__ import annotations

import logging
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

import ldap3
from ldap3.core.exceptions import LDAPException

from appliance.errors import InvalidInput, Misconfigured, Unavailable
from appliance.identity.ldap.settings import LdapSettings, place

log = logging.getLogger(__name__)

#: Seconds until a server that does not answer is given up, to connect and for each answer.
CONNECT_S: Final = 4
ANSWER_S: Final = 5
_SCOPES: Final = ldap3.SUBTREE
#: What Active Directory says beside "invalid credentials" (the number behind "data").
_REASONS: Final[Mapping[str, str]] = {
    "525": "there is no such person", "52e": "the password is wrong", "530": "not at this time of day",
    "531": "not from this machine", "532": "the password has expired", "533": "the account is disabled",
    "701": "the account has expired", "773": "the password must be changed first", "775": "the account is locked",
}  # fmt: skip
_DATA: Final = re.compile(r"data ([0-9a-f]{3})\b")


@dataclass(frozen=True)
class Found:
    """An entry of a directory; values are bytes."""

    dn: str
    values: Mapping[str, list[bytes]]

    def text(self, name: str) -> str:
        """The first value of an attribute; empty where there is none."""
        return (self.values.get(name) or [b""])[0].decode("utf-8", "replace")


class Link:
    """A connection that is bound as somebody."""

    def __init__(self, url: str, connection: Any) -> None:
        self.url = url
        self._connection = connection

    @property
    def tls(self) -> str:
        """The version of TLS in use."""
        return str(self._connection.socket.version())

    def search(self, base: str, query: str, attributes: list[str], limit: int = 0) -> list[Found]:
        """Entries below ``base``; of more than ``limit`` only so many (0: all, page by page).

        Raises
        ------
        InvalidInput : there is no such base, or the filter is not understood
        Unavailable : the directory failed or refused to answer
        """
        found: list[Found] = []
        cookie: Any = None
        while True:
            paging = {"size_limit": limit} if limit else {"paged_size": 500, "paged_cookie": cookie}
            try:
                self._connection.search(base, query, _SCOPES, attributes=attributes, **paging)
            except LDAPException as error:
                raise _down(self.url, error) from error
            found += [_found(entry) for entry in self._connection.response if entry["type"] == "searchResEntry"]
            self._require_answer(base)
            cookie = None if limit else _cookie(self._connection.result)
            if not cookie:
                return found

    def _require_answer(self, base: str) -> None:
        outcome = self._connection.result["description"]
        if outcome in ("success", "sizeLimitExceeded"):
            return
        if outcome == "noSuchObject":
            raise InvalidInput("ldap.base", f"The directory has no '{base}', or does not show it to the bind account.")
        raise Unavailable("ldap.refused", f"The directory {self.url} does not answer the search: {outcome}.")


@contextmanager
def bound(settings: LdapSettings, password: str) -> Iterator[Link]:
    """A connection to the first server that answers, as the account that searches.

    Raises
    ------
    Unavailable : none answers, or none shows a certificate of the pinned CA
    Misconfigured : the directory does not know that account, or not with this password
    """
    failures: list[Unavailable] = []
    for url in settings.urls:
        try:
            connection = _connected(settings, url, settings.bind_dn, password)
        except Unavailable as error:
            log.warning("%s [%s]", error, error.code)
            failures.append(error)
            continue
        with _closed(connection):
            reason = _bind(url, connection)
            if reason is not None:
                hint = "Check bind account and password: d2r ldap set."
                raise Misconfigured("ldap.bind", f"The directory refuses the bind account: {reason}.", hint)
            yield Link(url, connection)
        return
    raise failures[0]


def refusal(settings: LdapSettings, url: str, dn: str, password: str) -> str | None:
    """Why the directory does not let ``dn`` in with this password; None where it does.

    An empty password is refused here: a directory takes it for a visit by nobody, and lets that in.

    Raises
    ------
    Unavailable : the server does not answer
    """
    if not password or not dn:
        return "the password is empty"
    connection = _connected(settings, url, dn, password)
    with _closed(connection):
        return _bind(url, connection)


def _connected(settings: LdapSettings, url: str, dn: str, password: str) -> Any:
    host, port, is_tls_first = place(url)
    tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_data=settings.ca_pem, sni=host)
    how = {"tls": tls, "get_info": ldap3.NONE, "connect_timeout": CONNECT_S, "mode": ldap3.IP_V4_PREFERRED}
    server = ldap3.Server(host, port, use_ssl=is_tls_first, **how)
    connection = ldap3.Connection(
        server, dn, password, receive_timeout=ANSWER_S, auto_referrals=False, auto_escape=False, check_names=False
    )
    try:
        connection.open(read_server_info=False)
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else each answer waits for 40 ms
        if not is_tls_first:
            connection.start_tls(read_server_info=False)
    except (LDAPException, ssl.SSLError, OSError) as error:
        with suppress(LDAPException, OSError):
            connection.unbind()
        raise _down(url, error) from error
    return connection


def _bind(url: str, connection: Any) -> str | None:
    try:
        if connection.bind():
            return None
    except LDAPException as error:
        raise _down(url, error) from error
    outcome, said = connection.result["description"], str(connection.result.get("message") or "")
    if outcome in ("busy", "unavailable", "timeLimitExceeded", "other", "operationsError"):
        raise Unavailable("ldap.refused", f"The directory {url} does not answer the bind: {outcome}.")
    match = _DATA.search(said)
    return _REASONS.get(match[1], outcome) if match else str(outcome)


@contextmanager
def _closed(connection: Any) -> Iterator[None]:
    try:
        yield
    finally:
        with suppress(LDAPException, OSError):
            connection.unbind()


def _found(entry: Any) -> Found:
    return Found(str(entry["dn"]), entry["raw_attributes"])


def _cookie(result: Any) -> Any:
    control = (result.get("controls") or {}).get("1.2.840.113556.1.4.319")
    return control["value"]["cookie"] if control else None


def _down(url: str, error: Exception) -> Unavailable:
    said = str(error)
    if "certificate" in said.lower() or "hostname" in said.lower():
        hint = "Check the pinned CA, and that the address is a name in the certificate."
        return Unavailable("ldap.certificate", f"The certificate of {url} is not of the pinned CA.", hint)
    if ("tls" in said.lower() or "ssl" in said.lower()) and "timed out" not in said:
        hint = "The directory must offer TLS: ldaps://, or StartTLS on ldap://."
        return Unavailable("ldap.tls", f"{url} does not speak TLS.", hint)
    return Unavailable("ldap.down", f"The directory {url} does not answer.", "Local accounts and API keys still work.")
