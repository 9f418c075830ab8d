"""Many rows in one statement: what both backends take, each in the way that it is fast.

Kinds name the columns' types, because rows that are all null do not tell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

Kind: TypeAlias = Literal["integer", "real", "text", "bytes"]

_ARRAYS: Final[Mapping[Kind, str]] = {"integer": "bigint[]", "real": "float8[]", "text": "text[]", "bytes": "bytea[]"}


def values_statement(table: str, columns: Mapping[str, Kind], conflict: str) -> str:
    """One row of values, to be run for each."""
    holes = ", ".join("?" for _ in columns)
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({holes}) {conflict}"


def arrays_statement(table: str, columns: Mapping[str, Kind], conflict: str) -> str:
    """All rows at once, each column an array."""
    arrays = ", ".join(f"?::{_ARRAYS[kind]}" for kind in columns.values())
    return f"INSERT INTO {table} ({', '.join(columns)}) SELECT * FROM unnest({arrays}) {conflict}"


def arrays(columns: Mapping[str, Kind], values: Sequence[Sequence[Any]]) -> list[str]:
    """Columns of values, each as PostgreSQL writes an array; its driver takes ten times as long to do so."""
    by_column = zip(columns.values(), values, strict=True)
    return ["{" + ",".join(map(_WRITTEN[kind], own)) + "}" for kind, own in by_column]


def _integer(value: int | None) -> str:
    return "NULL" if value is None else str(value)


def _real(value: float | None) -> str:
    return "NULL" if value is None else repr(float(value))


def _text(value: str | None) -> str:
    return "NULL" if value is None else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _bytes(value: bytes | None) -> str:
    return "NULL" if value is None else f'"\\\\x{value.hex()}"'


_WRITTEN: Final[Mapping[Kind, Callable[[Any], str]]] = {
    "integer": _integer, "real": _real, "text": _text, "bytes": _bytes,
}  # fmt: skip
