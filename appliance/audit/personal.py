"""Commitments to personal data: the log proves what was said about a person, and can forget it.

A leaf holds ``HMAC-SHA256(salt, "qc-pii/v1" 0x00 field 0x00 value)`` with 32 random bytes of salt, used once.  The
salt and the value stay in an erasable side table.  Disclosing both opens the commitment; destroying both
leaves a hash that says nothing, under which every proof still verifies.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from appliance.crypto.sodium import random_bytes
from appliance.errors import InvalidInput, Modified

SALT_BYTES: Final = 32
_DOMAIN: Final = b"qc-pii/v1"


@dataclass(frozen=True)
class Opening:
    """What opens a commitment. The salt and the value are personal data themselves."""

    name: str
    salt: bytes = field(repr=False)
    value: str = field(repr=False)


def open_value(name: str, value: str) -> Opening:
    """A value of the personal field ``name`` with a fresh salt."""
    return Opening(name, random_bytes(SALT_BYTES), value)


def commitment(opening: Opening) -> str:
    """The commitment that goes into the log, lower-case hex.

    Raises
    ------
    InvalidInput : a salt of another length, or a field name that holds the separator
    """
    if len(opening.salt) != SALT_BYTES or "\0" in opening.name:
        raise InvalidInput("personal.form", "A commitment needs 32 bytes of salt and a field name without NUL.")
    message = b"\0".join((_DOMAIN, opening.name.encode(), opening.value.encode()))
    return hmac.new(opening.salt, message, sha256).hexdigest()


def verify_opening(opening: Opening, committed: str) -> str:
    """The value, if it is what the log committed to.

    Raises
    ------
    Modified : another value, field or salt
    """
    if not hmac.compare_digest(commitment(opening), committed):
        raise Modified("personal.value", f"The disclosed '{opening.name}' is not what the log committed to.")
    return opening.value
