"""What a login role may do beyond what it should, and whether its server keeps what it promised to keep.

Asked as that role itself: the server answers for whoever asks.
"""

from __future__ import annotations

from contextlib import closing
from typing import Any, Final

import psycopg

from appliance.db.postgresql import Login, connect

_ATTRIBUTES: Final = """
SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls FROM pg_roles WHERE rolname = current_user
"""
_ATTRIBUTE_NAMES: Final = ("a superuser", "may make roles", "may make databases", "may replicate", "bypasses row rules")
_GROUPS: Final = """
SELECT g.rolname FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member JOIN pg_roles g ON g.oid = m.roleid
WHERE r.rolname = current_user
"""
_SCHEMAS: Final = """
SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' AND nspname <> %s
AND has_schema_privilege(oid, 'USAGE')
"""
_OWNED: Final = "SELECT relname FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE r.rolname = current_user"
_CREATES: Final = """
SELECT has_schema_privilege(%s, 'CREATE'), has_database_privilege(current_database(), 'CREATE'),
has_database_privilege(current_database(), 'TEMP')
"""
_CREATE_NAMES: Final = ("may make tables", "may make schemas", "may make temporary tables")
_GROWING: Final = """
SELECT DISTINCT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = %s::regnamespace AND (
  (t.tgname = c.relname || '_no_update' AND has_table_privilege(c.oid, 'UPDATE'))
  OR (t.tgname = c.relname || '_no_delete' AND has_table_privilege(c.oid, 'DELETE'))
  OR has_table_privilege(c.oid, 'TRUNCATE') OR has_table_privilege(c.oid, 'TRIGGER'))
"""
#: Server settings without which a committed transaction may be lost.
_DURABLE: Final = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}


def excess_rights(login: Login) -> list[str]:
    """What the role of a schema may do and must not, in words; empty where all is well.

    Raises
    ------
    Unavailable, Misconfigured : it cannot log in
    """
    with closing(connect(login)) as connection:
        found = [name for name, has in zip(_ATTRIBUTE_NAMES, _one(connection, _ATTRIBUTES), strict=True) if has]
        found += [f"is a member of {name}" for (name,) in connection.execute(_GROUPS)]
        found += [f"may look into the schema {name}" for (name,) in connection.execute(_SCHEMAS, (login.schema,))]
        found += [f"owns {name}" for (name,) in connection.execute(_OWNED)]
        creates = _one(connection, _CREATES, login.schema)
        found += [name for name, has in zip(_CREATE_NAMES, creates, strict=True) if has]
        found += [f"may change {name}, which only grows" for (name,) in connection.execute(_GROWING, (login.schema,))]
    return found


def weak_settings(login: Login) -> list[str]:
    """Settings of the server with which a committed transaction may be lost: ``fsync = off``."""
    with closing(connect(login)) as connection:
        measured = {name: _one(connection, f"SHOW {name}")[0] for name in _DURABLE}
    return [f"{name} = {value}" for name, value in measured.items() if value in ("off", "local")]


def server_version(login: Login) -> str:
    """The server's version, such as 15.8."""
    with closing(connect(login)) as connection:
        return str(_one(connection, "SHOW server_version")[0]).split(" ")[0]


def _one(connection: psycopg.Connection[Any], sql: str, *values: str) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = connection.execute(sql, values).fetchone()
    assert row is not None  # each of these questions has one answer
    return row
