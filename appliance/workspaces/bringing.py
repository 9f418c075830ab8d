"""Writing what an archive holds into a hidden workspace: rows and objects under its key, under names that follow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from appliance.audit.database_log import DatabaseLog
from appliance.audit.tree import leaf_hash
from appliance.errors import Modified
from appliance.objects.sealed import ObjectStore
from appliance.tenancy.scope import WorkspaceScope
from appliance.workspaces.archive.contents import TABLES, Column, Table
from appliance.workspaces.archive.head import Head
from appliance.workspaces.archive.statement import Contents
from appliance.workspaces.archive.values import Incoming

#: Values of one statement; a database takes 32,766.
_VALUES_A_STATEMENT: Final = 4000
_ENTRIES: Final = "audit_entry"


class Bringing:
    """Receives an archive (``archive.reading.Receiver``); each piece of a table is committed as it comes.

    Objects are durable after ``finish``: syncing each of many small ones takes ten times as long as all together.
    """

    def __init__(self, scope: WorkspaceScope) -> None:
        self._scope, self._store, self._incoming = scope, ObjectStore.of(scope, deferred=True), Incoming(scope)
        self._log = DatabaseLog.of(scope)
        self._later: list[tuple[Table, Any, Any]] = []

    def begin(self, head: Head) -> None:
        """Nothing of the head is written."""

    def rows(self, table: Table, columns: Sequence[Column], rows: Sequence[list[Any]]) -> None:
        """Write rows of a table."""
        meant = [self._incoming.meant(columns, row) for row in rows]
        with self._scope.transaction():
            if table.name == _ENTRIES:
                self._log.tables.add_entries([(position, entry, leaf_hash(entry)) for position, entry in meant])
            else:
                self._insert(table, [column.name for column in columns], meant)

    def object(self, sha256: str, blocks: Iterator[bytes]) -> None:
        """Seal an object; its reader compares its content with its hash."""
        self._store.put_stream(blocks)

    def finish(self, contents: Contents) -> None:
        """Fill in what refers to other rows of a table, count all tables, and make all objects durable.

        Raises
        ------
        Modified : a table has not as many rows as were sent
        Unavailable : the disk is full
        """
        self._store.settle()
        with self._scope.transaction():
            for table, key, value in self._later:
                sql = f'UPDATE {table.name} SET "{table.later}" = ? WHERE "{table.key}" = ?'
                self._scope.database.run(sql, value, key)
            for table in TABLES:
                [(count,)] = self._scope.database.fetch(f"SELECT COUNT(*) FROM {table.name}")
                sent = contents.tables[table.name].count if table.name in contents.tables else 0
                if count != sent:
                    raise Modified("archive.count", f"{count} rows of {table.name} are here, and {sent} were sent.")

    def _insert(self, table: Table, names: list[str], rows: list[list[Any]]) -> None:
        if table.later in names:
            key, later = names.index(table.key), names.index(table.later)
            self._later += [(table, row[key], row[later]) for row in rows if row[later] is not None]
            rows = [[None if index == later else value for index, value in enumerate(row)] for row in rows]
        columns, one = ", ".join(f'"{name}"' for name in names), f"({', '.join('?' * len(names))})"
        size = max(1, _VALUES_A_STATEMENT // len(names))
        for start in range(0, len(rows), size):
            batch = rows[start : start + size]
            sql = f"INSERT INTO {table.name} ({columns}) VALUES {', '.join([one] * len(batch))}"
            self._scope.database.run(sql, *(value for row in batch for value in row))
