"""Names of rows: unique without asking anybody, and in the order of their making.

An id is a kind of three or so letters, an underscore, and 26 characters of Crockford's base 32 in lower case: 48 bits
of milliseconds since 1970, then 80 random bits.  Within one millisecond of one process the random part counts up, so
that the ids of a process sort as they were made.

Source: https://github.com/ulid/spec (the layout); https://www.crockford.com/base32.html (the alphabet).
"""

from __future__ import annotations

import re
import secrets
import threading
from datetime import datetime
from typing import Final

from appliance.core.clock import utc_now

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_RANDOM_BITS: Final = 80
#: A fresh random part leaves its top bit free, so that counting up never runs over.
_FRESH_BITS: Final = _RANDOM_BITS - 1
_CHARACTERS: Final = 26
_ID: Final = re.compile(rf"([a-z]{{2,8}})_[0-7][{_ALPHABET}]{{{_CHARACTERS - 1}}}")

_PAIRS: Final = [one + other for one in _ALPHABET for other in _ALPHABET]

_lock = threading.Lock()
_last = 0


def new_id(kind: str) -> str:
    """A new id of ``kind``: ``new_id("scn")`` is ``scn_`` and 26 characters; later ones sort behind.

    A clock that steps back does not take the order with it: the process goes on counting from its latest id.
    """
    global _last
    milliseconds = int(utc_now().timestamp() * 1000)
    with _lock:
        fresh = milliseconds << _RANDOM_BITS | secrets.randbits(_FRESH_BITS)
        _last = fresh if fresh >> _RANDOM_BITS > _last >> _RANDOM_BITS else _last + 1
        number = _last
    return f"{kind}_{_spell(number)}"


def first_id(kind: str, moment: datetime) -> str:
    """What every id of ``kind`` that was made at ``moment`` or later sorts behind, and no older one does."""
    return f"{kind}_{_spell(max(0, int(moment.timestamp() * 1000)) << _RANDOM_BITS)}"


def is_id(text: str, kind: str | None = None) -> bool:
    """Whether ``text`` is spelled as an id, of ``kind`` where one is given."""
    match = _ID.fullmatch(text)
    return match is not None and kind in (None, match[1])


def _spell(number: int) -> str:
    return "".join([_PAIRS[number >> shift & 1023] for shift in range(10 * (_CHARACTERS // 2 - 1), -1, -10)])
