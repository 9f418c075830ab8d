"""Random secrets as text: what is kept of them, and how people read them."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

_GROUP: Final = 4


def hash_of_secret(text: str) -> str:
    """What is kept of a random secret of 80 bits or more, which needs no slow hash: SHA-256, in hex.

    Any text that somebody shows has one, half characters too.
    """
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def in_groups(text: str) -> str:
    """A secret that is typed by hand, in groups of four characters."""
    return "-".join(text[start : start + _GROUP] for start in range(0, len(text), _GROUP))
