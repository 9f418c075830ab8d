"""The objects that rows name: a set of hashes on the disk, so that a million of them cost no memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_TABLE: Final = "CREATE TABLE named (sha256 TEXT PRIMARY KEY, came INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID"
_PAGE: Final = 1000


class References:
    """SHA-256 hashes (hex) that were named, and which of them have come."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        for statement in ("PRAGMA journal_mode=OFF", "PRAGMA synchronous=OFF", _TABLE):
            connection.execute(statement)

    @classmethod
    @contextmanager
    def in_folder(cls, folder: Path) -> Iterator[References]:
        """An empty set, whose file lies in ``folder``."""
        file = folder / "references"
        connection = sqlite3.connect(file, isolation_level=None)
        try:
            yield cls(connection)
        finally:
            connection.close()
            file.unlink(missing_ok=True)

    def name(self, hashes: Iterable[str]) -> None:
        """Note hashes, each as often as one likes."""
        self._connection.executemany("INSERT OR IGNORE INTO named (sha256) VALUES (?)", ((one,) for one in hashes))

    def take(self, sha256: str) -> bool:
        """Note that an object has come; whether it was named and had not come yet."""
        sql = "UPDATE named SET came = 1 WHERE sha256 = ? AND came = 0"
        return self._connection.execute(sql, (sha256,)).rowcount == 1

    def missing(self) -> int:
        """How many were named and have not come."""
        [(count,)] = self._connection.execute("SELECT COUNT(*) FROM named WHERE came = 0")
        return int(count)

    def __iter__(self) -> Iterator[str]:
        """All of them, in their order."""
        last = ""
        while rows := self._connection.execute(
            "SELECT sha256 FROM named WHERE sha256 > ? ORDER BY sha256 LIMIT ?", (last, _PAGE)
        ).fetchall():
            yield from (sha256 for (sha256,) in rows)
            last = rows[-1][0]
