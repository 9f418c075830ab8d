"""How what callers show is spelled: ``d2r_<prefix>_<secret>``; the prefix is for support, the secret is kept nowhere.

The secret is 32 random bytes, so one SHA-256 protects it: there is nothing to guess.
"""

from __future__ import annotations

import re
import secrets
from base64 import b32encode
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from appliance.core.clock import rfc3339_us, utc_now
from appliance.crypto.secret_text import hash_of_secret
from appliance.errors import InvalidInput

_PREFIX_BYTES: Final = 5
_SECRET_BYTES: Final = 32
_FORM: Final = re.compile(r"(d2[a-z])_([a-z2-7]{8})_([a-z2-7]{52})")
_LABEL_CHARACTERS: Final = 120


@dataclass(frozen=True)
class Bearer:
    """What is kept of a secret: its prefix and its hash."""

    prefix: str
    secret_sha256: str


def new_bearer(kind: str) -> tuple[Bearer, str]:
    """A fresh secret of ``kind`` (``d2r``, ``d2p``): what is kept of it, and the text that is shown once."""
    prefix, secret = _spell(_PREFIX_BYTES), _spell(_SECRET_BYTES)
    return Bearer(prefix, hash_of_secret(secret)), f"{kind}_{prefix}_{secret}"


def read_bearer(kind: str, text: str) -> Bearer | None:
    """What would be kept of ``text``; None where it is no secret of this kind."""
    match = _FORM.fullmatch(text)
    return Bearer(match[2], hash_of_secret(match[3])) if match is not None and match[1] == kind else None


def checked_label(label: str) -> str:
    """The label of a secret.

    Raises
    ------
    InvalidInput : nobody could read it
    """
    if not label.strip() or len(label) > _LABEL_CHARACTERS or not label.isprintable():
        hint = f"Use 1 to {_LABEL_CHARACTERS} printable characters."
        raise InvalidInput("key.label", "The label cannot be used.", hint)
    return label.strip()


def checked_end(expires_at: datetime | None) -> str | None:
    """The moment from which on a secret counts no more, as rows keep it.

    Raises
    ------
    InvalidInput : it is over already
    """
    if expires_at is None:
        return None
    if expires_at <= utc_now():
        raise InvalidInput("key.expiry", "This moment is over already.", "Name a later one.")
    return rfc3339_us(expires_at)


def _spell(count: int) -> str:
    return b32encode(secrets.token_bytes(count)).decode().rstrip("=").lower()
