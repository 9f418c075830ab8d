"""Who asks what somebody else asks at the same time waits for one answer: when an inspection is recorded, everybody who
watches asks anew.

An answer counts for those who asked before it was begun, and for nobody else, so that whoever asks sees all that was
committed before.  While one is computed, all who ask wait for the next, which one of them computes.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from concurrent.futures import Future
from threading import Lock
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class Together(Generic[Answer]):
    """Answers to questions of many threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        #: Of each question the answer that is not begun yet, and whose turn it is to compute.
        self._next: dict[Hashable, Future[Answer]] = {}
        self._turns: dict[Hashable, tuple[Lock, int]] = {}

    def get(self, question: Hashable, compute: Callable[[], Answer]) -> Answer:
        """The answer to ``question``, from ``compute`` here or in another thread; it raises what that raised."""
        with self._lock:
            waiting = self._next.get(question)
            if waiting is None:
                own = self._next[question] = Future[Answer]()
                turn, count = self._turns.get(question, (Lock(), 0))
                self._turns[question] = turn, count + 1
        if waiting is not None:
            return waiting.result()
        try:
            with turn:
                with self._lock:
                    del self._next[question]  # whoever asks from now on might miss what is committed from now on
                own.set_result(compute())
        except BaseException as error:
            own.set_exception(error)
            raise
        finally:
            with self._lock:
                if self._next.get(question) is own:  # ended while it waited for its turn
                    del self._next[question]
                turn, count = self._turns.pop(question)
                if count > 1:
                    self._turns[question] = turn, count - 1
        return own.result()
