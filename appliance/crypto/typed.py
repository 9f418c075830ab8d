"""Codes that people type once: twelve signs of Crockford's base 32 in three groups, the last sign checks the others.

The first four signs say which code it is, the next seven are its secret (35 bits).  They are read back without regard
to case, to hyphens, and to the signs that people confuse.  One wrong sign is always noticed, and two neighbours that
changed places are, but for 0 and Z (Luhn's algorithm, modulo 32).
"""

from __future__ import annotations

import secrets
from typing import Final

from appliance.crypto.spelling import ALPHABET, CONFUSED
from appliance.errors import InvalidInput

LOCATOR_SIGNS: Final = 4
_SECRET_SIGNS: Final = 7
_SIGNS: Final = LOCATOR_SIGNS + _SECRET_SIGNS + 1
_GROUP: Final = 4


def new_code() -> str:
    """A new random code, as it is shown: ``K7QM-2XR9-B4T6``."""
    signs = "".join(secrets.choice(ALPHABET) for _ in range(_SIGNS - 1))
    whole = signs + _check_sign(signs)
    return "-".join(whole[start : start + _GROUP] for start in range(0, _SIGNS, _GROUP))


def read_code(text: str) -> str:
    """The twelve signs of a code as somebody typed it.

    Raises
    ------
    InvalidInput : signs are missing or mistyped
    """
    signs = text.upper().translate(CONFUSED)
    if len(signs) != _SIGNS or not set(signs) <= set(ALPHABET):
        raise InvalidInput("code.form", "A code has twelve letters and digits in three groups of four.")
    if _check_sign(signs[:-1]) != signs[-1]:
        raise InvalidInput("code.mistyped", "This code is mistyped.", "Compare it with the one that was shown.")
    return signs


def locator_of(code: str) -> str:
    """The signs of a code that are no secret: which one it is."""
    return read_code(code)[:LOCATOR_SIGNS]


def _check_sign(signs: str) -> str:
    total = 0
    for place, sign in enumerate(reversed(signs)):
        value = ALPHABET.index(sign) * (2 if place % 2 == 0 else 1)
        total += value // len(ALPHABET) + value % len(ALPHABET)
    return ALPHABET[-total % len(ALPHABET)]
