"""Many rows in one statement: what both backends take, each in the way that it is fast.

Kinds name the columns' types, because rows that are all null do not tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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


def arrays(columns: Mapping[str, Kind], rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """The columns of rows; an array holds numbers of one type, and whole ones may stand among reals."""
    by_column = zip(columns.values(), zip(*rows, strict=True), strict=True)
    return [_reals(own) if kind == "real" else list(own) for kind, own in by_column]


def _reals(values: Iterable[Any]) -> list[float | None]:
    return [None if value is None else float(value) for value in values]
