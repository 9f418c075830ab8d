"""Many rows in one statement: what both backends take, each in the way that it is fast.

Kinds name the columns' types, because rows that are all null do not tell.  Columns of bytes are sent to PostgreSQL as
one value each, of which the server cuts every row's own: as an array each byte would be written as two digits, with
signs of escape, and read again one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

Kind: TypeAlias = Literal["integer", "real", "text", "bytes"]

_ARRAYS: Final[Mapping[Kind, str]] = {"integer": "bigint[]", "real": "float8[]", "text": "text[]"}


def values_statement(table: str, columns: Mapping[str, Kind], conflict: str) -> str:
    """One row of values, to be run for each."""
    holes = ", ".join("?" for _ in columns)
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({holes}) {conflict}"


def arrays_statement(table: str, columns: Mapping[str, Kind], conflict: str) -> str:
    """All rows at once, each column an array, or one value of bytes that is cut."""
    taken, holes, names = [], [], []
    for number, kind in enumerate(columns.values()):
        own = [f"a{number}"] if kind != "bytes" else [f"a{number}", f"b{number}"]
        taken.append(own[0] if kind != "bytes" else f"substring(?::bytea FROM k.{own[0]} FOR k.{own[1]})")
        holes += [f"?::{'int[]' if kind == 'bytes' else _ARRAYS[kind]}"] * len(own)
        names += own
    rows = f"unnest({', '.join(holes)}) AS k({', '.join(names)})"
    return f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(taken)} FROM {rows} {conflict}"


def arrays(columns: Mapping[str, Kind], values: Sequence[Sequence[Any]]) -> list[str | bytes]:
    """The values of ``arrays_statement``; arrays are written as PostgreSQL writes them, its driver takes ten times as
    long to do so."""
    whole: list[str | bytes] = []
    written: list[str | bytes] = []
    for kind, own in zip(columns.values(), values, strict=True):
        if kind == "bytes":
            whole.append(b"".join(one for one in own if one is not None))
            written += _cuts(own)
        else:
            written.append(_array(map(_WRITTEN[kind], own)))
    return whole + written


def keyed_statement(table: str, keys: Mapping[str, Kind], wanted: Sequence[str]) -> str:
    """The rows of some keys, each column of which is an array."""
    holes = ", ".join(f"?::{_ARRAYS[kind]}" for kind in keys.values())
    asked = ", ".join((*(f"k.{name}" for name in keys), *(f"t.{name}" for name in wanted)))
    alike = " AND ".join(f"t.{name} = k.{name}" for name in keys)
    return f"SELECT {asked} FROM unnest({holes}) AS k({', '.join(keys)}) JOIN {table} t ON {alike}"


def key_statement(table: str, keys: Mapping[str, Kind], wanted: Sequence[str]) -> str:
    """The row of one key, to be asked for each."""
    alike = " AND ".join(f"{name} = ?" for name in keys)
    return f"SELECT {', '.join((*keys, *wanted))} FROM {table} WHERE {alike}"


def _cuts(own: Sequence[bytes | None]) -> tuple[str, str]:
    """Where each value begins, from 1, and how long it is; null is as long as nothing is."""
    starts, lengths, end = [], [], 1
    for one in own:
        starts.append(str(end))
        lengths.append("NULL" if one is None else str(len(one)))
        end += len(one or b"")
    return _array(starts), _array(lengths)


def _array(values: Iterable[str]) -> str:
    return "{" + ",".join(values) + "}"


def _integer(value: int | None) -> str:
    return "NULL" if value is None else str(value)


def _real(value: float | None) -> str:
    return "NULL" if value is None else repr(float(value))


def _text(value: str | None) -> str:
    return "NULL" if value is None else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


_WRITTEN: Final[Mapping[Kind, Callable[[Any], str]]] = {"integer": _integer, "real": _real, "text": _text}
