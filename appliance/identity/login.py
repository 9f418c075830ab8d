"""Signing in with a name and a password: who vouches for somebody, and what is noted of whoever is refused.

In order, each step of which may end it:
1. the attempt is counted, and refused where too many failed before; 2. where there is no local account of this name,
the directory is asked, and a refusal costs the work of a hash as well; 3. else the password is compared; 4. the person
is admitted, with their roles.  Whoever has a second factor then owes a code.

A refusal says the same to everybody, and not before a fixed time; the log says why, and knows the name that was tried
by a keyed hash alone: people type passwords into the wrong field.
"""

from __future__ import annotations

import hmac
import logging
import secrets
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from appliance.audit.recording import record
from appliance.core.clock import rfc3339_us, utc_now
from appliance.crypto.secret_text import hash_of_secret
from appliance.errors import D2RError, Denied
from appliance.identity import throttle
from appliance.identity.ldap import directory
from appliance.identity.local.accounts import local_user
from appliance.identity.local.break_glass import note_break_glass
from appliance.identity.local.models import LocalPasswordRow, PendingLoginRow
from appliance.identity.local.passwords import is_password
from appliance.identity.models import UserRow
from appliance.identity.records import Vouched
from appliance.identity.second_factor import has_second_factor, show_code
from appliance.identity.users import admit, principal_of_user
from appliance.tenancy.records import Principal
from appliance.tenancy.site import Site

log = logging.getLogger(__name__)

#: A refusal is not said before so long: longer than any way to it takes on an idle machine.
REFUSED_AFTER_S: Final = 0.6
#: How long a code may be shown after the password.
CODE_WITHIN: Final = timedelta(minutes=5)
_PURPOSE: Final = b"d2r/login-names/1"
_TOKEN_BYTES: Final = 32


@dataclass(frozen=True)
class Entered:
    """Who showed a right password, by which method; ``owes_code``: and is not in before a code was shown."""

    principal: Principal
    method: str
    owes_code: bool


def takes_passwords(site: Site) -> bool:
    """Whether anybody could sign in with a name and a password."""
    with site.control_session():
        has_accounts = LocalPasswordRow.select().limit(1).exists()
    return has_accounts or directory.directory_of(site) is not None


def must_set_factor(site: Site, principal: Principal) -> bool:
    """Whether this person has to set a second factor first: of a local account, where the settings say so."""
    if site.settings.second_factor != "required":
        return False
    with site.control_session():
        row = LocalPasswordRow.known(user_id=principal.id)
    return row is not None and not row.is_break_glass and not has_second_factor(site, principal.id)


def sign_in(site: Site, login: str, password: str) -> Entered:
    """Who signs in with a name and a password.

    Raises
    ------
    Denied : nobody who may, with this name and password, or too many attempts failed
    Unavailable, Misconfigured : who vouches for them cannot be asked
    """
    began, name_hash = time.monotonic(), login_hash(site, login)
    try:
        # 1. Counted before anything is looked at.
        throttle.begin_attempt(site, name_hash)
        principal, method = _vouched_for(site, login, password, name_hash)
    except Denied as error:
        note_refusal(site, name_hash, error)
        time.sleep(max(0.0, REFUSED_AFTER_S - (time.monotonic() - began)))
        raise
    except D2RError as error:
        throttle.give_back(site, name_hash)
        note_refusal(site, name_hash, error)
        raise
    return Entered(principal, method, has_second_factor(site, principal.id))


def confirm(site: Site, principal: Principal, password: str) -> None:
    """Return if this is the password of somebody who is signed in: before what must not happen by a borrowed screen.

    Raises
    ------
    Denied : it is not, or too many attempts failed
    Unavailable, Misconfigured : who vouches for them cannot be asked
    """
    with site.control_session():
        row = UserRow.known(id=principal.id)
    if row is None or sign_in(site, row.login, password).principal.id != principal.id:
        raise Denied("login.refused", "The password is wrong.", "Try again.")


def owe_code(site: Site, entered: Entered) -> str:
    """What the browser of somebody holds who still owes a code."""
    token, now = secrets.token_urlsafe(_TOKEN_BYTES), utc_now()
    with site.control_transaction():
        PendingLoginRow.delete().where(PendingLoginRow.expires_at <= rfc3339_us(now)).execute()
        until = rfc3339_us(now + CODE_WITHIN)
        PendingLoginRow.create(
            sha256=hash_of_secret(token), user_id=entered.principal.id, method=entered.method, expires_at=until
        )  # fmt: skip
    return token


def pay_code(site: Site, token: str, code: str) -> tuple[Principal, str]:
    """Who showed the password before and a code now, and by which methods.

    Raises
    ------
    Denied : the code is wrong, too many were tried, or the password was shown too long ago
    """
    with site.control_session():
        row = PendingLoginRow.known(sha256=hash_of_secret(token))
    principal = None if row is None else principal_of_user(site, row.user_id)
    if row is None or principal is None or row.expires_at <= rfc3339_us(utc_now()):
        raise Denied("login.late", "The password was shown too long ago.", "Sign in again.")
    how = show_code(site, principal, code)
    with site.control_transaction():
        PendingLoginRow.delete().where(PendingLoginRow.sha256 == row.sha256).execute()
    return principal, f"{row.method}+{how}"


def note_refusal(site: Site, name_hash: str, error: D2RError) -> None:
    """Write into the control log that somebody was not let in, and why."""
    log.warning("a login was refused: %s", error.code)
    record(site, "login.refused", {}, {"reason": error.code, "login_hash": name_hash})


def login_hash(site: Site, login: str) -> str:
    """A keyed hash of a name as names are compared: attempts with the same name can be counted, and not read."""
    spelled = login.strip().casefold().encode("utf-8", "surrogatepass")
    return hmac.digest(site.master.derive(_PURPOSE), spelled, "sha256").hex()[:32]


def _vouched_for(site: Site, login: str, password: str, name_hash: str) -> tuple[Principal, str]:
    with site.control_session():
        row = local_user(login)
    if row is None:
        # 2. The directory.
        vouched = _vouched_by_directory(site, login.strip(), password)
        throttle.succeeded(site, name_hash)
        # 4. Admitted, with the roles of their groups.
        return admit(site, vouched), directory.SOURCE
    # 3. A local account.
    if not is_password(site, row.id, password):
        raise _refused()
    throttle.succeeded(site, name_hash)
    principal = principal_of_user(site, row.id)
    if principal is None:
        raise Denied("login.disabled", "This person was disabled.", "Ask the owner of the appliance.")
    with site.control_transaction():
        UserRow.update(last_login_at=rfc3339_us(utc_now())).where(UserRow.id == row.id).execute()
    note_break_glass(site, principal)
    return principal, "local"


def _vouched_by_directory(site: Site, login: str, password: str) -> Vouched:
    """Whom the directory lets in; a refusal takes as long as that of a local account at least."""
    try:
        if directory.directory_of(site) is None:
            raise _refused()
        return directory.vouch(site, login, password)
    except Denied:
        is_password(site, None, password)
        raise


def _refused() -> Denied:
    return Denied("login.refused", "Name or password is wrong.", "Try again, or ask plant IT.")
