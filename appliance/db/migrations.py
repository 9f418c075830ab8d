"""The schema of a database, grown in numbered steps that are written once and never changed.

``migrations/<kind>/NNNN_name.sql`` holds the steps of one kind of database.  Each is applied in one transaction
together with the row that records it, so that a crash leaves the step done or not begun.  A database remembers the hash
of every step; it refuses a program whose steps differ from the ones it was built by, and one that is older than itself.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Protocol

from appliance.core.clock import rfc3339_us, utc_now
from appliance.core.faults import point
from appliance.errors import Misconfigured

_FOLDER: Final = Path(__file__).parent / "migrations"
_FILE: Final = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
_LEDGER: Final = """
CREATE TABLE IF NOT EXISTS schema_migration (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    applied_at TEXT NOT NULL
)"""


@dataclass(frozen=True)
class Migration:
    """One step of a schema."""

    number: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """Lower-case hex hash of the step's text."""
        return sha256(self.sql.encode()).hexdigest()


class SchemaConnection(Protocol):
    """A connection that may change the schema, in transactions that are begun and ended in SQL."""

    def execute(self, sql: str, values: Sequence[Any] = ..., /) -> Any:
        """Run one statement."""


def steps(kind: str, folder: Path = _FOLDER) -> tuple[Migration, ...]:
    """The steps of a kind of database, in their order.

    Raises
    ------
    Misconfigured : a file that is no step, or two steps of one number
    """
    found: dict[int, Migration] = {}
    for path in sorted((folder / kind).glob("*.sql")):
        match = _FILE.fullmatch(path.name)
        if match is None or int(match[1]) in found:
            raise Misconfigured("schema.steps", f"{path.name} is no step of the {kind} schema, or doubles one.")
        found[int(match[1])] = Migration(int(match[1]), match[2], path.read_text())
    return tuple(found.values())


def migrate(connection: SchemaConnection, wanted: Sequence[Migration]) -> list[str]:
    """Bring a database to ``wanted``; returns the names of the steps that were missing.

    Processes that do so at the same time wait for each other.

    Raises
    ------
    Misconfigured : the database was built by other steps, or by a newer program
    """
    applied: list[str] = []
    while step := _next_step(connection, wanted):
        connection.execute("BEGIN IMMEDIATE")
        try:
            if step == _next_step(connection, wanted):
                _apply(connection, step)
                applied.append(f"{step.number:04}_{step.name}")
            point("migration.applied")
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
    return applied


def statements(sql: str) -> Iterator[str]:
    """The statements of a script; a trigger with its body is one."""
    gathered = ""
    for line in sql.splitlines(keepends=True):
        gathered += line
        if sqlite3.complete_statement(gathered):
            yield gathered.strip()
            gathered = ""
    if re.sub(r"--[^\n]*", "", gathered).strip():
        raise Misconfigured("schema.statement", f"A step of the schema ends inside a statement: {gathered[-60:]!r}.")


def _next_step(connection: SchemaConnection, wanted: Sequence[Migration]) -> Migration | None:
    """The first step that is missing; what is there must be the beginning of ``wanted``."""
    done = connection.execute("SELECT number, name, sha256 FROM schema_migration ORDER BY number").fetchall()
    known = {step.number: step for step in wanted}
    for number, name, digest in done:
        if number not in known:
            hint = "Install the version of the appliance that wrote it, or a newer one."
            raise Misconfigured("schema.newer", f"The database knows step {number:04}_{name}, this program not.", hint)
        if known[number].sha256 != digest:
            raise Misconfigured("schema.changed", f"Step {number:04}_{name} of the schema was changed after its use.")
    missing = [step for step in wanted if step.number not in {number for number, _, _ in done}]
    if missing and done and missing[0].number < done[-1][0]:
        raise Misconfigured("schema.gap", f"The database lacks step {missing[0].number:04} and knows later ones.")
    return missing[0] if missing else None


def _apply(connection: SchemaConnection, step: Migration) -> None:
    for statement in statements(step.sql):
        connection.execute(statement)
        point("migration.statement")
    row = (step.number, step.name, step.sha256, rfc3339_us(utc_now()))
    connection.execute("INSERT INTO schema_migration (number, name, sha256, applied_at) VALUES (?, ?, ?, ?)", row)


def prepare_ledger(connection: SchemaConnection) -> None:
    """Make the table that records the steps, where it is missing."""
    connection.execute(_LEDGER)
