"""An engine is one open database: sessions, transactions, and the connections that they share.

A session takes a connection for the running thread and puts the engine on its route; the connection goes back when the
outermost session ends, so that a hundred threads and a hundred workspaces need no ten thousand files.  A transaction is
``BEGIN IMMEDIATE``; one inside another is a savepoint.  Writers of one process wait in line for a lock of their own
instead of polling the file.

The engine knows no dialect: a backend (``appliance.db.sqlite``) brings connections and the peewee database.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from appliance.db.routing import Route
from appliance.db.sqlite import BUSY_TIMEOUT_S
from appliance.errors import Unavailable

#: Connections that an engine keeps open while nobody uses them.
_IDLE_CONNECTIONS: Final = 4


class _Pending(threading.local):
    """What one thread will do after its outermost transaction."""

    def __init__(self) -> None:
        self.depth = 0
        self.callbacks: list[Callable[[], None]] = []


class Engine:
    """One database of one kind, shared by all threads of a process.

    Parameters
    ----------
    database : the peewee database of the backend: it opens connections and carries ``name`` and ``route``
    """

    def __init__(self, database: Any) -> None:
        self.database = database
        self.name: str = database.name
        self.route: Route = database.route
        self._idle: deque[Any] = deque()
        self._abandoned: list[Any] = []
        self._writing = threading.Lock()
        self._pending = _Pending()
        _engines.add(self)

    def __repr__(self) -> str:
        return f"Engine({self.name})"

    @contextmanager
    def session(self, base: Any = None) -> Iterator[Engine]:
        """Send the queries of ``base`` (the models of this engine's kind) here while the block runs; re-entrant.

        Raises
        ------
        ScopeConflict : another engine of the same kind is in session, or ``base`` is of another kind
        Unavailable, Misconfigured : the database cannot be opened
        """
        self._refuse_other_kind(base)
        self.route.enter(self)
        try:
            opened = self.database.is_closed()
            if opened:
                self.database.use(self._take())
            try:
                yield self
            finally:
                if opened:
                    self._give_back(self.database.release())
        finally:
            self.route.leave()

    @contextmanager
    def transaction(self, base: Any = None) -> Iterator[Engine]:
        """A session whose writes are all there after the block, durably, or, if it raises, not at all.

        Raises
        ------
        Unavailable : other writers did not end in time, or the disk is full
        """
        pending = self._pending
        with self.session(base):
            outermost = pending.depth == 0
            if outermost:
                self._stand_in_line()
            registered = len(pending.callbacks)
            pending.depth += 1
            try:
                with self.database.atomic("IMMEDIATE"):
                    yield self
            except BaseException:
                del pending.callbacks[registered:]
                raise
            finally:
                pending.depth -= 1
                if outermost:
                    self._writing.release()
            if outermost:
                self._run_callbacks()

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` when this thread's outermost transaction is durable; at once where there is none."""
        if self._pending.depth:
            self._pending.callbacks.append(callback)
        else:
            callback()

    @property
    def in_transaction(self) -> bool:
        """Whether this thread is in a transaction of this engine."""
        return self._pending.depth > 0

    @property
    def idle_connections(self) -> int:
        """Connections that are open and in nobody's use."""
        return len(self._idle)

    def close(self) -> None:
        """Close the connections that nobody uses; those in use are closed or kept when their session ends."""
        while self._idle:
            self._idle.pop().close()

    def _refuse_other_kind(self, base: Any) -> None:
        if base is not None and base._meta.route is not self.route:
            raise TypeError(f"{base.__name__} has no rows in the {self.route.kind} database")

    def _take(self) -> Any:
        try:
            return self._idle.pop()
        except IndexError:
            return self.database.open_connection()

    def _give_back(self, connection: Any) -> None:
        if len(self._idle) < _IDLE_CONNECTIONS:
            self._idle.append(connection)
        else:
            connection.close()

    def _stand_in_line(self) -> None:
        if not self._writing.acquire(timeout=BUSY_TIMEOUT_S):
            raise Unavailable("database.busy", f"{self.name} stayed locked by another writer.", "Try again.")

    def _run_callbacks(self) -> None:
        callbacks, self._pending.callbacks = self._pending.callbacks, []
        for callback in callbacks:
            callback()

    def _start_anew(self) -> None:
        """In a forked child: the parent's connections are kept, untouched, and never used."""
        self._abandoned += self._idle
        if not self.database.is_closed():
            self._abandoned.append(self.database.connection())
        self.database.dispose()
        self._idle, self._writing, self._pending = deque(), threading.Lock(), _Pending()


_engines: weakref.WeakSet[Engine] = weakref.WeakSet()


def _start_all_anew() -> None:
    for engine in list(_engines):
        engine._start_anew()


os.register_at_fork(after_in_child=_start_all_anew)
