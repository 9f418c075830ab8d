"""Many rows in one statement: what both backends take, each in the way that it is fast.

Kinds name the columns' types, because rows that are all null do not tell.  Columns of bytes are sent to PostgreSQL as
one value each, of which the server cuts every row's own: as an array each byte would be written as two digits, with
signs of escape, and read again one by one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal, TypeAlias

from appliance.db.dialect import outside_texts

Kind: TypeAlias = Literal["integer", "real", "text", "bytes"]


@dataclass(frozen=True)
class Asked:
    """The rows of a table with one of many keys, these given column by column, and which columns are wanted."""

    table: str
    keys: Mapping[str, Kind]
    values: Sequence[Sequence[Any]]
    wanted: Sequence[str]

    @property
    def count(self) -> int:
        """How many keys there are."""
        return len(self.values[0]) if self.values else 0


_HOLE: Final = re.compile(r"\?")
_TYPES: Final[Mapping[Kind, str]] = {"integer": "bigint", "real": "float8", "text": "text", "bytes": "bytea"}


def values_statement(table: str, columns: Mapping[str, Kind], conflict: str) -> str:
    """One row of values, to be run for each."""
    holes = ", ".join("?" for _ in columns)
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({holes}) {conflict}"


def rows_statement(
    table: str, columns: Mapping[str, Kind], values: Sequence[Sequence[Any]], conflict: str
) -> tuple[str, list[Any]]:
    """All of at least one row at once, and the parameters: each column an array, one value of bytes that is cut, or,
    where all rows have the same, that."""
    taken, holes, names = [], [], []
    shared, written = list[Any](), list[Any]()
    for number, (kind, own) in enumerate(zip(columns.values(), values, strict=True)):
        if _is_one(kind, own):
            taken.append(f"?::{_TYPES[kind]}")
            shared.append(own[0])
        elif kind == "bytes":
            taken.append(f"substring(?::bytea FROM k.a{number} FOR k.b{number})")
            shared.append(b"".join(one for one in own if one is not None))
            names += [f"a{number}", f"b{number}"]
            holes += ["?::int[]", "?::int[]"]
            written += _cuts(own)
        else:
            taken.append(f"k.a{number}")
            names.append(f"a{number}")
            holes.append(f"?::{_TYPES[kind]}[]")
            written.append(_array(map(_WRITTEN[kind], own)))
    rows = f"unnest({', '.join(holes)}) AS k({', '.join(names)})" if names else "generate_series(1, ?::int)"
    if not names:
        written.append(len(values[0]))
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(taken)} FROM {rows} {conflict}",
        shared + written,
    )


def keyed_statement(table: str, keys: Mapping[str, Kind], wanted: Sequence[str]) -> str:
    """The rows of some keys, each column of which is an array (``arrays``)."""
    holes = ", ".join(f"?::{_TYPES[kind]}[]" for kind in keys.values())
    asked = ", ".join((*(f"k.{name}" for name in keys), *(f"t.{name}" for name in wanted)))
    alike = " AND ".join(f"t.{name} = k.{name}" for name in keys)
    return f"SELECT {asked} FROM unnest({holes}) AS k({', '.join(keys)}) JOIN {table} t ON {alike}"


@lru_cache(maxsize=64)
def each_statement(query: str, kinds: tuple[Kind, ...]) -> str:
    """A question that is asked for each of many keys, each ``?`` of it one column of these (``arrays``): the number of
    the key and the answer, in the order that the question asks for."""
    columns = iter([f"k.a{number}" for number in range(len(kinds))])
    asked = outside_texts(query, lambda part: _HOLE.sub(lambda _: next(columns), part))
    holes = ", ".join(f"?::{_TYPES[kind]}[]" for kind in kinds)
    names = ", ".join(f"a{number}" for number in range(len(kinds)))
    return f"SELECT k.n, t.* FROM unnest({holes}) WITH ORDINALITY AS k({names}, n) CROSS JOIN LATERAL ({asked}) t"


def arrays(kinds: Iterable[Kind], values: Iterable[Sequence[Any]]) -> list[str]:
    """Columns of values, each as PostgreSQL writes an array; its driver takes ten times as long to do so."""
    return [_array(map(_WRITTEN[kind], own)) for kind, own in zip(kinds, values, strict=True)]


def key_statement(table: str, keys: Mapping[str, Kind], wanted: Sequence[str]) -> str:
    """The row of one key, to be asked for each."""
    alike = " AND ".join(f"{name} = ?" for name in keys)
    return f"SELECT {', '.join((*keys, *wanted))} FROM {table} WHERE {alike}"


def _is_one(kind: Kind, own: Sequence[Any]) -> bool:
    """Whether all rows have the same value.  Numbers are compared as objects: 0.0 is not -0.0."""
    first = own[0]
    return all(one is first for one in own) or (kind == "text" and len(set(own)) == 1)


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
