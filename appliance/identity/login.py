"""Signing in with a name and a password: who vouches for somebody, and what is noted of whoever is refused.

A refusal says the same to everybody; the log says why, and knows the name that was tried by a keyed hash alone: people
type passwords into the wrong field.
"""

from __future__ import annotations

import hmac
import logging
from typing import Final

from appliance.audit.recording import record
from appliance.errors import D2RError, Denied
from appliance.identity.ldap import directory
from appliance.identity.users import admit
from appliance.tenancy.records import Principal
from appliance.tenancy.site import Site

log = logging.getLogger(__name__)

_PURPOSE: Final = b"d2r/login-names/1"


def sign_in(site: Site, login: str, password: str) -> tuple[Principal, str]:
    """Who signs in, and by which method (``ldap``).

    Raises
    ------
    Denied : nobody who may, with this name and password
    Unavailable, Misconfigured : who vouches for them cannot be asked
    """
    try:
        if directory.directory_of(site) is None:
            raise Denied("login.refused", "Name or password is wrong.", "Try again, or ask plant IT.")
        return admit(site, directory.vouch(site, login.strip(), password)), directory.SOURCE
    except D2RError as error:
        note_refusal(site, login, error)
        raise


def note_refusal(site: Site, login: str, error: D2RError) -> None:
    """Write into the control log that somebody was not let in, and why."""
    log.warning("a login was refused: %s", error.code)
    record(site, "login.refused", {}, {"reason": error.code, "login_hash": login_hash(site, login)})


def login_hash(site: Site, login: str) -> str:
    """A keyed hash of a name as names are compared: attempts with the same name can be counted, and not read."""
    spelled = login.strip().casefold().encode("utf-8", "surrogatepass")
    return hmac.digest(site.master.derive(_PURPOSE), spelled, "sha256").hex()[:32]
