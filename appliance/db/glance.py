"""What every request asks of one database, remembered for a moment.

An answer counts until a process of this machine commits something there, and for a second at most: that is how late
what another machine has written counts, and what a process wrote that was killed before it could say so.  For questions
whose answers are refused or granted anew at every request, such as who holds a key and whether a workspace is open;
what decides about evidence asks the rows themselves.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import Any, Final, TypeVar

from appliance.db.engine import Engine

LIFETIME_S: Final = 1.0
_MOST: Final = 4096

Found = TypeVar("Found")


class Glances:
    """Answers of one engine's database; safe to use from many threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: dict[Hashable, tuple[bytes, float, Any]] = {}

    def at(self, question: Hashable, ask: Callable[[], Found | None]) -> Found | None:
        """The answer to ``question``, from ``ask`` where it is not known; that there is none is not remembered."""
        stamp = self._engine.commits.stamp()
        known = self._known.get(question)
        if known is not None and known[0] == stamp and known[1] > time.monotonic():
            answer: Found = known[2]
            return answer
        found = ask()
        if found is not None and not self._engine.in_transaction:
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[question] = (stamp, time.monotonic() + LIFETIME_S, found)
        return found
