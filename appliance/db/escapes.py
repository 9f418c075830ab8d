"""Plain SQL that tries to leave its database: what injected SQL would say, for each backend.

The isolation suite runs it where it must be refused.  Every statement names the database of somebody else, or a way to
it; whether the statement is refused or answers with its own rows, nothing of the other one may come back.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from random import Random
from typing import Final

import peewee
import psycopg

from appliance.db.engine import Engine
from appliance.db.postgresql import RoutedPostgresql

#: How a database refuses a statement; whatever else is raised is a fault of the program.
REFUSALS: Final = (peewee.PeeweeException, sqlite3.Error, sqlite3.Warning, psycopg.Error)

_SQLITE: Final = (
    "ATTACH '{path}' AS other",
    "ATTACH 'file:{path}?mode=ro' AS other",
    'SELECT * FROM "{path}".{table}',
    'SELECT * FROM "{name}".{table}',
    "SELECT * FROM temp.{table}",
    "SELECT readfile('{path}')",
    "SELECT load_extension('{path}')",
    "SELECT edit('{path}')",
    "SELECT writefile('{path}', x'00')",
    "SELECT fts3_tokenizer('{name}', x'00')",
    "CREATE VIRTUAL TABLE other_{number} USING fts5(a, content='{path}')",
    "CREATE VIRTUAL TABLE other_{number} USING csv(filename='{path}')",
    'CREATE TEMP VIEW other_{number} AS SELECT * FROM "{name}".{table}',
    "CREATE TEMP TABLE other_{number} AS SELECT * FROM {table}",
    "CREATE TRIGGER other_{number} AFTER INSERT ON {table} BEGIN SELECT 1; END",
    "VACUUM INTO '{path}'",
    "PRAGMA temp_store_directory = '{path}'",
    "PRAGMA writable_schema = 1",
    "PRAGMA database_list",
    "PRAGMA trusted_schema = ON",
    "DETACH main",
    'DELETE FROM "{name}".{table}',
    'UPDATE "{path}".{table} SET id = id',
    'DROP TABLE "{name}".{table}',
    "ALTER TABLE {table} RENAME TO other_{number}",
    "SELECT * FROM sqlite_dbpage('{name}')",
    "SELECT * FROM dbstat('{path}')",
    "SELECT * FROM pragma_table_info('{table}', '{name}')",
)
_POSTGRESQL: Final = (
    "SELECT * FROM {name}.{table}",
    "SELECT count(*) FROM {name}.{table}",
    "TABLE {name}.{table}",
    "SET ROLE {name}",
    "SET SESSION AUTHORIZATION {name}",
    "SELECT set_config('role', '{name}', false)",
    "SELECT set_config('role', '{name}', true), query_to_xml('SELECT * FROM {name}.{table}', true, true, '')",
    "SELECT set_config('search_path', '{name}', true), query_to_xml('SELECT * FROM {table}', true, true, '')",
    "SELECT table_to_xml('{name}.{table}'::regclass, true, true, '')",
    "SELECT schema_to_xml('{name}', true, true, '')",
    "SELECT pg_read_file('{path}')",
    "SELECT pg_read_binary_file('PG_VERSION'), pg_ls_dir('.')",
    "COPY {name}.{table} TO '/dev/null'",
    "COPY {table} FROM PROGRAM 'true'",
    "SELECT lo_import('/etc/hostname')",
    "SELECT * FROM pg_stats WHERE schemaname = '{name}'",
    "SELECT query FROM pg_stat_activity WHERE usename = '{name}'",
    "SELECT rolpassword FROM pg_authid",
    "SELECT prosrc FROM pg_proc WHERE proname = '{table}'",
    "CREATE EXTENSION dblink",
    "CREATE FUNCTION {name}.other_{number}() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE VIEW other_{number} AS SELECT * FROM {name}.{table}",
    "CREATE TEMP TABLE other_{number} AS SELECT * FROM {name}.{table}",
    "GRANT {name} TO CURRENT_USER",
    "ALTER ROLE {name} PASSWORD 'x'",
    "INSERT INTO {name}.{table} SELECT * FROM {table}",
    "UPDATE {name}.{table} SET id = id",
    "DELETE FROM {name}.{table}",
    "TRUNCATE {name}.{table}",
    "LOCK TABLE {name}.{table}",
    "DO $$ BEGIN PERFORM * FROM {name}.{table}; END $$",
)
#: What an injection does to a statement; the first leaves it as it is.
_DISGUISES: Final[tuple[Callable[[str], str], ...]] = (
    str,
    str.lower,
    lambda text: text + " --",
    lambda text: "/* */ " + text.replace(" ", " /**/ "),
    lambda text: text + ";",
    lambda text: "\n\t" + text.replace(" ", "\n", 1),
)
_OWN: Final = ("SELECT * FROM {table}", "SELECT * FROM {table} UNION ALL SELECT * FROM {table}")


def escape(engine: Engine, other: Engine, tables: Sequence[str], random: Random) -> str:
    """A statement for ``engine`` that asks for rows of ``other``, or for all rows that there are."""
    is_served = isinstance(other.database, RoutedPostgresql)
    path = "base" if is_served else str(other.database.path)
    name = other.database.login.schema if is_served else other.name
    form = random.choice((*(_POSTGRESQL if is_served else _SQLITE), *_OWN))
    said = form.format(path=path, name=name, table=random.choice(tables), number=random.randrange(1 << 32))
    return random.choice(_DISGUISES)(said) if engine is not other else said
