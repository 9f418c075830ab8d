"""What a directory says about a person: the entry behind a login, and every group that it belongs to.

Whatever comes from a login or from the directory goes into a filter escaped, byte by byte.
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final
from uuid import UUID

from appliance.errors import Misconfigured
from appliance.identity.ldap.connection import Found, Link
from appliance.identity.ldap.settings import LOGIN, LdapSettings

_SAFE: Final = frozenset(string.ascii_letters + string.digits)
#: Active Directory's rule that follows groups in groups on the server.
_IN_CHAIN: Final = "1.2.840.113556.1.4.1941"
#: How deep groups are followed here, and how many: a directory that holds more is not one of people.
DEEPEST: Final = 16
MOST_GROUPS: Final = 2_000
_AT_ONCE: Final = 25
_LOGIN_CHARACTERS: Final = 256


def escaped(text: str) -> str:
    """``text`` as a value in a filter: everything but ASCII letters and digits as ``\\xx`` (RFC 4515)."""
    return "".join(
        character if character in _SAFE else "".join(f"\\{byte:02x}" for byte in character.encode())
        for character in text
    )


def find_person(link: Link, settings: LdapSettings, login: str) -> Found | None:
    """The one entry with this login; None where there is none, or more than one.

    Raises
    ------
    Misconfigured : the entry lacks the attribute by which people are known for good
    """
    if not login or len(login) > _LOGIN_CHARACTERS or not login.isprintable():
        return None
    schema = settings.schema
    wanted = [schema.id_attribute, schema.login_attribute, schema.name_attribute]
    query = settings.filter.replace(LOGIN, escaped(login))
    found = link.search(settings.user_base, query, wanted, limit=2)
    if len(found) != 1:
        return None
    if not found[0].values.get(schema.id_attribute):
        hint = f"Let the bind account read {schema.id_attribute}."
        raise Misconfigured("ldap.id", f"The directory does not show {schema.id_attribute} of people.", hint)
    return found[0]


def subject_of(entry: Found, settings: LdapSettings) -> str:
    """The directory's own name of an entry, which outlives its login and its place."""
    raw = entry.values[settings.schema.id_attribute][0]
    return str(UUID(bytes_le=raw)) if settings.schema.id_attribute == "objectGUID" else raw.decode()


def groups_of(link: Link, settings: LdapSettings, entry: Found) -> tuple[str, ...]:
    """Names of the groups that an entry belongs to, those through other groups too.

    Raises
    ------
    Misconfigured : there are more than anybody's
    """
    if settings.schema.is_chained:
        query = f"(&(objectClass=group)(member:{_IN_CHAIN}:={escaped(entry.dn)}))"
        return tuple(group.dn for group in link.search(settings.group_base, query, ["cn"]))
    return _walked(link, settings, entry)


def _walked(link: Link, settings: LdapSettings, entry: Found) -> tuple[str, ...]:
    """Group by group upwards; each is asked about once, so groups that hold each other end."""
    login = entry.text(settings.schema.login_attribute)
    known: dict[str, str] = {}
    queries = [f"(|{_holds(entry.dn)}(memberUid={escaped(login)}))"] if login else [f"(|{_holds(entry.dn)})"]
    for _ in range(DEEPEST):
        found = [group.dn for query in queries for group in link.search(settings.group_base, query, ["cn"])]
        fresh = {dn.casefold(): dn for dn in found if dn.casefold() not in known}
        known |= fresh
        if len(known) > MOST_GROUPS:
            raise Misconfigured(
                "ldap.groups", f"A person belongs to more than {MOST_GROUPS} groups.", "Narrow the base."
            )
        if not fresh:
            break
        queries = [f"(|{''.join(_holds(dn) for dn in some)})" for some in _batches(fresh.values())]
    return tuple(known.values())


def _holds(dn: str) -> str:
    return f"(member={escaped(dn)})(uniqueMember={escaped(dn)})"


def _batches(names: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(names)
    while some := list(islice(rest, _AT_ONCE)):
        yield some
