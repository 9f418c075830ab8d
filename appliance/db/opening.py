"""Opening a database file: made where it is missing, brought to its schema, looked over.

A file is made with mode 0600 and switched to write-ahead logging before anything else; every step can be repeated, so
a crash in between is mended by opening it again.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from appliance.core.files import sync_folder
from appliance.db.engine import Engine
from appliance.db.migrations import migrate, prepare_ledger, steps
from appliance.db.routing import Route
from appliance.db.sqlite import RoutedSqlite, connect, meaning_of
from appliance.errors import Misconfigured, Unavailable

#: How long a new file is waited for, and the pause between two tries.
_PATIENCE_S: Final = 10.0
_PAUSE_S: Final = 0.02


def create_database(path: Path) -> None:
    """Make an empty database file, if there is none.

    Raises
    ------
    Unavailable : the folder cannot be written
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        sync_folder(path.parent)
    except OSError as error:
        raise Unavailable(
            "database.unwritable", f"{path}: {error.strerror}.", "Check space and permissions."
        ) from error


def open_database(path: Path, name: str, route: Route) -> Engine:
    """The engine of an existing database file, its schema brought up to this program.

    Raises
    ------
    Misconfigured : there is no such file, it is damaged, or its schema is another program's
    Unavailable : it is locked or cannot be written
    """
    with schema_connection(path) as connection:
        use_write_ahead_log(connection, path)
        prepare_ledger(connection)
        migrate(connection, steps(route.kind))
    return Engine(RoutedSqlite(path, name, route))


def use_write_ahead_log(connection: sqlite3.Connection, path: Path) -> None:
    """Turn write-ahead logging on, which stays on in the file.

    SQLite waits for no lock here, as it does elsewhere: where several programs start on a file that was restored, all
    but one would fail.

    Raises
    ------
    Misconfigured : the file system does not allow it
    sqlite3.OperationalError : others hold the file for longer than ``_PATIENCE_S``
    """
    until = time.monotonic() + _PATIENCE_S
    while True:
        try:
            if connection.execute("PRAGMA journal_mode=WAL").fetchone()[0] == "wal":
                return
            raise Misconfigured("database.wal", f"{path} cannot use write-ahead logging.", "Use a local file system.")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(_PAUSE_S)


@contextmanager
def schema_connection(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that may change the schema.

    Raises
    ------
    Misconfigured : there is no such file, or it is damaged
    Unavailable : it is locked or cannot be written
    """
    if not path.is_file():
        hint = "Run d2r init, or restore the last backup."
        raise Misconfigured("database.missing", f"There is no database at {path}.", hint)
    connection = None
    try:
        connection = connect(path)
        yield connection
    except sqlite3.Error as error:
        raise meaning_of(error, path) or error from error
    finally:
        if connection is not None:
            connection.close()
