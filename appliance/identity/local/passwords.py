"""Passwords: hashed with argon2id, sealed by the master key, checked for as long whether there is an account or not.

A hash takes 64 MiB; a process makes two at a time, so that many logins at once wait and do not fill the memory.

Source: RFC 9106, 4 (parameters: its second recommendation, with one lane); NIST SP 800-63B, 5.1.1.2 (NFKC).
"""

from __future__ import annotations

import threading
import unicodedata
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from appliance.core.clock import rfc3339_us, utc_now
from appliance.identity.local.models import LocalPasswordRow
from appliance.tenancy.site import Site

_HASHER: Final = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=1)
_AT_ONCE: Final = threading.BoundedSemaphore(2)
#: More characters than this are refused before anything is hashed.
LONGEST: Final = 256


def write_password(site: Site, user_id: str, password: str, *, is_break_glass: bool = False) -> None:
    """Let this be the password of a person, in the current control transaction."""
    wrapped = site.master.wrap(_hash(password).encode(), _context(user_id))
    LocalPasswordRow.delete().where(LocalPasswordRow.user_id == user_id).execute()
    now = rfc3339_us(utc_now())
    LocalPasswordRow.create(user_id=user_id, wrapped=wrapped, changed_at=now, is_break_glass=int(is_break_glass))


def is_password(site: Site, user_id: str | None, password: str) -> bool:
    """Whether this is the password of a person; of nobody (None) it never is, after as much work."""
    with site.control_session():
        row = LocalPasswordRow.known(user_id=user_id) if user_id else None
    known = _nobody() if row is None else site.master.unwrap(bytes(row.wrapped), _context(row.user_id)).decode()
    is_right = len(password) <= LONGEST and _verified(known, password)
    if row is None or not is_right:
        return False
    if _HASHER.check_needs_rehash(known):
        with site.control_transaction():
            wrapped = site.master.wrap(_hash(password).encode(), _context(row.user_id))
            LocalPasswordRow.update(wrapped=wrapped).where(LocalPasswordRow.user_id == row.user_id).execute()
    return True


def has_password(site: Site, user_id: str) -> bool:
    """Whether a person has a local account."""
    with site.control_session():
        return LocalPasswordRow.known(user_id=user_id) is not None


def _hash(password: str) -> str:
    with _AT_ONCE:
        return _HASHER.hash(_normal(password))


def _verified(known: str, password: str) -> bool:
    with _AT_ONCE:
        try:
            return _HASHER.verify(known, _normal(password))
        except VerificationError:
            return False


def _normal(password: str) -> bytes:
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


@cache
def _nobody() -> str:
    """The hash of a password that nobody has."""
    return _hash("nobody")


def _context(user_id: str) -> str:
    return f"password/{user_id}"
