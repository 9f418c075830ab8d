"""What opens the commitments in log entries: sealed under the person's key, found without naming anybody.

A row can be found in two ways, by keyed hashes alone.  ``place`` comes from the entry and the field: an export asks
what opens *this* commitment.  ``tag`` comes from the person's key and a running number: an erasure asks for all of
*this* person.  Without the keys nobody can tell which rows belong together; after an erasure nobody can at all.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from appliance.audit.book import Book, Where, book_of
from appliance.audit.entry import read_entry
from appliance.audit.personal import Opening, verify_opening
from appliance.audit.persons import find_person, key_of
from appliance.core.canonical import canonical_bytes, loads_strict
from appliance.crypto.aead import new_key, open_small, seal_small
from appliance.errors import Modified, NotFound

_HOLDER: Final = "holder of an opening"
_OPENING: Final = "opening"
_PLACES: Final = "places"


@dataclass(frozen=True)
class Erased:
    """In the place of an opening that was destroyed: since when, and the entry of the log that says so."""

    name: str
    erased_at: str
    entry: int

    def __str__(self) -> str:
        return f"erased on {self.erased_at}, entry {self.entry}"


def keep_opening(book: Book, person_id: str, index: int, opening: Opening) -> None:
    """Seal what opens a commitment of entry ``index``, in the caller's transaction.

    Raises
    ------
    NotFound : there is no such person any more
    """
    key = key_of(book, person_id)
    [(number,)] = book.rows.fetch("SELECT records FROM person WHERE id = ?", person_id)
    said = {"field": opening.name, "index": index, "salt": opening.salt.hex(), "value": opening.value}
    sealed = seal_small(key, canonical_bytes(said), _OPENING)
    holder = book.wrap(person_id.encode(), _HOLDER)
    row = (_place(book, index, opening.name), _tag(key, number), holder, sealed)
    book.rows.write("INSERT INTO personal_opening (place, tag, holder, sealed) VALUES (?, ?, ?, ?)", [row])
    book.rows.write("UPDATE person SET records = ? WHERE id = ?", [(number + 1, person_id)])


def disclose(where: Where, index: int) -> dict[str, Opening | Erased]:
    """What opens each personal field of an entry, or since when nothing does.  The openings are verified.

    Raises
    ------
    NotFound : the log has no such entry
    Modified : an opening is missing without an erasure, or opens something else
    """
    book = book_of(where)
    committed = read_entry(book.log.entry(index)).personal
    found = {name: _opening(book, index, name) for name in sorted(committed)}
    for name, opening in found.items():
        if isinstance(opening, Opening):
            verify_opening(opening, committed[name])
    return found


def openings_of(book: Book, person_id: str) -> Iterator[tuple[bytes, int, Opening]]:
    """(tag, index of the entry, opening) of everything under a person's key."""
    key, person = key_of(book, person_id), find_person(book, person_id)
    for number in range(person.records if person else 0):
        tag = _tag(key, number)
        found = book.rows.fetch("SELECT sealed FROM personal_opening WHERE tag = ?", tag)
        if not found:
            raise Modified("personal.missing", "What opens a commitment about this person is gone without an erasure.")
        index, opening = _opened(key, bytes(found[0][0]))
        yield tag, index, opening


def _opening(book: Book, index: int, name: str) -> Opening | Erased:
    sql = "SELECT holder, sealed, erased_entry FROM personal_opening WHERE place = ?"
    found = book.rows.fetch(sql, _place(book, index, name))
    if not found:
        raise Modified("personal.missing", f"What opens '{name}' of entry {index} is gone without an erasure.")
    holder, sealed, erased = found[0]
    if erased is not None:
        return Erased(name, read_entry(book.log.entry(erased)).time, erased)
    key = key_of(book, book.unwrap(bytes(holder), _HOLDER).decode())
    return _opened(key, bytes(sealed))[1]


def _opened(key: bytes, sealed: bytes) -> tuple[int, Opening]:
    said = loads_strict(open_small(key, sealed, _OPENING))
    return said["index"], Opening(said["field"], bytes.fromhex(said["salt"]), said["value"])


def _place(book: Book, index: int, name: str) -> bytes:
    return hmac.digest(_places_key(book), f"{index}\0{name}".encode(), sha256)


def _tag(key: bytes, number: int) -> bytes:
    return hmac.digest(key, f"record {number}".encode(), sha256)


def _places_key(book: Book) -> bytes:
    """The key of this database that places are hashed under; made at its first use."""
    sql = "SELECT wrapped FROM personal_secret WHERE name = ?"
    found = book.rows.fetch(sql, _PLACES)
    if not found:
        with book.rows.transaction():
            if not book.rows.fetch(sql, _PLACES):
                wrapped = book.wrap(new_key(), _PLACES)
                book.rows.write("INSERT INTO personal_secret (name, wrapped) VALUES (?, ?)", [(_PLACES, wrapped)])
        found = book.rows.fetch(sql, _PLACES)
    if not found:
        raise NotFound("personal.places", "The key of the openings cannot be kept.")
    return book.unwrap(bytes(found[0][0]), _PLACES)
