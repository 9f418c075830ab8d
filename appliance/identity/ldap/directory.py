"""The directory of the appliance: how it is reached, and whom it vouches for.

A login, in order, each step of which may end it:
1. the account that searches is bound; 2. the entry of the login is found, exactly one; 3. the directory lets that entry
in with the password (where there is no entry, it is asked about one that nobody has: both take as long); 4. the groups
are read, as the account that searches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from appliance.audit.recording import record
from appliance.core.clock import rfc3339_us, utc_now
from appliance.errors import Denied, InvalidInput, NotFound
from appliance.identity.groups import roles_of
from appliance.identity.ldap.connection import Found, Link, bound, refusal
from appliance.identity.ldap.search import find_person, groups_of, subject_of
from appliance.identity.ldap.settings import LdapSettings, check, load
from appliance.identity.models import DirectoryRow
from appliance.identity.records import Roles, Vouched
from appliance.tenancy.records import Principal
from appliance.tenancy.site import Site

SOURCE: Final = "ldap"
_CONTEXT: Final = "directory/ldap"
#: An entry that no directory has.
_NOBODY: Final = "cn=d2r-nobody-7f3a91c4"


@dataclass(frozen=True)
class Directory:
    """The settings of the directory, and since when they are so."""

    settings: LdapSettings
    changed_at: str
    changed_by: str


@dataclass(frozen=True)
class Examined:
    """What a test of the directory found out about a login.

    Attributes
    ----------
    dn : the entry; None where there is none, or more than one
    password : None: not tried; empty: right; else why it was refused
    """

    url: str
    tls: str
    dn: str | None
    person: Vouched | None = None
    roles: Roles | None = None
    password: str | None = None


def configure(site: Site, settings: LdapSettings, password: str | None, by: Principal) -> Directory:
    """Keep how the directory is reached; without a password the one before stays, for the same account.

    Raises
    ------
    InvalidInput : something cannot be used, or there is no password yet
    """
    check(settings)
    now = rfc3339_us(utc_now())
    with site.control_transaction():
        before = DirectoryRow.known(source=SOURCE)
        if password is None and (before is None or not _is_same_account(load(before.settings), settings)):
            raise InvalidInput("ldap.password", "The password of the bind account is missing.", "Name it once more.")
        secret = before.secret if password is None else site.master.wrap(password.encode(), _CONTEXT)
        DirectoryRow.delete().where(DirectoryRow.source == SOURCE).execute()
        DirectoryRow.create(source=SOURCE, settings=settings.dump(), secret=secret, changed_at=now, changed_by=by.id)
        facts = {"urls": list(settings.urls), "kind": settings.kind, "user_base": settings.user_base}
        record(site, "directory.configured", {}, {"source": SOURCE, **facts}, by=by)
    return Directory(settings, now, by.id)


def directory_of(site: Site) -> Directory | None:
    """The directory; None where there is none."""
    with site.control_session():
        row = DirectoryRow.known(source=SOURCE)
    return None if row is None else Directory(load(row.settings), row.changed_at, row.changed_by)


def remove(site: Site, by: Principal) -> None:
    """Ask the directory no more; nobody signs in through it from now on.

    Raises
    ------
    NotFound : there is none
    """
    with site.control_transaction():
        if not DirectoryRow.delete().where(DirectoryRow.source == SOURCE).execute():
            raise NotFound("ldap.missing", "There is no directory.", "Name one: d2r ldap set.")
        record(site, "directory.removed", {}, {"source": SOURCE}, by=by)


def vouch(site: Site, login: str, password: str) -> Vouched:
    """Whom the directory lets in with this login and password.

    Raises
    ------
    Denied : nobody
    Unavailable : the directory does not answer
    Misconfigured : it refuses the account that searches
    NotFound : there is no directory
    """
    settings, secret = _opened(site)
    with bound(settings, secret) as link:
        entry = find_person(link, settings, login)
        dn = entry.dn if entry else f"{_NOBODY},{settings.user_base}"
        reason = refusal(settings, link.url, dn, password)
        if entry is None or reason is not None:
            raise Denied("login.refused", "Name or password is wrong.", "Try again, or ask plant IT.")
        return _vouched(link, settings, entry)


def look_up(site: Site, login: str) -> Vouched | None:
    """What the directory says about a login now, without a password; None where it does not know it.

    Raises
    ------
    Unavailable, Misconfigured, NotFound : as for ``vouch``
    """
    settings, secret = _opened(site)
    with bound(settings, secret) as link:
        entry = find_person(link, settings, login)
        return None if entry is None else _vouched(link, settings, entry)


def probe(site: Site) -> str:
    """Ask the directory for nothing but its answer; returns which server gave it.

    Raises
    ------
    Unavailable, Misconfigured, NotFound : as for ``vouch``
    """
    settings, secret = _opened(site)
    with bound(settings, secret) as link:
        return f"{link.url} answers, {link.tls}"


def examine(site: Site, login: str, password: str | None = None) -> Examined:
    """What the directory says about a login, in every detail: for whoever sets it up.

    Raises
    ------
    Unavailable, Misconfigured, NotFound : as for ``vouch``
    """
    settings, secret = _opened(site)
    with bound(settings, secret) as link:
        entry = find_person(link, settings, login)
        if entry is None:
            return Examined(link.url, link.tls, None)
        person = _vouched(link, settings, entry)
        reason = None if password is None else refusal(settings, link.url, entry.dn, password) or ""
        with site.control_session():
            roles = roles_of(SOURCE, person.groups)
        return Examined(link.url, link.tls, entry.dn, person, roles, reason)


def _opened(site: Site) -> tuple[LdapSettings, str]:
    with site.control_session():
        row = DirectoryRow.known(source=SOURCE)
    if row is None:
        raise NotFound("ldap.missing", "There is no directory.", "Name one: d2r ldap set.")
    return load(row.settings), site.master.unwrap(bytes(row.secret), _CONTEXT).decode()


def _vouched(link: Link, settings: LdapSettings, entry: Found) -> Vouched:
    login = entry.text(settings.schema.login_attribute)
    name = entry.text(settings.schema.name_attribute) or login
    return Vouched(SOURCE, subject_of(entry, settings), login, name, groups_of(link, settings, entry))


def _is_same_account(before: LdapSettings, now: LdapSettings) -> bool:
    """Whether a kept password still goes to the same account of the same servers: it is shown to no other."""
    return (before.bind_dn, before.urls, before.ca_pem) == (now.bind_dn, now.urls, now.ca_pem)
