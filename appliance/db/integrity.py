"""Whether a database file is what was written to it: its pages, its indexes, its references."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from appliance.db.opening import schema_connection
from appliance.db.sqlite import damaged, meaning_of

#: Findings that an error names; one tells the operator enough to act.
_NAMED: Final = 3


def check_file(path: Path) -> None:
    """Return if SQLite finds nothing wrong in the file: pages, records, unique indexes, foreign keys.

    Reads the whole file; others may read and write it at the same time.

    Raises
    ------
    Misconfigured : the file is missing or damaged, or a row refers to one that is not there
    """
    with schema_connection(path) as connection:
        findings = _findings(connection, path)
    if findings:
        raise damaged(path, "; ".join(findings[:_NAMED]).rstrip("."))


def _findings(connection: sqlite3.Connection, path: Path) -> list[str]:
    try:
        pages = [str(row[0]) for row in connection.execute("PRAGMA quick_check(10)")]
        orphans = connection.execute("PRAGMA foreign_key_check").fetchmany(_NAMED)
    except sqlite3.Error as error:
        raise meaning_of(error, path) or error from error
    return [line.strip() for line in pages if line != "ok"] + [
        f"row {rowid} of {table} refers to a row of {parent} that is not there" for table, rowid, parent, _ in orphans
    ]
