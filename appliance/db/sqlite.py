"""One SQLite file as a database: how its connections are opened, what they may do, what their failures mean.

Connections of the running appliance read and write rows; they cannot attach other files, change the schema or switch
protections off.  The schema belongs to migrations, which open a connection of their own.  Durability: WAL with
``synchronous=FULL``, so that a committed transaction survives the loss of power.
"""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

import peewee

from appliance.db.bulk import Asked, Kind, key_statement, values_statement
from appliance.db.routing import Route, ScopeMissing
from appliance.db.stamps import REPLACE, has_stamp, new_stamp
from appliance.errors import D2RError, Misconfigured, Unavailable

#: How long a writer waits for the writers of other processes.
BUSY_TIMEOUT_S: Final = 30.0
#: Settings of every connection; journal_mode is kept in the file itself.
_PRAGMAS: Final = (
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA recursive_triggers=ON",  # else REPLACE would delete rows past the triggers that forbid it
    "PRAGMA trusted_schema=OFF",
    "PRAGMA secure_delete=ON",  # what is erased is overwritten with zeros
    "PRAGMA temp_store=MEMORY",
    "PRAGMA cache_size=-8192",  # KiB, with a minus
    "PRAGMA journal_size_limit=67108864",
)
#: What only reads, or checks.
_HARMLESS_PRAGMAS: Final = frozenset(
    {
        "table_info", "table_xinfo", "table_list", "index_list", "index_info", "foreign_key_list", "foreign_key_check",
        "quick_check", "integrity_check", "data_version", "page_count", "page_size", "freelist_count", "wal_checkpoint",
    }
)  # fmt: skip
#: What only reads, as long as no value is given.
_READABLE_PRAGMAS: Final = frozenset(
    {"journal_mode", "synchronous", "foreign_keys", "recursive_triggers", "user_version", "trusted_schema"}
)
#: What begins a statement that writes rows.
_WRITING: Final = ("INSERT", "UPDATE", "DELETE", "REPLACE")
#: Kinds of statements that change the schema or reach other files: every CREATE, DROP and ALTER, ATTACH, DETACH.
_FORBIDDEN: Final = frozenset(
    value
    for name, value in vars(sqlite3).items()
    if name.startswith(("SQLITE_CREATE_", "SQLITE_DROP_"))
    or name in {"SQLITE_ALTER_TABLE", "SQLITE_REINDEX", "SQLITE_ATTACH", "SQLITE_DETACH"}
)
#: Primary result codes of SQLite -> what they mean to the appliance.
_BUSY: Final = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_NO_ROOM: Final = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
_DAMAGED: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class RoutedCursor(sqlite3.Cursor):
    """A cursor whose rows are fetched inside its scope only."""

    home: RoutedSqlite

    def fetchone(self) -> Any:
        self.home.require_here()
        return super().fetchone()

    def fetchmany(self, size: int | None = 1) -> list[Any]:
        self.home.require_here()
        return super().fetchmany(size)

    def fetchall(self) -> list[Any]:
        self.home.require_here()
        return super().fetchall()

    def __next__(self) -> Any:
        self.home.require_here()
        return super().__next__()


class _Savepoint(peewee._savepoint):  # type: ignore[misc]
    """A savepoint, which is gone with its transaction."""

    def rollback(self, begin: bool = True) -> None:
        if self.db.connection().in_transaction:
            super().rollback(begin)


class RoutedSqlite(peewee.SqliteDatabase):  # type: ignore[misc]
    """The peewee database of one file; it answers only while a session has put it on its route."""

    most_connections = None
    idle_connections = 8

    def __init__(self, path: Path, name: str, route: Route) -> None:
        super().__init__(str(path), autoconnect=False)
        self.path, self.name, self.route = path, name, route
        self._has_stamp = has_stamp(route)

    def open_connection(self) -> sqlite3.Connection:
        """A new connection that may read and write rows, and no more."""
        try:
            connection = connect(self.path)
            self._add_conn_hooks(connection)
        except sqlite3.Error as error:
            raise meaning_of(error, self.path) or error from error
        connection.set_authorizer(_authorize)
        return connection

    @staticmethod
    def is_usable(connection: sqlite3.Connection) -> bool:
        """A file does not go away."""
        return True

    def use(self, connection: sqlite3.Connection) -> None:
        """Let this thread's queries run on ``connection``."""
        self._state.set_connection(connection)
        self._state.cursors = None

    def release(self) -> sqlite3.Connection:
        """Take the connection back from this thread; unfinished cursors and transactions end."""
        state = self._state
        connection: sqlite3.Connection = state.conn
        for cursor in list(state.cursors or ()):
            cursor.close()
        state.reset()
        if connection.in_transaction:
            connection.rollback()
        return connection

    def require_here(self) -> None:
        """Return if the session that is open here, in this thread, is that of this database.

        Raises
        ------
        ScopeMissing : it is not
        """
        if self.route.require().database is not self or self._state.closed:
            raise ScopeMissing(f"a query of {self.name} outside of its scope")

    def cursor(self, named_cursor: Any = None) -> RoutedCursor:
        self.require_here()
        cursor: RoutedCursor = self._state.conn.cursor(RoutedCursor)
        cursor.home = self
        if self._state.cursors is None:
            self._state.cursors = weakref.WeakSet()
        self._state.cursors.add(cursor)
        return cursor

    def savepoint(self) -> _Savepoint:
        return _Savepoint(self)

    def execute_sql(self, sql: str, params: Any = None) -> Any:
        """Run a statement; one that writes outside of a transaction becomes one, so that it leaves its stamp."""
        if self._state.transactions:
            self._require_transaction()
        elif self._has_stamp and sql.lstrip(" (\n").upper().startswith(_WRITING):
            with self.atomic("IMMEDIATE"):
                return self.execute_sql(sql, params)
        try:
            return super().execute_sql(sql, params)
        except (peewee.OperationalError, peewee.DatabaseError) as error:
            self._translate(error)

    def execute_plain(self, sql: str, values: Any = ()) -> Any:
        """Run plain SQL, whose parameters are ``?``."""
        return self.execute_sql(sql, values)

    def run(self, sql: str, values: Any = ()) -> None:
        """Run plain SQL that answers no rows."""
        self.execute_sql(sql, values)

    def write_columns(
        self, table: str, columns: Mapping[str, Kind], values: Sequence[Sequence[Any]], conflict: str
    ) -> None:
        """Write rows inside the open transaction."""
        self._require_transaction()
        try:
            self.cursor().executemany(values_statement(table, columns, conflict), zip(*values, strict=True))
        except sqlite3.Error as error:
            raise meaning_of(error, self.path) or error from error

    def read_rows(
        self, table: str, keys: Mapping[str, Kind], values: Sequence[Sequence[Any]], wanted: Sequence[str]
    ) -> list[tuple[Any, ...]]:
        """The rows of many keys, one after the other."""
        query = key_statement(table, keys, wanted)
        return [row for key in zip(*values, strict=True) for row in self.look_up(query, key)]

    def read_tables(self, asked: Sequence[Asked]) -> list[list[tuple[Any, ...]]]:
        """The same of several tables."""
        return [self.read_rows(one.table, one.keys, one.values, one.wanted) for one in asked]

    def look_up(self, sql: str, values: Any = ()) -> list[tuple[Any, ...]]:
        """The rows of a ``SELECT`` of columns alone."""
        self.require_here()
        try:
            connection: sqlite3.Connection = self._state.conn
            return connection.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise meaning_of(error, self.path) or error from error

    def look_up_each(
        self, sql: str, kinds: tuple[Kind, ...], keys: Sequence[Sequence[Any]]
    ) -> list[list[tuple[Any, ...]]]:
        """The rows of each of many keys, one after the other."""
        return [self.look_up(sql, key) for key in keys]

    def scrub(self) -> None:
        """Empty the write-ahead log, which keeps what was deleted from the file."""
        self.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def begin(self, lock_type: str | None = None) -> None:
        try:
            super().begin(lock_type)
            self._state.changes_before = self._state.conn.total_changes
        except (peewee.OperationalError, peewee.DatabaseError) as error:
            self._translate(error)

    def begin_snapshot(self) -> None:
        """Let this session see one moment until its end: readers keep their place in the write-ahead log."""
        self.execute_sql("BEGIN DEFERRED")
        self.execute_sql("SELECT COUNT(*) FROM schema_migration").fetchall()

    def commit(self) -> None:
        self._require_transaction()
        try:
            if self._has_stamp and self._state.conn.total_changes != self._state.changes_before:
                super().execute_sql(REPLACE, (new_stamp(),))
            super().commit()
        except (peewee.OperationalError, peewee.DatabaseError) as error:
            self._translate(error)

    def rollback(self) -> None:
        """Roll back, unless SQLite has done so itself."""
        if self._state.conn.in_transaction:
            super().rollback()

    def _require_transaction(self) -> None:
        """Return if the transaction is still there.  SQLite gives one up by itself, on a full disk for one: what came
        after would be committed statement by statement.
        """
        if not self._state.closed and not self._state.conn.in_transaction:
            raise Unavailable("database.gave_up", f"{self.path.name} gave up the transaction.", "Check free space.")

    def _translate(self, error: peewee.DatabaseError) -> NoReturn:
        """Raise what a failure of the file means; a fault of the query itself stays what it is."""
        cause = getattr(error, "orig", None)
        raise (meaning_of(cause, self.path) if cause else None) or error from cause


def connect(path: Path) -> sqlite3.Connection:
    """A connection to a file that exists, with the settings that every connection has, and its schema free.

    It may change threads, one at a time.

    Raises
    ------
    sqlite3.Error : whatever SQLite says
    """
    connection = sqlite3.connect(
        f"{path.as_uri()}?mode=rw", uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
    )
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    for pragma in _PRAGMAS:
        connection.execute(pragma)
    return connection


def meaning_of(error: sqlite3.Error, path: Path) -> D2RError | None:
    """The error of the appliance for a failure of the file; None for a fault of the query."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _BUSY:
        return Unavailable("database.busy", f"{path.name} stayed locked by another writer.", "Try again.")
    if code in _NO_ROOM:
        return Unavailable("database.unwritable", f"{path}: {error}.", "Check free space and permissions.")
    if code in _DAMAGED:
        return damaged(path, str(error))
    return None


def damaged(path: Path, finding: str) -> Misconfigured:
    """The error for a database file that is not what was written."""
    hint = "Stop the appliance, keep a copy of the file, and restore the last backup."
    return Misconfigured("database.damaged", f"{path} is damaged: {finding}.", hint)


def _authorize(action: int, first: str | None, second: str | None, _schema: str | None, _trigger: str | None) -> int:
    """What statements of the running appliance may do: rows, not schema, not other files."""
    if action in _FORBIDDEN:
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_PRAGMA:
        allowed = first in _HARMLESS_PRAGMAS or (first in _READABLE_PRAGMAS and second is None)
        return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK
