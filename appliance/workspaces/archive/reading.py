"""Reading an archive, whole and strictly: what comes out of it is handed on, and trusted only when the last byte is.

1. The file is sealed to the key that is given (``sealing``), and holds plain members (``members``).
2. The head is first, of a format and a schema that are known here.
3. Rows have the columns and kinds that the head says; pieces of a table come in their order.
4. Objects come in the order of their hashes, each is what it is named for, and each is named by a row.
5. The statement is last and signed by a trusted appliance, and what went through is exactly what it says.
6. No row names an object that has not come.

``check_archive`` does all of that and keeps nothing: an archive is read twice, so that a damaged one leaves no trace.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Protocol

from appliance.core.canonical import loads_strict
from appliance.core.files import unreadable
from appliance.crypto.archive_key import ArchiveKey
from appliance.crypto.vkey import VerifierKey
from appliance.errors import InvalidInput, Modified, NotProvable
from appliance.workspaces.archive.contents import Column, Table
from appliance.workspaces.archive.head import Head, read_head
from appliance.workspaces.archive.members import HEAD, OBJECTS, STATEMENT, TABLES, Member, read_members
from appliance.workspaces.archive.references import References
from appliance.workspaces.archive.sealing import SealedSource
from appliance.workspaces.archive.statement import Statement, verify_statement
from appliance.workspaces.archive.tally import Tally
from appliance.workspaces.archive.values import named_objects, require_kinds

_LINE_END: Final = b"\n"


class Receiver(Protocol):
    """Whoever takes what an archive holds; nothing of it is sure before the reading ends."""

    def begin(self, head: Head) -> None:
        """The head."""

    def rows(self, table: Table, columns: Sequence[Column], rows: Sequence[list[Any]]) -> None:
        """Rows of a table, as the archive says their values."""

    def object(self, sha256: str, blocks: Iterator[bytes]) -> None:
        """An object; it takes all blocks."""


class _Nobody:
    """Keeps nothing."""

    def begin(self, head: Head) -> None:
        return

    def rows(self, table: Table, columns: Sequence[Column], rows: Sequence[list[Any]]) -> None:
        return

    def object(self, sha256: str, blocks: Iterator[bytes]) -> None:
        for _ in blocks:
            pass


def check_archive(
    file: Path, key: ArchiveKey, trusted: Sequence[VerifierKey], folder: Path
) -> tuple[Head, Statement]:  # fmt: skip
    """Read a whole archive and keep nothing; raises as ``read_archive`` does."""
    return read_archive(file, key, trusted, folder, _Nobody())


def read_archive(
    file: Path, key: ArchiveKey, trusted: Sequence[VerifierKey], folder: Path, receiver: Receiver
) -> tuple[Head, Statement]:
    """Read an archive and hand on what it holds; returns what was signed about it.

    Parameters
    ----------
    trusted : keys of appliances that may have exported it
    folder : an empty one, for working files; they hold hashes and nothing else

    Raises
    ------
    InvalidInput : the file cannot be read, or is no archive
    Denied : the key does not open it
    Modified : it was cut or changed, or is not what was signed
    NotProvable : no trusted appliance signed it
    Misconfigured : a newer program wrote it
    """
    try:
        opened = file.open("rb")
    except OSError as error:
        raise unreadable(file, error) from error
    with opened, References.in_folder(folder) as references:
        # 1. Sealed to this key.
        return _Reading(receiver, references).through(read_members(SealedSource(opened, key)), trusted)


class _Reading:
    """One archive on its way through."""

    def __init__(self, receiver: Receiver, references: References) -> None:
        self._receiver, self._references = receiver, references
        self._tally = Tally(b"", ())
        self._tables: dict[str, tuple[Table, tuple[Column, ...]]] = {}
        self._pieces: dict[str, int] = {}
        self._last_object = ""

    def through(self, members: Iterator[Member], trusted: Sequence[VerifierKey]) -> tuple[Head, Statement]:
        # 2. The head.
        first = next(members, None)
        if first is None or first.name != HEAD:
            raise Modified("archive.head", "The archive does not begin with its head.")
        head = self._head(first.whole())
        envelope = b""
        for member in members:
            if envelope:
                raise Modified("archive.member", "Something stands behind the statement of the archive.")
            if member.name.startswith(TABLES):
                # 3. Rows.
                self._piece(member)
            elif member.name.startswith(OBJECTS):
                # 4. Objects.
                self._object(member)
            elif member.name == STATEMENT:
                envelope = member.whole()
            else:
                raise Modified("archive.member", "The archive holds a member that is none of its parts.")
        return head, self._end(head, envelope, trusted)

    def _end(self, head: Head, envelope: bytes, trusted: Sequence[VerifierKey]) -> Statement:
        if not envelope:
            raise NotProvable("archive.unsigned", "The archive has no statement: nobody says what it must hold.")
        # 5. As signed.
        statement = verify_statement(envelope, trusted)
        if statement.contents != self._tally.contents() or statement.export != head.export:
            raise Modified("archive.contents", "The archive does not hold what its exporter signed.")
        # 6. Complete.
        if missing := self._references.missing():
            raise Modified("archive.incomplete", f"{missing} objects that rows name are not in the archive.")
        return statement

    def _head(self, data: bytes) -> Head:
        head, self._tables = read_head(data)
        self._tally = Tally(data, self._tables)
        self._receiver.begin(head)
        return head

    def _piece(self, member: Member) -> None:
        name, _, number = member.name.removeprefix(TABLES).partition("/")
        expected = self._pieces.get(name, 0)
        if name not in self._tables or number != f"{expected:06}" or self._last_object:
            raise Modified("archive.member", "A piece of a table is not where it belongs.")
        self._pieces[name] = expected + 1
        data, (table, columns) = member.whole(), self._tables[name]
        rows = [_row(line) for line in data.removesuffix(_LINE_END).split(_LINE_END)]
        for row in rows:
            require_kinds(columns, row, name)
            self._references.name(named_objects(columns, row))
        self._tally.lines(name, data, len(rows))
        self._receiver.rows(table, columns, rows)

    def _object(self, member: Member) -> None:
        name = member.name.removeprefix(OBJECTS)
        if name <= self._last_object or not self._references.take(name):
            raise Modified("archive.object", "An object is not where it belongs, or no row names it.")
        self._last_object, digest = name, sha256()
        self._receiver.object(name, _hashed(member.blocks(), digest))
        if digest.hexdigest() != name:
            raise Modified("archive.object", "An object is not what it is named for.")
        self._tally.object(name, member.size)


def _hashed(blocks: Iterator[bytes], digest: Any) -> Iterator[bytes]:
    for block in blocks:
        digest.update(block)
        yield block


def _row(line: bytes) -> list[Any]:
    try:
        row = loads_strict(line)
    except InvalidInput as error:
        raise Modified("archive.row", f"A row of the archive cannot be read: {error.message}") from error
    if type(row) is not list:
        raise Modified("archive.row", "A row of the archive is no list of values.")
    return row


def row_line(values: Sequence[Any]) -> bytes:
    """A row as a line; the inverse of reading it."""
    return json.dumps(values, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode() + _LINE_END
