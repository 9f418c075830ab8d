"""Entries of the audit log: small canonical JSON records that name large things by their SHA-256.

    {"facts": {...}, "kind": "inspection.judged", "personal": {...}, "prev": "...", "subjects": {"scan": "..."},
     "time": "2026-03-01T12:00:00Z"}

``prev`` is the leaf hash of the entry before (64 zeros in the first one): the plain hash chain, besides the
tree.  ``personal`` holds commitments, never personal data itself (see ``personal``).  Measured values in
``facts`` are decimal strings.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from appliance.core.canonical import canonical_bytes, loads_strict
from appliance.core.clock import rfc3339
from appliance.errors import InvalidInput, Modified

#: The bound of tlog-tiles: an entry is prefixed by its length in 16 bits.
ENTRY_LIMIT_BYTES: Final = 65_535
NO_PREVIOUS: Final = "0" * 64

_KIND: Final = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)+")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_FIELDS: Final = {"facts", "kind", "personal", "prev", "subjects", "time"}


@dataclass(frozen=True)
class Entry:
    """One event, before it has its place in the log.

    Attributes
    ----------
    kind : what happened, dotted lower case: ``inspection.judged``, ``key.rotated``
    time : when, aware
    subjects : role -> lower-case hex SHA-256 of what it happened to
    facts : JSON of ints, strings, booleans, null, lists and objects; no floats
    personal : field -> commitment, hex (``personal.commitment``)
    """

    kind: str
    time: datetime
    subjects: Mapping[str, str]
    facts: Mapping[str, Any] = field(default_factory=dict)
    personal: Mapping[str, str] = field(default_factory=dict)

    def after(self, previous_leaf_hash: bytes | None) -> bytes:
        """The bytes of this entry in its place: after the entry with that leaf hash, or first.

        Raises
        ------
        InvalidInput : fields of another form, floats, or more than 65,535 bytes
        """
        _refuse_floats(self.facts)
        record = {
            "facts": dict(self.facts),
            "kind": self.kind,
            "personal": dict(self.personal),
            "prev": previous_leaf_hash.hex() if previous_leaf_hash else NO_PREVIOUS,
            "subjects": dict(self.subjects),
            "time": rfc3339(self.time),
        }
        data = canonical_bytes(_checked(record))
        if len(data) > ENTRY_LIMIT_BYTES:
            raise InvalidInput("entry.size", f"The entry has {len(data)} bytes; a log entry has at most 65,535.")
        return data


@dataclass(frozen=True)
class LoggedEntry:
    """An entry as the log holds it. ``time`` is RFC 3339, UTC."""

    kind: str
    time: str
    prev: str
    subjects: Mapping[str, str]
    facts: Mapping[str, Any]
    personal: Mapping[str, str]


def read_entry(data: bytes) -> LoggedEntry:
    """Read an entry's bytes strictly.

    Raises
    ------
    Modified : they are not the canonical bytes of an entry
    """
    try:
        record = _checked(loads_strict(data))
        if len(data) > ENTRY_LIMIT_BYTES or canonical_bytes(record) != data:
            raise InvalidInput("entry.spelling", "It is not in its one canonical spelling.")
    except InvalidInput as error:
        raise Modified("entry.form", f"This is not an entry of the log: {error.message}") from error
    return LoggedEntry(**record)


def _checked(record: Any) -> dict[str, Any]:
    if not isinstance(record, dict) or set(record) != _FIELDS:
        raise InvalidInput("entry.fields", f"An entry has the fields {', '.join(sorted(_FIELDS))}.")
    for name, form in (("kind", _KIND), ("prev", _SHA256), ("time", _TIME)):
        if not isinstance(record[name], str) or not form.fullmatch(record[name]):
            raise InvalidInput("entry.field", f"The entry's {name} has another form.")
    for name in ("subjects", "personal"):
        if not isinstance(record[name], dict) or not all(map(_is_sha256, record[name].values())):
            raise InvalidInput("entry.field", f"The entry's {name} are not named SHA-256 values.")
    if not isinstance(record["facts"], dict):
        raise InvalidInput("entry.field", "The entry's facts are not a JSON object.")
    return record


def _is_sha256(value: Any) -> bool:
    return isinstance(value, str) and _SHA256.fullmatch(value) is not None


def _refuse_floats(value: Any) -> None:
    if isinstance(value, float):
        raise InvalidInput("entry.float", "Measured values in the log are decimal strings with a unit, never floats.")
    nested = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    for one in nested:
        _refuse_floats(one)
