"""One SQL for two databases: migrations and plain queries are written for SQLite and said again for PostgreSQL.

What differs is little and is translated by rule, so that both schemas are one text and cannot drift apart:

- types: ``INTEGER`` (64 bits in SQLite) is ``BIGINT``, ``BLOB`` is ``BYTEA``, ``AUTOINCREMENT`` an identity column;
  a ``PACKED BLOB`` (a blob in SQLite too) is often changed and not worth compressing, which is said to the server;
  ``TEXT`` is compared byte by byte, whatever the language of the server, as SQLite compares it;
- a trigger that refuses (``RAISE(ABORT, ...)``) becomes a function of the same name and the trigger that calls it;
- the parameters of plain queries are ``?``; PostgreSQL's driver writes ``%s``, the server itself ``$1``.

Whatever a rule does not know is refused, not guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import count
from typing import Final

from appliance.errors import Misconfigured

_TRIGGER: Final = re.compile(
    r"CREATE TRIGGER (?P<name>\w+) BEFORE (?P<event>INSERT|UPDATE|DELETE) ON (?P<table>\w+)\s*"
    r"(?:WHEN (?P<when>.+?)\s*)?BEGIN\s+SELECT RAISE\(ABORT, '(?P<message>[^'%]+)'\);\s*END;?",
    re.DOTALL,
)
_COMMENT: Final = re.compile(r"--[^\n]*")
_TYPES: Final = (
    (re.compile(r"\bINTEGER PRIMARY KEY AUTOINCREMENT\b"), "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"),
    (re.compile(r"\bINTEGER\b"), "BIGINT"),
    (re.compile(r"\b(PACKED )?BLOB\b"), "BYTEA"),
    (re.compile(r"\bTEXT\b"), 'TEXT COLLATE "C"'),
)
_PACKED: Final = re.compile(r"\b(\w+) PACKED BLOB\b")
_TABLE: Final = re.compile(r"CREATE TABLE (\w+)")
#: What only SQLite understands; a migration that holds it has no meaning here.
_FOREIGN: Final = re.compile(r"\b(AUTOINCREMENT|PRAGMA|RAISE|WITHOUT ROWID|REPLACE INTO|ATTACH)\b", re.IGNORECASE)
_TEXT: Final = re.compile(r"('(?:[^']|'')*')")
_PARAMETER: Final = re.compile(r"\?")


def postgresql_of(statement: str) -> Iterator[str]:
    """The statements of PostgreSQL that say what one statement of a migration says.

    Raises
    ------
    Misconfigured : it says something that has no rule
    """
    plain = _COMMENT.sub("", statement).strip()
    if plain.startswith("CREATE TRIGGER"):
        yield from _trigger(plain)
        return
    packed, table = _PACKED.findall(plain), _TABLE.match(plain)
    for pattern, replacement in _TYPES:
        plain = pattern.sub(replacement, plain)
    if found := _FOREIGN.search(plain):
        raise Misconfigured("schema.dialect", f"PostgreSQL has no form of '{found[0]}' in {plain[:60]!r}.")
    yield plain
    if table:
        yield from (f"ALTER TABLE {table[1]} ALTER {column} SET STORAGE EXTERNAL" for column in packed)


def _trigger(plain: str) -> Iterator[str]:
    """A function that refuses, and the trigger that calls it for every row."""
    match = _TRIGGER.fullmatch(plain)
    if match is None:
        raise Misconfigured("schema.dialect", f"PostgreSQL has no form of {plain[:60]!r}.")
    name, event, table, when, message = match.group("name", "event", "table", "when", "message")
    refusal = f"RAISE EXCEPTION '{message}' USING ERRCODE = 'integrity_constraint_violation';"
    body = f"IF {when} THEN {refusal} END IF;" if when else refusal
    row = "OLD" if event == "DELETE" else "NEW"
    yield f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN {row}; END $$"
    yield f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()"


@lru_cache(maxsize=1024)
def placeholders(sql: str) -> str:
    """Plain SQL with ``?`` as PostgreSQL's driver takes it; text in quotes stays as it is."""
    return outside_texts(sql.replace("%", "%%"), lambda part: part.replace("?", "%s"))


def numbered(sql: str) -> str:
    """Plain SQL with ``?`` as the server itself takes it (``$1``); text in quotes stays as it is."""
    numbers = count(1)
    return outside_texts(sql, lambda part: _PARAMETER.sub(lambda _: f"${next(numbers)}", part))


def outside_texts(sql: str, change: Callable[[str], str]) -> str:
    """Plain SQL changed wherever it is no text in quotes, from its beginning on."""
    return "".join(part if part.startswith("'") else change(part) for part in _TEXT.split(sql))
