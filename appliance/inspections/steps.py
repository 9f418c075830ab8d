"""The steps of an inspection: named, timed, reported to whoever watches."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

#: Receives the fraction done, 0 to 1.
Progress = Callable[[float], None]


class Watcher(Protocol):
    """Someone who wants to see the steps: a terminal, a job's row, nobody."""

    def begin(self, step: str) -> None:
        """A step begins."""

    def advance(self, step: str, fraction: float) -> None:
        """A step is done to ``fraction``, 0 to 1."""

    def end(self, step: str, seconds: float) -> None:
        """A step has ended."""


class NoWatcher:
    """Nobody watches."""

    def begin(self, step: str) -> None:
        return None

    def advance(self, step: str, fraction: float) -> None:
        return None

    def end(self, step: str, seconds: float) -> None:
        return None


class Steps:
    """Times each step and tells the watcher; ``seconds`` maps steps to their wall time."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[Progress]:
        """Run a step; yields the function that takes its progress."""
        self._watcher.begin(name)
        started = time.perf_counter()
        yield lambda fraction: self._watcher.advance(name, min(1.0, max(0.0, fraction)))
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - started
        self._watcher.end(name, self.seconds[name])
