"""The few questions that the log asks of a database, so that it reads a live engine and a bare file alike."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from appliance.errors import Modified, NotFound, Unavailable

if TYPE_CHECKING:
    from appliance.db.engine import Engine

Value: TypeAlias = int | str | bytes | None


class Rows(Protocol):
    """The database that holds one log. Parameters are written as ``?``."""

    @property
    def in_transaction(self) -> bool:
        """Whether the caller's transaction is open."""

    def fetch(self, sql: str, *values: Value) -> list[tuple[Any, ...]]:
        """All rows of a query."""

    def write(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        """Run a statement once for each of ``rows``, inside a transaction."""

    def scrub(self) -> None:
        """Leave as little as can be of what was deleted."""

    def transaction(self) -> AbstractContextManager[object]:
        """A transaction that excludes other writers from its start; joins one that is open."""


class EngineRows:
    """The rows of an engine: queries join the session and the transaction of the running thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def in_transaction(self) -> bool:
        """Whether this thread is in a transaction of the engine."""
        return self._engine.in_transaction

    def fetch(self, sql: str, *values: Value) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        with self._engine.session():
            return self._engine.fetch(sql, *values)

    def write(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        """Run a statement once for each of ``rows``."""
        with self._engine.session():
            for row in rows:
                self._engine.run(sql, *row)

    def scrub(self) -> None:
        """Leave as little as can be of what was deleted."""
        self._engine.scrub()

    def transaction(self) -> AbstractContextManager[object]:
        """A transaction of the engine, or a savepoint in the open one."""
        return self._engine.transaction()


class FileRows:
    """A database file opened for itself, such as that of an appliance that runs beside (WAL allows reading)."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @classmethod
    @contextmanager
    def reading(cls, path: Path) -> Iterator[FileRows]:
        """Open ``path`` read-only.

        Raises
        ------
        NotFound : there is no such file
        Unavailable : it cannot be opened
        """
        if not path.is_file():
            raise NotFound("log.database", f"There is no database at {path}.")
        at_rest = not path.with_name(f"{path.name}-wal").exists() and not os.access(path.parent, os.W_OK)
        options = "mode=ro&immutable=1" if at_rest else "mode=ro"  # a copy on a disc has no place for SQLite's index
        try:
            connection = sqlite3.connect(f"{path.absolute().as_uri()}?{options}", uri=True, isolation_level=None)
        except sqlite3.Error as error:
            raise Unavailable("log.database", f"{path}: {error}.", "Check the rights of the data folder.") from error
        try:
            yield cls(connection)
        finally:
            connection.close()

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self._connection.in_transaction

    def fetch(self, sql: str, *values: Value) -> list[tuple[Any, ...]]:
        """All rows of a query.

        Raises
        ------
        Modified : the file is no database any more, or has lost its tables
        Unavailable : it cannot be read now
        """
        try:
            return self._connection.execute(sql, values).fetchall()
        except sqlite3.OperationalError as error:
            if "no such" in str(error):
                raise Modified("log.database", f"The database has lost a part of its log: {error}.") from error
            raise Unavailable("log.database", f"The database cannot be read: {error}.") from error
        except sqlite3.DatabaseError as error:
            raise Modified("log.database", f"The database is damaged: {error}.") from error

    def write(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        """Run a statement once for each of ``rows``."""
        self._connection.executemany(sql, rows)

    def scrub(self) -> None:
        """Empty the write-ahead log."""
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """``BEGIN IMMEDIATE``, unless a transaction is open."""
        if self.in_transaction:
            yield
            return
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")
