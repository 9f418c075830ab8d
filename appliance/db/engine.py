"""An engine is one open database: sessions, transactions, and the connections that they share.

A session takes a connection for the running thread and puts the engine on its route; the connection goes back when the
outermost session ends, so that a hundred threads and a hundred workspaces need no ten thousand files.  A transaction is
``BEGIN IMMEDIATE``; one inside another is a savepoint.  Writers of one process wait in line for a lock of their own
instead of polling the file.

The engine knows no dialect: a backend (``appliance.db.sqlite``) brings connections and the peewee database.
"""

from __future__ import annotations

import logging
import os
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from appliance.db.bulk import Asked, Kind
from appliance.db.commits import Commits
from appliance.db.routing import Route
from appliance.db.stamps import READ
from appliance.errors import Unavailable

# The query builder writes every statement with its values into a DEBUG log: names, keyed hashes, sealed rows.
logging.getLogger("peewee").setLevel(logging.WARNING)

#: How long a writer waits for the writers of its own process.
LINE_TIMEOUT_S: Final = 30.0
#: How long a session waits for a connection, where their number is limited.
CONNECTION_TIMEOUT_S: Final = 30.0
#: Rows that one statement writes: what its values take of memory, twice, is some megabytes.
_ROWS_AT_ONCE: Final = 10_000


class _Here(threading.local):
    """Where one thread stands: its nested sessions and transactions, and what it will do after the outermost."""

    def __init__(self) -> None:
        self.sessions = 0
        self.depth = 0
        self.is_next_writer = False
        self.has_permit = False
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
        #: Marked by every transaction that ends here; what was read before one may be different after it.
        self.commits = Commits()
        self._idle: deque[Any] = deque()
        self._used: set[Any] = set()
        self._is_inherited = False
        self._start_counting()
        _engines.add(self)

    def __repr__(self) -> str:
        return f"Engine({self.name})"

    @contextmanager
    def session(self, base: Any = None) -> Iterator[Engine]:
        """Send the queries of ``base`` (the models of this engine's kind) here while the block runs; re-entrant.

        Raises
        ------
        ScopeConflict : another engine of the same kind is in session
        TypeError : ``base`` is of another kind
        Unavailable, Misconfigured : the database cannot be opened
        """
        if base is not None and base._meta.route is not self.route:
            raise TypeError(f"{base.__name__} has no rows in the {self.route.kind} database")
        self.enter()
        try:
            yield self
        finally:
            self.leave()

    def enter(self) -> None:
        """Begin a session; it ends with ``leave``, in the same thread.  Raises as ``session`` does."""
        self.route.enter(self)
        here = self._here
        try:
            if not here.sessions:
                self._admit()
                self.database.use(self._take())
        except BaseException:
            self.route.leave()
            self._dismiss()
            raise
        here.sessions += 1

    def leave(self) -> None:
        """End the latest session of this thread; the outermost gives the connection back."""
        self.route.leave()
        here = self._here
        here.sessions -= 1
        if not here.sessions:
            self._give_back(self.database.release())
            self._dismiss()

    @contextmanager
    def transaction(self, base: Any = None) -> Iterator[Engine]:
        """A session whose writes are all there after the block, durably, or, if it raises, not at all.

        Raises
        ------
        Unavailable : other writers did not end in time, or the disk is full
        """
        here = self._here
        with ExitStack() as line:
            if not here.depth:
                line.enter_context(self._in_line())  # before a connection is taken: those who wait need none
            with self.session(base):
                registered = len(here.callbacks)
                here.depth += 1
                try:
                    with self.database.atomic("IMMEDIATE"):
                        yield self
                except BaseException:
                    del here.callbacks[registered:]
                    raise
                finally:
                    here.depth -= 1
                    self.commits.mark()
                    line.close()
                if not here.depth:
                    self._run_callbacks()

    @contextmanager
    def snapshot(self) -> Iterator[Engine]:
        """A session of its own whose queries all see one moment, whatever is committed meanwhile; it holds up nobody.

        Raises
        ------
        RuntimeError : a session is open in this thread, which may have read something already
        """
        if self._here.sessions:
            raise RuntimeError("a snapshot begins with a session of its own")
        with self.session():
            self.database.begin_snapshot()
            yield self

    def fetch(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """All rows of a query in plain SQL, inside a session: for the few that every request asks.

        Building such a query from models takes ten times as long as answering it.
        """
        rows: list[tuple[Any, ...]] = self.database.execute_plain(sql, values).fetchall()
        return rows

    def answer(self, query: Any) -> list[tuple[Any, ...]]:
        """All rows of a query that was built from models, as plain values."""
        rows: list[tuple[Any, ...]] = self.database.execute(query).fetchall()
        return rows

    def look_up(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """The same for a ``SELECT`` of columns alone, which calls nothing that could change the session."""
        rows: list[tuple[Any, ...]] = self.database.look_up(sql, values)
        return rows

    def look_up_each(
        self, sql: str, kinds: tuple[Kind, ...], keys: Sequence[Sequence[Any]]
    ) -> list[list[tuple[Any, ...]]]:
        """The same asked for each of many keys, whose values take the places of the ``?``: the rows of each.

        Everything that the question holds besides is constant, a ``LIMIT`` too.  One question to a server.
        """
        return self.database.look_up_each(sql, kinds, keys) if keys else []

    def run(self, sql: str, *values: Any) -> None:
        """Run a statement in plain SQL that answers no rows, inside a session.

        In a transaction a server runs it while this thread goes on, as it does with ``write_rows``.
        """
        self.database.run(sql, values)

    def write_rows(
        self, table: str, columns: Mapping[str, Kind], rows: Iterable[Sequence[Any]], conflict: str = ""
    ) -> None:
        """Write many rows of plain values, whatever their number, inside a transaction.

        ``conflict`` is an ``ON CONFLICT`` clause; no two rows of one call may meet it with each other.  A server writes
        while this thread goes on: what fails there is raised by the next statement, the end of the transaction at last.
        """
        self.write_columns(table, columns, tuple(zip(*rows, strict=True)), conflict)

    def write_columns(
        self, table: str, columns: Mapping[str, Kind], values: Sequence[Sequence[Any]], conflict: str = ""
    ) -> None:
        """The same, of values column by column; no columns at all are no rows."""
        if not self.in_transaction:
            raise RuntimeError("many rows are written in a transaction, or half of them might stay")
        for start in range(0, len(values[0]) if values else 0, _ROWS_AT_ONCE):
            some = [column[start : start + _ROWS_AT_ONCE] for column in values]
            self.database.write_columns(table, columns, some, conflict)

    def read_rows(
        self, table: str, keys: Mapping[str, Kind], values: Sequence[Sequence[Any]], wanted: Sequence[str]
    ) -> list[tuple[Any, ...]]:
        """The rows of many keys, given column by column: key and ``wanted`` columns of those that are there."""
        found: list[tuple[Any, ...]] = []
        for start in range(0, len(values[0]) if values else 0, _ROWS_AT_ONCE):
            some = [column[start : start + _ROWS_AT_ONCE] for column in values]
            found += self.database.read_rows(table, keys, some, wanted)
        return found

    def read_tables(self, *asked: Asked) -> list[list[tuple[Any, ...]]]:
        """Several questions as ``read_rows`` asks, and their answers in order; a server is asked all at once."""
        if any(one.count > _ROWS_AT_ONCE for one in asked):
            return [self.read_rows(one.table, one.keys, one.values, one.wanted) for one in asked]
        some = [one for one in asked if one.count]
        found = iter(self.database.read_tables(some) if some else ())
        return [next(found) if one.count else [] for one in asked]

    def stamp(self) -> int | None:
        """What is another after every commit that changed anything, inside a session; None where none is kept.

        Inside a transaction it is that of the state before.
        """
        rows = self.look_up(READ)
        return int(rows[0][0]) if rows else None

    def scrub(self) -> None:
        """Leave as little as can be of what was deleted or overwritten."""
        with self.session():
            self.database.scrub()

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` when this thread's outermost transaction is durable; at once where there is none."""
        if self._here.depth:
            self._here.callbacks.append(callback)
        else:
            callback()

    @property
    def in_transaction(self) -> bool:
        """Whether this thread is in a transaction of this engine."""
        return self._here.depth > 0

    @property
    def in_session(self) -> bool:
        """Whether this thread is in a session of this engine."""
        return self._here.sessions > 0

    @property
    def idle_connections(self) -> int:
        """Connections that are open and in nobody's use."""
        return len(self._idle)

    def close(self) -> None:
        """Close the connections that nobody uses; those in use are closed or kept when their session ends."""
        while self._idle:
            self._idle.pop().close()

    def _take(self) -> Any:
        if self._is_inherited:
            raise RuntimeError(f"this process was forked inside a session of {self.name}: start it afresh")
        connection = self._warm() or self.database.open_connection()
        self._used.add(connection)
        return connection

    def _warm(self) -> Any:
        """An idle connection that is still good; None where there is none."""
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return None
            if self.database.is_usable(connection):
                return connection
            connection.close()

    def _give_back(self, connection: Any) -> None:
        self._used.discard(connection)
        if len(self._idle) < self.database.idle_connections and self.database.is_usable(connection):
            self._idle.append(connection)
        else:
            connection.close()

    @contextmanager
    def _in_line(self) -> Iterator[None]:
        """The turn of this thread to write."""
        if not self._writing.acquire(timeout=LINE_TIMEOUT_S):
            raise Unavailable("database.busy", f"{self.name} stayed locked by another writer.", "Try again.")
        self._here.is_next_writer = True
        try:
            yield
        finally:
            self._here.is_next_writer = False
            self._writing.release()

    def _admit(self) -> None:
        """Wait for one of the connections that there may be.  The writer whose turn it is needs no permit: readers
        that wait for it to write in their turn could hold them all."""
        if self._permits is None or self._here.is_next_writer:
            return
        if not self._permits.acquire(timeout=CONNECTION_TIMEOUT_S):
            raise Unavailable("database.busy", f"All connections to {self.name} stayed in use.", "Try again.")
        self._here.has_permit = True

    def _dismiss(self) -> None:
        if self._here.has_permit:
            self._here.has_permit = False
            self._permits.release()

    def _run_callbacks(self) -> None:
        callbacks, self._here.callbacks = self._here.callbacks, []
        for callback in callbacks:
            callback()

    def _start_anew(self) -> None:
        """In a forked child: forget the parent's sessions, and never use the connections that they held."""
        self._is_inherited = bool(self._used)
        self.database.dispose()
        self._start_counting()

    def _start_counting(self) -> None:
        most = self.database.most_connections
        self._writing, self._here = threading.Lock(), _Here()
        self._permits: Any = None if most is None else threading.BoundedSemaphore(most)


_engines: weakref.WeakSet[Engine] = weakref.WeakSet()


def _close_all() -> None:
    """Before a fork.  SQLite counts the locks of a file for the process: a child that inherits the count would work
    without a lock of its own, and its commits could be lost when the parent closes the file.
    """
    for engine in list(_engines):
        engine.close()


def _start_all_anew() -> None:
    for engine in list(_engines):
        engine._start_anew()


os.register_at_fork(before=_close_all, after_in_child=_start_all_anew)
