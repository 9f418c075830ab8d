"""Values of rows on their way out of a workspace and into another one, where each has the meaning that it had.

``Outgoing`` and ``Incoming`` are each other's inverse, under the keys of two workspaces.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final

from appliance.audit.book import Book
from appliance.audit.persons import find_person, profile_of
from appliance.crypto.encoding import b64decode, b64encode
from appliance.crypto.sodium import random_bytes
from appliance.errors import InvalidInput, Modified
from appliance.objects.sealed import ObjectStore
from appliance.plant.operators import badge_mac
from appliance.tenancy.scope import WorkspaceScope
from appliance.workspaces.archive.contents import Column, Table

#: JSON types of the values of a kind.
TYPES: Final[dict[str, tuple[type, ...]]] = {
    "text": (str,), "integer": (int,), "real": (float,), "bytes": (str,), "object": (str,), "wrapped": (str,),
    "badge": (str,),
}  # fmt: skip
_HASH_BYTES: Final = 32
_KNOWN_OBJECTS: Final = 10_000

Row = dict[str, Any]
#: (value, its column, its row) -> the value on the other side.
Turn = Callable[[Any, Column, Row], Any]


class Outgoing:
    """Rows of a workspace as an archive says them."""

    def __init__(self, scope: WorkspaceScope) -> None:
        self._scope, self._book = scope, Book.of_workspace(scope)
        self._content = lru_cache(_KNOWN_OBJECTS)(ObjectStore.of(scope).sha256_of)
        self._turns: dict[str, Turn] = {
            "text": lambda value, column, row: value,
            "integer": lambda value, column, row: value,
            "real": lambda value, column, row: float(value),
            "bytes": lambda value, column, row: b64encode(bytes(value)),
            "object": self._object,
            "wrapped": self._unwrapped,
            "badge": self._badge,
        }

    def said(self, table: Table, values: Sequence[Any]) -> list[Any]:
        """The values of one row, in the order of the table's columns.

        Raises
        ------
        Modified : a value is not of its kind, or an object is not what was stored
        NotFound : an object that the row names is not there
        """
        row = {column.name: value for column, value in zip(table.columns, values, strict=True)}
        said = [
            None if row[one.name] is None and one.kind != "badge" else self._turns[one.kind](row[one.name], one, row)
            for one in table.columns
        ]
        require_kinds(table.columns, said, table.name)
        return said

    def _object(self, name: str, column: Column, row: Row) -> str:
        known = row[column.sha256] if column.sha256 else None
        return str(known) if known and row.get(column.gone_when) is not None else self._content(name)

    def _unwrapped(self, sealed: bytes, column: Column, row: Row) -> str:
        return b64encode(self._book.unwrap(bytes(sealed), column.context.format_map(row)))

    def _badge(self, mac: str, column: Column, row: Row) -> str | None:
        """The badge, as the person's profile has it; nobody knows that of an erased person."""
        person = find_person(self._book, row["person_id"])
        badge = None if person is None or person.erased_at else profile_of(self._book, person.id).get("badge")
        return badge if badge is not None and badge_mac(self._scope, badge) == mac else None


class Incoming:
    """Rows of an archive as they stand in a workspace."""

    def __init__(self, scope: WorkspaceScope) -> None:
        self._scope, self._book, self._store = scope, Book.of_workspace(scope), ObjectStore.of(scope)
        self._turns: dict[str, Turn] = {
            "text": lambda value, column, row: value,
            "integer": lambda value, column, row: value,
            "real": lambda value, column, row: value,
            "bytes": lambda value, column, row: b64decode(value),
            "object": lambda value, column, row: self._store.name_of(value),
            "wrapped": lambda value, column, row: self._book.wrap(b64decode(value), column.context.format_map(row)),
            "badge": self._mac,
        }

    def meant(self, columns: Sequence[Column], said: Sequence[Any]) -> list[Any]:
        """The values of one row, in the order of ``columns``."""
        row = {column.name: value for column, value in zip(columns, said, strict=True)}
        return [
            None if row[one.name] is None and one.kind != "badge" else self._turns[one.kind](row[one.name], one, row)
            for one in columns
        ]

    def _mac(self, badge: str | None, column: Column, row: Row) -> str:
        """The badge's keyed hash; one that fits no badge, where nobody knows the badge any more."""
        return random_bytes(_HASH_BYTES).hex() if badge is None else badge_mac(self._scope, badge)


def require_kinds(columns: Sequence[Column], said: Sequence[Any], table: str) -> None:
    """Return if every value is of its kind, or null.

    Raises
    ------
    Modified : one is not
    """
    if len(columns) != len(said):
        raise Modified("archive.row", f"A row of {table} has {len(said)} values for {len(columns)} columns.")
    for column, value in zip(columns, said, strict=True):
        if value is not None and (type(value) not in TYPES[column.kind] or not _is_spelled(column, value)):
            raise Modified("archive.row", f"A value of {table}.{column.name} is not of the kind '{column.kind}'.")


def named_objects(columns: Sequence[Column], said: Sequence[Any]) -> list[str]:
    """SHA-256 of every object that must be there for a row."""
    row = {column.name: value for column, value in zip(columns, said, strict=True)}
    return [
        row[one.name]
        for one in columns
        if one.kind == "object" and row[one.name] is not None and row.get(one.gone_when) is None
    ]


def _is_spelled(column: Column, value: Any) -> bool:
    if column.kind == "object":
        return len(value) == 2 * _HASH_BYTES and set(value) <= set("0123456789abcdef")
    if column.kind in ("bytes", "wrapped"):
        try:
            b64decode(value)
        except InvalidInput:
            return False
    return True
