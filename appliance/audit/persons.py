"""Persons, as far as the log knows them: a key each, under which everything about them is sealed.

A person's name, and what opens the commitments in log entries about them, is readable with this key only.  Destroying
it (``erasure``) forgets them; a legal hold forbids that.  The id says nothing about the person, and stands in no entry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from appliance.audit.book import Book, Where, book_of
from appliance.core.canonical import canonical_bytes, loads_strict
from appliance.core.clock import rfc3339
from appliance.core.ids import new_id
from appliance.crypto.aead import new_key, open_small, seal_small
from appliance.errors import Conflict, NotFound

_PROFILE = "profile"


@dataclass(frozen=True)
class Person:
    """What is kept about a person in the clear.

    Attributes
    ----------
    records : the number of commitments under the person's key
    held_at, hold_reason : since when and why a legal hold forbids erasure; None: there is none
    erased_at, erased_entry : when the person was erased, and the log entry that says so
    """

    id: str
    records: int
    created_at: str
    held_at: str | None
    hold_reason: str | None
    erased_at: str | None
    erased_entry: int | None


_COLUMNS = "id, records, created_at, held_at, hold_reason, erased_at, erased_entry"


def create_person(where: Where, profile: Mapping[str, str], person_id: str | None = None) -> str:
    """A new person with a key of their own; ``profile`` (name, badge) is sealed under it.  Returns the id.

    Raises
    ------
    Conflict : there is a person with this id
    """
    book, key, chosen = book_of(where), new_key(), person_id or new_id("per")
    row = (chosen, book.wrap(key, _context(chosen)), _sealed(key, profile), rfc3339(book.clock()))
    with book.rows.transaction():
        if find_person(book, chosen):
            raise Conflict("person.exists", "There is a person with this id.")
        book.rows.write("INSERT INTO person (id, wrapped_key, profile, created_at) VALUES (?, ?, ?, ?)", [row])
    return chosen


def find_person(where: Where, person_id: str) -> Person | None:
    """The person with this id, erased or not; None if there never was one."""
    found = book_of(where).rows.fetch(f"SELECT {_COLUMNS} FROM person WHERE id = ?", person_id)
    return Person(*found[0]) if found else None


def persons(where: Where) -> list[Person]:
    """Everybody, in the order of their ids (which is that of their making)."""
    return [Person(*row) for row in book_of(where).rows.fetch(f"SELECT {_COLUMNS} FROM person ORDER BY id")]


def profile_of(where: Where, person_id: str) -> dict[str, str]:
    """What was said about the person.

    Raises
    ------
    NotFound : there is no such person, or the person was erased
    """
    book = book_of(where)
    key = key_of(book, person_id)
    [(sealed,)] = book.rows.fetch("SELECT profile FROM person WHERE id = ?", person_id)
    profile: dict[str, str] = loads_strict(open_small(key, bytes(sealed), _PROFILE))
    return profile


def change_profile(where: Where, person_id: str, profile: Mapping[str, str]) -> None:
    """Say something else about the person; raises as ``profile_of`` does."""
    book = book_of(where)
    with book.rows.transaction():
        sealed = _sealed(key_of(book, person_id), profile)
        book.rows.write("UPDATE person SET profile = ? WHERE id = ?", [(sealed, person_id)])


def key_of(book: Book, person_id: str) -> bytes:
    """The person's key.

    Raises
    ------
    NotFound : there is no such person, or the person was erased
    """
    found = book.rows.fetch("SELECT wrapped_key, erased_at, erased_entry FROM person WHERE id = ?", person_id)
    if not found:
        raise NotFound("person.unknown", "There is no such person.")
    wrapped, erased_at, entry = found[0]
    if wrapped is None:
        raise NotFound("person.erased", f"This person was erased on {erased_at}: entry {entry} of the log.")
    return book.unwrap(bytes(wrapped), _context(person_id))


def _sealed(key: bytes, profile: Mapping[str, str]) -> bytes:
    return seal_small(key, canonical_bytes(dict(profile)), _PROFILE)


def _context(person_id: str) -> str:
    return f"person {person_id}"
