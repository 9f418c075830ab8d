"""What an administrator does in PostgreSQL, and the running appliance cannot: schemas, their roles, their migrations.

Each schema has two roles.  Its owner cannot log in and is used by migrations alone; its login role reads and writes
rows, owns nothing and is a member of nothing, so that no statement of the appliance, however careless, reaches another
schema.  What only ever grows (the audit log) the login role can only add to.  Every step can be repeated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from psycopg import conninfo, sql

from appliance.db.dialect import placeholders, postgresql_of
from appliance.db.migrations import Migration, migrate, prepare_ledger, steps
from appliance.db.postgresql import CONNECT_TIMEOUT_S, WRITER_TABLE, Login, meaning_of
from appliance.errors import Misconfigured

#: Functions that everybody may call in a new database and that reach over schemas: only a superuser takes them away.
_SHARED: Final = r"""
SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace
AND (proname LIKE 'pg\_advisory%' OR proname LIKE 'pg\_try\_advisory%' OR proname = 'pg_notify')
"""
#: The schema of the control plane.
CONTROL_SCHEMA: Final = "control"
#: The oldest server that these rights were tried on.
LEAST_VERSION: Final = 150000
#: Connections that one schema's role may hold on the server: threads of all processes that work in it at once.
CONNECTION_LIMIT: Final = 200
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,40}")
#: A role is named after its database, since roles belong to the whole server; names end at 63 bytes.
_DATABASE_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,24}")
_GUARDED: Final = """
SELECT c.relname, array_agg(t.tgname::text) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = %s::regnamespace AND NOT t.tgisinternal GROUP BY c.relname
"""


class Administrator:
    """A connection that may make roles and schemas in one database; held while an administrator works, and no longer.

    Parameters
    ----------
    url : names server and database; ``public_url`` is the same without user and password
    """

    def __init__(self, connection: psycopg.Connection[Any], url: str) -> None:
        self._connection = connection
        self.database = connection.info.dbname
        self.public_url = public_url(url)

    @classmethod
    @contextmanager
    def at(cls, url: str) -> Iterator[Administrator]:
        """Connect as the user that ``url`` names.

        Raises
        ------
        Unavailable, Misconfigured : it cannot be reached, refuses, or is too old; the name cannot be used
        """
        public_url(url)
        try:
            connection = psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S)
        except psycopg.Error as error:
            raise meaning_of(error, "the administrator") or error from error
        with connection:
            _require(connection)
            yield cls(connection, url)

    def confine(self) -> None:
        """Take from everybody what a new database gives to everybody: temporary tables, the schema ``public``."""
        self._run("REVOKE ALL ON DATABASE {} FROM PUBLIC", self.database)
        self._run("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        if self._connection.info.parameter_status("is_superuser") == "on":
            for (function,) in self._connection.execute(_SHARED).fetchall():
                self._connection.execute(sql.SQL("REVOKE EXECUTE ON FUNCTION {} FROM PUBLIC").format(sql.SQL(function)))

    def make_schema(self, schema: str, password: str) -> Login:
        """Make a schema with its two roles, or give the roles of one that is there a new password; no table yet."""
        login = self.login(schema, password)
        owner = f"{login.role}_owner"
        self._make_role(owner, "NOLOGIN NOINHERIT")
        self._make_role(login.role, f"LOGIN NOINHERIT CONNECTION LIMIT {CONNECTION_LIMIT}")
        self._connection.execute(  # as a verifier: statements may stand in the server's log
            sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(login.role), sql.Literal(self._verifier(login)))
        )
        self._run("GRANT {} TO CURRENT_USER", owner)
        self._run("CREATE SCHEMA IF NOT EXISTS {} AUTHORIZATION {}", schema, owner)
        self._run("GRANT CONNECT ON DATABASE {} TO {}", self.database, login.role)
        self._run("GRANT USAGE ON SCHEMA {} TO {}", schema, login.role)
        self._run("ALTER ROLE {} IN DATABASE {} SET search_path = {}", login.role, self.database, schema)
        return login

    def _verifier(self, login: Login) -> str:
        server = self._connection.pgconn
        return server.encrypt_password(login.password.encode(), login.role.encode(), b"scram-sha-256").decode()

    def login(self, schema: str, password: str) -> Login:
        """How the appliance logs into a schema."""
        if not _NAME.fullmatch(schema):
            raise Misconfigured("database.schema", f"'{schema}' cannot name a schema.")
        return Login(self.public_url, schema, role_of(self.database, schema), password)

    def migrate(self, schema: str, kind: str) -> list[str]:
        """Bring a schema to this program, as its owner; returns the steps that were missing.

        Raises
        ------
        Misconfigured : it was built by other steps, or by a newer program
        """
        role = role_of(self.database, schema)
        with _SchemaOwner.of(self._connection, schema, f"{role}_owner") as owner:
            prepare_ledger(owner)
            owner.execute(f"CREATE TABLE IF NOT EXISTS {WRITER_TABLE} (nobody BIGINT)")
            applied = migrate(owner, steps(kind))
        self._grant(schema, role)
        return applied

    def drop(self, schema: str) -> None:
        """Remove a schema with all its rows, and its roles."""
        role = role_of(self.database, schema)
        self._run("DROP SCHEMA IF EXISTS {} CASCADE", schema)
        for name in (role, f"{role}_owner"):
            if self._has_role(name):
                self._run("DROP OWNED BY {}", name)
                self._run("DROP ROLE {}", name)

    def schemas(self) -> set[str]:
        """The schemas of the appliance that are there."""
        rows = self._connection.execute("SELECT nspname FROM pg_namespace WHERE nspname ~ '^(control|wsp_)'")
        return {name for (name,) in rows}

    def _grant(self, schema: str, role: str) -> None:
        """Rows of every table, but no change of what only grows."""
        self._run("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {} TO {}", schema, role)
        self._run("REVOKE INSERT, UPDATE, DELETE ON {}.schema_migration FROM {}", schema, role)
        for table, triggers in self._connection.execute(_GUARDED, (schema,)).fetchall():
            for right in ("UPDATE", "DELETE"):
                if f"{table}_no_{right.lower()}" in triggers:
                    self._run(f"REVOKE {right} ON {{}}.{{}} FROM {{}}", schema, table, role)

    def _make_role(self, name: str, how: str) -> None:
        if not self._has_role(name):
            self._run(f"CREATE ROLE {{}} {how}", name)

    def _has_role(self, name: str) -> bool:
        return self._connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,)).fetchone() is not None

    def _run(self, statement: str, *names: str) -> None:
        self._connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


class _SchemaOwner:
    """The connection of migrations: SQLite's dialect, the rights of the schema's owner, that schema alone."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    @classmethod
    @contextmanager
    def of(cls, connection: psycopg.Connection[Any], schema: str, owner: str) -> Iterator[_SchemaOwner]:
        connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(owner)))
        connection.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(schema)))
        try:
            yield cls(connection)
        finally:
            if not connection.closed:
                connection.execute("RESET search_path")
                connection.execute("RESET ROLE")

    def execute(self, statement: str, values: Sequence[Any] = (), /) -> Any:
        """Run one statement of a migration."""
        if statement == "BEGIN IMMEDIATE":
            self._connection.execute("BEGIN")
            return self._connection.execute("LOCK TABLE schema_migration IN EXCLUSIVE MODE")
        cursor: Any = None
        for translated in postgresql_of(statement):
            if values:
                cursor = self._connection.execute(placeholders(translated), values)
            else:
                cursor = self._connection.execute(translated)
        return cursor


class ReadOnlyLedger:
    """What the login role may ask of the ledger: which steps its schema was built by."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def require(self, wanted: Sequence[Migration], name: str) -> None:
        """Return if the schema is what this program needs.

        Raises
        ------
        Misconfigured : steps are missing, differ, or are those of a newer program
        """
        hint = "Run d2r database migrate with this version of the appliance."
        try:
            rows = self._connection.execute("SELECT number, sha256 FROM schema_migration ORDER BY number").fetchall()
        except psycopg.errors.UndefinedTable as error:
            raise Misconfigured("schema.missing", f"The schema of {name} has no tables yet.", hint) from error
        if rows == [(step.number, step.sha256) for step in wanted]:
            return
        if len(rows) > len(wanted):
            raise Misconfigured("schema.newer", f"The schema of {name} is that of a newer program.", "Install that.")
        raise Misconfigured("schema.behind", f"The schema of {name} is not that of this program.", hint)


def role_of(database: str, schema: str) -> str:
    """The login role of a schema."""
    return f"{database}_{schema}"


def public_url(url: str) -> str:
    """Server and database of a connection, without user and password.

    Raises
    ------
    Misconfigured : the text is no connection
    """
    try:
        parts = conninfo.conninfo_to_dict(url)
    except psycopg.ProgrammingError as error:
        raise Misconfigured(
            "database.url", "The URL of the database cannot be read.", "postgresql://host/d2r"
        ) from error
    kept = {name: value for name, value in parts.items() if name not in ("user", "password", "passfile")}
    return conninfo.make_conninfo("", **kept)


def _require(connection: psycopg.Connection[Any]) -> None:
    if connection.info.server_version < LEAST_VERSION:
        found = connection.info.server_version // 10000
        raise Misconfigured("database.version", f"PostgreSQL {found} is too old.", "Install PostgreSQL 15 or newer.")
    if not _DATABASE_NAME.fullmatch(connection.info.dbname):
        hint = "Use up to 25 lower-case letters, digits and underscores."
        raise Misconfigured("database.name", f"The database '{connection.info.dbname}' cannot be used.", hint)
