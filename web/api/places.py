"""Places for uploads, shared fairly: whoever has a valid key and many slow connections keeps no other sender out.

While there is room everybody may have as many as they like.  When all are taken, a sender who has fewer than another
gets the place of that one's longest silent upload: its connection ends, what came stays, and it goes on later.  Whoever
has as many as anybody is told to wait.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from appliance.errors import Unavailable


class Sending(Protocol):
    """The body of an upload that is being read."""

    @property
    def idle_s(self) -> float:
        """For how long nothing came."""

    def interrupt(self) -> None:
        """End it now; what came is kept."""


class Places:
    """``count`` places of one process; safe to use from many threads."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._taken: dict[Sending, str] = {}
        self._lock = threading.Lock()

    @contextmanager
    def taken(self, sender: str, body: Sending) -> Iterator[None]:
        """Hold a place while the block runs.

        Parameters
        ----------
        sender : id of the principal who sends

        Raises
        ------
        Unavailable : all are taken, and nobody has more than the sender
        """
        with self._lock:
            if len(self._taken) >= self._count:
                self._make_room(sender)
            self._taken[body] = sender
        try:
            yield
        finally:
            with self._lock:
                self._taken.pop(body, None)

    def _make_room(self, sender: str) -> None:
        held = Counter(self._taken.values())
        most, count = held.most_common(1)[0]
        if count < held[sender] + 2:
            hint = "Wait as long as 'Retry-After' says, ask for the offset and go on."
            raise Unavailable("upload.busy", "As many uploads are running as there may be.", hint)
        body = max((one for one, who in self._taken.items() if who == most), key=lambda one: one.idle_s)
        del self._taken[body]
        body.interrupt()
