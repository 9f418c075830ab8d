"""Counting and hashing what goes through an archive, in the same way when it is written and when it is read."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

from appliance.workspaces.archive.statement import Contents, Counted


class _Stream:
    """One table, or the list of objects."""

    def __init__(self) -> None:
        self._digest, self._count, self._size_bytes = sha256(), 0, 0

    def add(self, data: bytes, count: int, size_bytes: int) -> None:
        self._digest.update(data)
        self._count += count
        self._size_bytes += size_bytes

    def counted(self) -> Counted:
        return Counted(self._digest.hexdigest(), self._count, self._size_bytes)


class Tally:
    """The contents of one archive behind its head, as far as they went through."""

    def __init__(self, head: bytes, tables: Iterable[str]) -> None:
        self._head_sha256 = sha256(head).hexdigest()
        self._tables = {name: _Stream() for name in tables}
        self._objects = _Stream()

    def lines(self, table: str, lines: bytes, count: int) -> None:
        """Rows of a table went through, each with the end of its line."""
        self._tables[table].add(lines, count, len(lines))

    def object(self, sha256_hex: str, size_bytes: int) -> None:
        """An object went through."""
        self._objects.add(f"{sha256_hex} {size_bytes}\n".encode(), 1, size_bytes)

    def contents(self) -> Contents:
        """What went through until now."""
        tables = {name: stream.counted() for name, stream in self._tables.items()}
        return Contents(self._head_sha256, tables, self._objects.counted())
