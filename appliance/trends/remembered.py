"""What was computed from the same data is not computed again: a memory of this process, bounded, forgetting the oldest.

A key names everything that the value was computed from; so nothing has to be told when data change.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Remembered(Generic[Value]):
    """At most ``most`` values by their keys; may be used by several threads."""

    def __init__(self, most: int) -> None:
        self._most, self._known, self._lock = most, OrderedDict[Hashable, Value](), Lock()

    def peek(self, key: Hashable) -> Value | None:
        """The value of ``key``; None where none is known."""
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
            return self._known.get(key)

    def keep(self, key: Hashable, value: Value) -> None:
        """Remember the value of ``key``."""
        with self._lock:
            self._known[key] = value
            while len(self._known) > self._most:
                self._known.popitem(last=False)

    def forget(self) -> None:
        """Begin anew."""
        with self._lock:
            self._known.clear()
