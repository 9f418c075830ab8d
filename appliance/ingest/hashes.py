"""The SHA-256 of uploads under way, kept between their requests in this process.

A state that is lost (a restart, too many uploads) is computed again from the sealed parts.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from hashlib import sha256
from typing import Any, Final, Protocol

#: States kept at once; each takes some hundred bytes.
_KEPT: Final = 1024


class Digest(Protocol):
    """A running SHA-256."""

    def update(self, data: Any, /) -> None: ...
    def copy(self) -> Digest: ...
    def digest(self) -> bytes: ...


def new_digest() -> Digest:
    """SHA-256 of nothing yet."""
    return sha256()


class HashStates:
    """States by upload, each with the offset that it covers; safe in several threads."""

    def __init__(self) -> None:
        self._states: OrderedDict[str, tuple[int, Digest]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, upload_id: str, offset: int) -> Digest | None:
        """The state over exactly ``offset`` bytes, which is then forgotten; None where there is none."""
        with self._lock:
            known, state = self._states.pop(upload_id, (-1, new_digest()))
        return state if known == offset else None

    def keep(self, upload_id: str, offset: int, state: Digest) -> None:
        """Remember a state."""
        with self._lock:
            self._states[upload_id] = offset, state
            while len(self._states) > _KEPT:
                self._states.popitem(last=False)
