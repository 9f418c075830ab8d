"""One schema of a PostgreSQL database as a database: how its connections are opened, what their failures mean.

The running appliance logs into each schema as a role of its own that reads and writes rows and owns nothing: it can
neither change the schema nor reach another one (``appliance.db.provisioning`` makes both).  Writers of one schema
follow one another, as they do in SQLite: a transaction first locks the table ``writer``.  Durability is the server's:
a transaction whose settings were weakened (``synchronous_commit=off``) is refused at connection.
"""

from __future__ import annotations

import select
import time
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn, Self

import peewee
import psycopg
from psycopg import conninfo, sql
from psycopg.pq import TransactionStatus

from appliance.db.bulk import Asked, Kind, arrays, each_statement, keyed_statement, rows_statement
from appliance.db.dialect import placeholders
from appliance.db.lookups import SchemaConnection
from appliance.db.routing import Route, ScopeMissing
from appliance.db.stamps import REPLACE, has_stamp, new_stamp
from appliance.errors import D2RError, InvalidInput, Misconfigured, Unavailable

#: How long a writer waits for the writers of other processes.
LOCK_TIMEOUT_S: Final = 30
#: How long a server may take to answer a connection.
CONNECT_TIMEOUT_S: Final = 10
#: Connections that one process uses in one schema at a time; whoever comes then waits.
MOST_CONNECTIONS: Final = 16
#: A connection that was in use so short a time ago is taken to be there still.
TRUSTED_S: Final = 0.1
#: Settings of every session; a role may not weaken them for the appliance.
_OPTIONS: Final = (
    f"-c lock_timeout={LOCK_TIMEOUT_S * 1000} -c synchronous_commit=on -c client_min_messages=warning "
    "-c idle_in_transaction_session_timeout=600000 -c default_transaction_isolation=read\\ committed"
)
#: The row lock of writers: a table of the schema's own, so that nobody outside can hold it.
WRITER_TABLE: Final = "writer"
#: One message to the server.
_BEGIN_WRITING: Final = f"BEGIN; LOCK TABLE {WRITER_TABLE} IN EXCLUSIVE MODE".encode()
#: Only of a transaction that wrote anything: the server has given it a number then.
_STAMP: Final = f"{REPLACE} WHERE pg_current_xact_id_if_assigned() IS NOT NULL"
_DELETABLE: Final = """
SELECT c.relname FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'
AND has_table_privilege(c.oid, 'DELETE')
"""
#: What begins a query that only reads.
_READING: Final = ("SELECT", "SHOW", "EXPLAIN", "SET")
#: SQLSTATE, or its first characters -> what it means to the appliance; the first that fits.
_BUSY: Final = ("55P03", "40P01", "40001", "57014")
_NO_ROOM: Final = ("53100", "53200", "25006", "58030")
_AWAY: Final = ("08", "57P", "53300")
_REFUSED: Final = ("28", "3D000")
_DAMAGED: Final = ("XX001", "XX002")


@dataclass(frozen=True)
class Login:
    """How to log into one schema: ``url`` names server and database, and never a password."""

    url: str
    schema: str
    role: str
    password: str = field(repr=False)


class RoutedCursor(psycopg.Cursor[Any]):
    """A cursor whose rows are fetched inside its scope only, and that runs one statement at a time."""

    home: RoutedPostgresql

    def execute(
        self, query: Any, params: Any = None, *, prepare: bool | None = None, binary: bool | None = None
    ) -> Self:
        """Run a statement.  Without parameters the driver would take a script; for rows in binary it does not."""
        return super().execute(query, params, prepare=prepare, binary=binary or (params is not None and not params))

    def fetchone(self) -> Any:
        self.home.require_here()
        return super().fetchone()

    def fetchmany(self, size: int = 0) -> list[Any]:
        self.home.require_here()
        return super().fetchmany(size)

    def fetchall(self) -> list[Any]:
        self.home.require_here()
        return super().fetchall()

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> Any:
        row = self.fetchone()
        if row is None:
            raise StopIteration
        return row


class RoutedPostgresql(peewee.PostgresqlDatabase):  # type: ignore[misc]
    """The peewee database of one schema; it answers only while a session has put it on its route."""

    most_connections = MOST_CONNECTIONS
    idle_connections = 8

    def __init__(self, login: Login, name: str, route: Route) -> None:
        super().__init__(login.schema, autoconnect=False, prefer_psycopg3=True)
        self.login, self.name, self.route = login, name, route
        self._has_stamp = has_stamp(route)

    def open_connection(self) -> SchemaConnection:
        """A new connection that may read and write the rows of the schema, and no more."""
        return connect(self.login)

    @staticmethod
    def is_usable(connection: SchemaConnection) -> bool:
        """Whether an idle connection is still there: a server that went away has said so by now.

        One that was in use a moment ago is not looked at: under load each look is a pause of its thread.
        """
        if connection.closed:
            return False
        if time.monotonic() - connection.used_at < TRUSTED_S:
            return True
        try:
            connection.settle()
        except psycopg.Error:
            return False
        readable, _, _ = select.select([connection.fileno()], [], [], 0)
        return not readable

    def use(self, connection: SchemaConnection) -> None:
        """Let this thread's queries run on ``connection``."""
        state = self._state
        state.set_connection(connection)
        state.cursors, state.is_touched = None, False

    def release(self) -> SchemaConnection:
        """Take the connection back from this thread, as fresh as new: whatever its session began or set is gone.

        A session of lookups alone (``look_up``) has set nothing, and costs the server no question more.
        """
        state = self._state
        connection: SchemaConnection = state.conn
        is_touched, connection.used_at = state.is_touched, time.monotonic()
        for cursor in list(state.cursors or ()):
            cursor.close()
        state.reset()
        try:
            connection.settle_for_good_or_ill()
            if not connection.closed and connection.pgconn.transaction_status != TransactionStatus.IDLE:
                connection.rollback()
            if is_touched and not connection.closed:
                connection.discard()
        except psycopg.Error:
            connection.close()
        return connection

    def require_here(self) -> None:
        """Return if the session that is open here, in this thread, is that of this database.

        Raises
        ------
        ScopeMissing : it is not
        """
        if self.route.require().database is not self or self._state.closed:
            raise ScopeMissing(f"a query of {self.name} outside of its scope")

    def connection(self) -> Any:
        """The connection itself; whoever takes it may set anything."""
        self._state.is_touched = True
        return super().connection()

    def cursor(self, named_cursor: Any = None) -> RoutedCursor:
        self.require_here()
        self._state.is_touched = True
        cursor = RoutedCursor(self._state.conn)
        cursor.home = self
        if self._state.cursors is None:
            self._state.cursors = weakref.WeakSet()
        self._state.cursors.add(cursor)
        return cursor

    def execute_plain(self, sql: str, values: Any = ()) -> Any:
        """Run plain SQL, whose parameters are ``?``."""
        return self.execute_sql(placeholders(sql), values)

    def run(self, sql: str, values: Any = ()) -> None:
        """Run plain SQL that answers no rows; in a transaction the server does so while this thread goes on.

        What fails there is raised by the next statement, ``COMMIT`` at last.
        """
        if not self._state.transactions:
            self.execute_plain(sql, values)
            return
        self.require_here()
        connection: SchemaConnection = self._state.conn
        try:
            connection.send(sql, values)
        except psycopg.Error as error:
            raise meaning_of(error, self.name) or error from error

    def write_columns(
        self, table: str, columns: Mapping[str, Kind], values: Sequence[Sequence[Any]], conflict: str
    ) -> None:
        """Write rows inside the open transaction, as ``run`` does."""
        self.run(*rows_statement(table, columns, values, conflict))

    def read_rows(
        self, table: str, keys: Mapping[str, Kind], values: Sequence[Sequence[Any]], wanted: Sequence[str]
    ) -> list[tuple[Any, ...]]:
        """The rows of many keys."""
        return self.read_tables([Asked(table, keys, values, wanted)])[0]

    def read_tables(self, asked: Sequence[Asked]) -> list[list[tuple[Any, ...]]]:
        """The same of several tables, in one message; in binary: bytes are not written as digits."""
        self.require_here()
        self._state.is_touched = True
        statements = [
            (keyed_statement(one.table, one.keys, one.wanted), arrays(one.keys.values(), one.values)) for one in asked
        ]
        connection: SchemaConnection = self._state.conn
        try:
            return connection.read_all(statements)
        except psycopg.Error as error:
            raise meaning_of(error, self.name) or error from error

    def look_up(self, sql: str, values: Any = ()) -> list[tuple[Any, ...]]:
        """The rows of a ``SELECT`` of columns alone, which leaves nothing behind but its plan."""
        self.require_here()
        try:
            connection: SchemaConnection = self._state.conn
            return connection.look_up(sql, values)
        except psycopg.Error as error:
            raise meaning_of(error, self.name) or error from error

    def look_up_each(
        self, sql: str, kinds: tuple[Kind, ...], keys: Sequence[Sequence[Any]]
    ) -> list[list[tuple[Any, ...]]]:
        """The rows of each of many keys, in one question."""
        found: list[list[tuple[Any, ...]]] = [[] for _ in keys]
        asked = arrays(kinds, zip(*keys, strict=True))
        for row in self.look_up(each_statement(sql, kinds), asked):
            found[row[0] - 1].append(row[1:])
        return found

    def execute_sql(self, sql: str, params: Any = None) -> Any:
        """Run a statement; one that writes outside of a transaction becomes one, and waits its turn."""
        if not self._state.transactions and not sql.lstrip(" (\n").upper().startswith(_READING):
            with self.atomic("IMMEDIATE"):
                return self.execute_sql(sql, params)
        try:
            return super().execute_sql(sql, params)
        except peewee.DatabaseError as error:
            self._translate(error)

    def scrub(self) -> None:
        """Nothing: the server overwrites what was deleted when it vacuums, which only an owner may ask for."""

    def begin(self, lock_type: str | None = None) -> None:
        """Begin a transaction; one that writes (``IMMEDIATE``) waits for the writers before it."""
        self.require_here()
        self._state.is_touched = True
        try:
            self._state.conn.execute(_BEGIN_WRITING if lock_type else b"BEGIN")
        except psycopg.Error as error:
            self.rollback()
            raise meaning_of(error, self.name) or error from error

    def begin_snapshot(self) -> None:
        """Let this session see one moment until its end, and write nothing."""
        try:
            super().execute_sql("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            super().execute_sql("SELECT COUNT(*) FROM schema_migration")
        except peewee.DatabaseError as error:
            self._translate(error)

    def commit(self) -> None:
        connection: SchemaConnection = self._state.conn
        if self._has_stamp and connection.pgconn.transaction_status != TransactionStatus.INERROR:
            try:
                connection.send(_STAMP, (new_stamp(),))
            except psycopg.Error as error:
                raise meaning_of(error, self.name) or error from error
        self._end("COMMIT")

    def rollback(self) -> None:
        """Roll back, as far as there is a connection left to do it on."""
        connection = self._state.conn
        connection.settle_for_good_or_ill()
        if not connection.closed and connection.info.transaction_status != TransactionStatus.IDLE:
            self._end("ROLLBACK")

    def _end(self, how: str) -> None:
        try:
            cursor = self._state.conn.execute(how)
        except psycopg.Error as error:
            raise meaning_of(error, self.name) or error from error
        if how == "COMMIT" and cursor.statusmessage != "COMMIT":  # a failed statement has spoilt the transaction
            raise Unavailable("database.gave_up", f"{self.name} gave up the transaction.", "Try again.")

    def _translate(self, error: peewee.DatabaseError) -> NoReturn:
        """Raise what a failure of the server means; a fault of the query itself stays what it is."""
        cause = getattr(error, "orig", None) or error.__cause__ or error.__context__
        known = meaning_of(cause, self.name) if isinstance(cause, psycopg.Error) else None
        raise known or error from cause


def connect(login: Login) -> SchemaConnection:
    """A connection of the schema's own role.

    Raises
    ------
    Unavailable : the server does not answer now
    Misconfigured : it refuses the role, or has no such database
    """
    options = f"{_OPTIONS} -c search_path={login.schema}"
    try:
        return SchemaConnection.connect(
            conninfo.make_conninfo(login.url, user=login.role, password=login.password, options=options),
            autocommit=True, prepare_threshold=None, connect_timeout=CONNECT_TIMEOUT_S,
            application_name="d2r",
        )  # fmt: skip
    except psycopg.Error as error:
        raise meaning_of(error, login.schema) or error from error


def delete_rows(connection: psycopg.Connection[Any]) -> None:
    """Delete every row that the role of a schema may delete, in one transaction."""
    with connection.transaction():
        connection.execute("SET CONSTRAINTS ALL DEFERRED")
        names = {name for (name,) in connection.execute(_DELETABLE)}
        while names:  # rows that others refer to go after those
            left = {name for name in names if not _emptied(connection, name)}
            if left == names:
                raise Unavailable("database.not_emptied", f"Rows of {sorted(left)} refer to one another.")
            names = left


def _emptied(connection: psycopg.Connection[Any], table: str) -> bool:
    try:
        with connection.transaction():
            connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
    except psycopg.errors.ForeignKeyViolation:
        return False
    return True


def meaning_of(error: psycopg.Error, name: str) -> D2RError | None:
    """The error of the appliance for a failure of the server; None for a fault of the query."""
    state = error.sqlstate or ""
    if state.startswith(_BUSY):
        return Unavailable("database.busy", f"{name} stayed locked by another writer.", "Try again.")
    if state.startswith(_NO_ROOM):
        return Unavailable("database.unwritable", f"{name}: the server cannot write.", "Check its disk and its role.")
    if state.startswith(_DAMAGED):
        hint = "Stop the appliance, keep a copy of the server's files, and restore the last backup."
        return Misconfigured("database.damaged", f"{name} is damaged: {_first_line(error)}.", hint)
    if not state and isinstance(error, psycopg.DataError):
        return InvalidInput("database.text", "A text holds a NUL character, which cannot be stored.", "Leave it out.")
    said = _first_line(error)
    if state.startswith(_REFUSED) or (not state and _is_refusal(said)):
        return Misconfigured("database.refused", f"PostgreSQL refuses {name}: {said}.", "Run d2r doctor.")
    if state.startswith(_AWAY) or (not state and isinstance(error, psycopg.OperationalError)):
        return Unavailable("database.away", f"PostgreSQL does not serve {name}: {said}.", "Start it; d2r doctor.")
    return None


def _is_refusal(said: str) -> bool:
    """Failures of a connection carry no SQLSTATE; the server's own words tell whether waiting helps."""
    return any(words in said for words in ("authentication failed", "does not exist", "no pg_hba.conf", "no password"))


def _first_line(error: psycopg.Error) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[-1].rstrip(".")
