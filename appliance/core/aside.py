"""Small work that nobody waits for: done by a thread beside the requests, one piece after the other.

What must not be lost is not given away here without waiting for it.  Where more waits than fits, the newest is not
taken: whoever floods us does not fill the memory.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from collections.abc import Callable
from typing import Final

log = logging.getLogger(__name__)

_MOST_WAITING: Final = 1_000
_FAREWELL_S: Final = 5.0


class Aside:
    """A thread of one process, begun when there is something to do, and gone when it stands idle."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._is_busy = False
        self._begin_anew()

    def do(self, work: Callable[[], object]) -> threading.Event | None:
        """Have ``work`` done soon; the event is set when it was.  None: too much is waiting, and it was not taken."""
        if self._process != os.getpid():  # a fork takes no thread along
            self._begin_anew()
        with self._lock:
            if len(self._waiting) >= _MOST_WAITING:
                return None
            done = threading.Event()
            self._waiting.append((work, done))
            if not self._is_busy:
                self._is_busy = True
                threading.Thread(target=self._run, name=self._name, daemon=True).start()
            return done

    def settle(self, timeout_s: float = _FAREWELL_S) -> bool:
        """Wait until nothing is left to do; returns whether that came in time."""
        done = self.do(lambda: None)
        return done is not None and done.wait(timeout_s)

    def close(self) -> None:
        """Let what waits be done, for a short time."""
        if self._is_busy:
            self.settle()

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._is_busy = False
                    return
                work, done = self._waiting.popleft()
            try:
                work()
            except Exception:  # whatever it was: the next piece of work is another one
                log.exception("%s failed", self._name)
            done.set()

    def _begin_anew(self) -> None:
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Callable[[], object], threading.Event]] = deque()
        self._is_busy = False
