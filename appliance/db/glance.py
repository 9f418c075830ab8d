"""What every request asks of one database, remembered for a moment.

An answer counts until somebody on this machine commits something there, and for a second at most: what a process of
another machine has written counts a second later.  For questions whose answers are refused or granted anew at every
request, such as who holds a key and whether a workspace is open; what decides about evidence asks the rows themselves.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import Any, Final, TypeVar

from appliance.core.stamp import Stamp
from appliance.db.engine import Engine

LIFETIME_S: Final = 1.0
_MOST: Final = 4096

Found = TypeVar("Found")


class Glances:
    """Answers of one engine's database; safe to use from many threads.

    ``stamp`` : renewed here after every commit, and by whoever else has this database open on this machine
    """

    def __init__(self, engine: Engine, stamp: Stamp) -> None:
        self._engine, self._stamp = engine, stamp
        self._known: dict[Hashable, tuple[bytes, float, Any]] = {}
        engine.on_commit = stamp.renew

    def at(self, question: Hashable, ask: Callable[[], Found | None]) -> Found | None:
        """The answer to ``question``, from ``ask`` where it is not known; that there is none is not remembered."""
        stamp = self._stamp.value
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
