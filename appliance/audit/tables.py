"""The tables of a log (``migrations/*/0002_audit.sql``): rows are added at the end, read, and never changed.

The triggers of the tables refuse every UPDATE and DELETE, and an INSERT anywhere but at the end.  They stop mistakes;
whoever owns the file can drop them, and is found by ``validation`` and by witnesses.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from appliance.audit.rows import Rows
from appliance.audit.stored_tree import StoredTree
from appliance.audit.tiles import TILE_WIDTH
from appliance.audit.tree import HASH_BYTES, root_of
from appliance.errors import Modified, NotFound

_LAST: Final = "SELECT position, leaf, entry FROM audit_entry ORDER BY position DESC LIMIT 1"
_ADD_ENTRY: Final = "INSERT INTO audit_entry (position, entry, leaf) VALUES (?, ?, ?)"
_ADD_NODE: Final = "INSERT INTO audit_node (level, position, hash) VALUES (?, ?, ?)"
_ENTRIES: Final = "SELECT position, entry, leaf FROM audit_entry WHERE position >= ? AND position < ? ORDER BY position"
_LEAVES: Final = "SELECT position, leaf FROM audit_entry WHERE position >= ? AND position < ? ORDER BY position"
_NODES: Final = (
    "SELECT position, hash FROM audit_node WHERE level = ? AND position >= ? AND position < ? ORDER BY position"
)
#: Where the time stands in a canonical entry.
_TIME_BYTES: Final = slice(-22, -2)
#: Entries that are read at once.
_PAGE: Final = 16 * TILE_WIDTH


@dataclass(frozen=True)
class Last:
    """The end of the log. ``time`` is that of the last entry, RFC 3339; an empty log has neither leaf nor time."""

    size: int
    leaf: bytes | None
    time: str


@dataclass(frozen=True)
class SignedState:
    """A row with a signed note over the first ``size`` entries."""

    number: int
    size: int
    note: bytes


@dataclass(frozen=True)
class Epoch:
    """What the log is called since a loss, and the checkpoint that it could still prove then."""

    number: int
    size: int
    base: bytes
    opened_at: str


class LogTables:
    """The tables of one log, through one connection."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows

    def last(self) -> Last:
        """The end of the log as the table has it now: another process may have appended."""
        found = self.rows.fetch(_LAST)
        if not found:
            return Last(0, None, "")
        position, leaf, entry = found[0]
        return Last(position + 1, _blob(leaf), _blob(entry)[_TIME_BYTES].decode("ascii", "replace"))

    def entry(self, index: int) -> bytes:
        """The bytes of one entry.

        Raises
        ------
        NotFound : the log has no such entry
        """
        found = self.rows.fetch("SELECT entry FROM audit_entry WHERE position = ?", index)
        if not found:
            raise NotFound("log.entry", f"The log has {self.last().size} entries; there is no entry {index}.")
        return _blob(found[0][0])

    def entries(self, start: int, stop: int) -> Iterator[tuple[int, bytes, bytes]]:
        """(position, entry, leaf hash) of what lies from ``start`` to ``stop``, in order."""
        for first in range(start, stop, _PAGE):
            yield from self.rows.fetch(_ENTRIES, first, min(first + _PAGE, stop))

    def add_entries(self, rows: Sequence[tuple[int, bytes, bytes]]) -> None:
        """Add (position, entry, leaf hash) at the end, with every hash over 256 that this completes."""
        self.rows.write(_ADD_ENTRY, rows)
        first, stop = rows[0][0], rows[-1][0] + 1
        for number in range(first // TILE_WIDTH, stop // TILE_WIDTH):
            self._complete(0, number)

    def tree(self, size: int) -> StoredTree:
        """The tree over the first ``size`` entries, from what is stored."""
        return StoredTree(size, self.tile)

    def tile(self, level: int, number: int) -> bytes:
        """The hashes of a tile that are there, joined (``stored_tree``)."""
        start = number * TILE_WIDTH
        span = (start, start + TILE_WIDTH)
        found = self.rows.fetch(_LEAVES, *span) if level == 0 else self.rows.fetch(_NODES, level, *span)
        for index, (position, one) in enumerate(found, start):
            if position != index or len(_blob(one)) != HASH_BYTES:
                raise Modified("log.tile", f"A hash of the log's tree is missing: level {level}, number {index}.")
        return b"".join(one for _, one in found)

    def node_count(self, level: int) -> int:
        """How many hashes over 256^level entries are stored, by the last of them."""
        [(last,)] = self.rows.fetch("SELECT COALESCE(MAX(position) + 1, 0) FROM audit_node WHERE level = ?", level)
        return int(last)

    def highest_level(self) -> int:
        """The highest level of which a hash is stored."""
        [(level,)] = self.rows.fetch("SELECT COALESCE(MAX(level), 0) FROM audit_node")
        return int(level)

    def last_checkpoint(self) -> SignedState | None:
        """The latest checkpoint that was signed."""
        sql = "SELECT number, size, note FROM audit_checkpoint ORDER BY number DESC LIMIT 1"
        return next((_state(row) for row in self.rows.fetch(sql)), None)

    def checkpoints(self, size: int | None = None) -> list[SignedState]:
        """The checkpoints that were signed, in order; with ``size`` those over that many entries."""
        sql, values = "SELECT number, size, note FROM audit_checkpoint", () if size is None else (size,)
        where = " WHERE size = ?" if values else ""
        return [_state(row) for row in self.rows.fetch(f"{sql}{where} ORDER BY number", *values)]

    def anchors(self) -> list[SignedState]:
        """The checkpoints that witnesses cosigned, the smallest first."""
        sql = "SELECT number, size, note FROM audit_anchor ORDER BY size, number"
        return [_state(row) for row in self.rows.fetch(sql)]

    def epochs(self) -> list[Epoch]:
        """What the log was called, in order; empty while it never lost anything."""
        found = self.rows.fetch("SELECT number, size, base, opened_at FROM audit_epoch ORDER BY number")
        return [Epoch(number, _count(size), _blob(base), opened_at) for number, size, base, opened_at in found]

    def add_checkpoint(self, size: int, note: bytes, signed_at: str) -> None:
        """Keep a signed checkpoint."""
        self._add_numbered("audit_checkpoint (number, size, note, signed_at)", size, note, signed_at)

    def add_anchor(self, size: int, note: bytes, added_at: str) -> None:
        """Keep a cosigned checkpoint."""
        self._add_numbered("audit_anchor (number, size, note, added_at)", size, note, added_at)

    def add_epoch(self, epoch: Epoch) -> None:
        """Give the log its next name."""
        sql = "INSERT INTO audit_epoch (number, size, base, opened_at) VALUES (?, ?, ?, ?)"
        self.rows.write(sql, [(epoch.number, epoch.size, epoch.base, epoch.opened_at)])

    def _add_numbered(self, columns: str, size: int, note: bytes, moment: str) -> None:
        table = columns.partition(" ")[0]
        [(number,)] = self.rows.fetch(f"SELECT COALESCE(MAX(number) + 1, 0) FROM {table}")
        self.rows.write(f"INSERT INTO {columns} VALUES (?, ?, ?, ?)", [(number, size, note, moment)])

    def _complete(self, level: int, number: int) -> None:
        """Store the hash over a tile that is full now, and over the one above where this fills it."""
        joined = self.tile(level, number)
        hashes = [joined[at : at + HASH_BYTES] for at in range(0, len(joined), HASH_BYTES)]
        self.rows.write(_ADD_NODE, [(level + 1, number, root_of(hashes))])
        if (number + 1) % TILE_WIDTH == 0:
            self._complete(level + 1, number // TILE_WIDTH)


def _state(row: Sequence[Any]) -> SignedState:
    number, size, note = row
    return SignedState(number, _count(size), _blob(note))


def _blob(value: Any) -> bytes:
    """A value as it was written; the types of SQLite's columns bind nobody who edits the file."""
    if type(value) is not bytes:
        raise Modified("log.row", "A row of the log does not hold the bytes that were written.")
    return value


def _count(value: Any) -> int:
    if type(value) is not int:
        raise Modified("log.row", "A row of the log does not hold the number that was written.")
    return value
