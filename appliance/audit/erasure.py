"""Erasing a person: their key, and all that it opens, is destroyed; the log says that it was, and stays provable.

In one transaction: the entry ``person.erased`` (the indices of the entries that held commitments about the person, the
legal basis, who approved), then the key, the profile and every salt and value go.  The database zeroes what it deletes
(``secure_delete``), and its write-ahead log is emptied at once where nobody is reading.  To erase the same person once
more changes nothing and empties the write-ahead log again.  PostgreSQL overwrites what was deleted when it next vacuums
the table, and its write-ahead log as it comes round.

What this cannot reach: backups keep wrapped keys until their own retention ends, and flash memory may keep old
blocks; the disk's encryption is what protects those.
"""

from __future__ import annotations

from typing import Any, Final

from appliance.audit.book import Book, Where, book_of
from appliance.audit.openings import openings_of
from appliance.audit.persons import Person, find_person
from appliance.audit.recording import record
from appliance.core.clock import rfc3339
from appliance.core.faults import point
from appliance.errors import Conflict, InvalidInput, NotFound
from appliance.tenancy.records import Principal

ERASED: Final = "person.erased"
HELD: Final = "person.held"
RELEASED: Final = "person.released"
#: Indices that fit into one entry: up to 10 digits and a comma each, in 65,535 bytes.
_INDICES_AN_ENTRY: Final = 5_000


def erase(where: Where, person_id: str, *, legal_basis: str, approver: Principal) -> int:
    """Forget a person; returns the index of the (first) entry that says so.

    Raises
    ------
    NotFound : there is no such person
    Conflict : the person is held, or was erased before, or is the approver
    InvalidInput : no legal basis is named
    """
    book = book_of(where)
    if not legal_basis.strip():
        raise InvalidInput("person.legal_basis", "An erasure names its legal basis.", "Such as: GDPR Art. 17(1)(a).")
    if approver.id == person_id:
        raise Conflict("person.approver", "Nobody approves the erasure of themselves.")
    try:
        with book.rows.transaction():
            person = _erasable(book, person_id)
            entry = _record_erasure(book, person, legal_basis, approver)
            _destroy(book, person_id, entry)
            point("audit.erased")
        point("audit.forgotten")
    finally:  # also where the person was erased before: a crash may have left the write-ahead log as it was
        if not book.rows.in_transaction:
            book.rows.scrub()
    return entry


def hold(where: Where, person_id: str, reason: str) -> int:
    """Forbid the erasure of a person (a legal hold); returns the index of the entry that says so.

    Raises
    ------
    NotFound : there is no such person
    Conflict : the person was erased, or is held already
    InvalidInput : no reason is named
    """
    book = book_of(where)
    if not reason.strip():
        raise InvalidInput("person.hold_reason", "A legal hold names its reason.")
    with book.rows.transaction():
        _erasable(book, person_id)
        _set_hold(book, person_id, rfc3339(book.clock()), reason)
        return record(book, HELD, facts={"reason": reason}, personal={"person": person_id}, person=person_id)


def release(where: Where, person_id: str, reason: str) -> int:
    """End a legal hold; returns the index of the entry that says so.

    Raises
    ------
    NotFound : there is no such person
    Conflict : the person is not held
    """
    book = book_of(where)
    with book.rows.transaction():
        if _known(book, person_id).held_at is None:
            raise Conflict("person.not_held", "This person is not held.")
        _set_hold(book, person_id, None, None)
        return record(book, RELEASED, facts={"reason": reason}, personal={"person": person_id}, person=person_id)


def _record_erasure(book: Book, person: Person, legal_basis: str, approver: Principal) -> int:
    """One entry, or more where a person stands in more entries than one entry can name."""
    indices = sorted({index for _, index, _ in openings_of(book, person.id)})
    parts = [indices[at : at + _INDICES_AN_ENTRY] for at in range(0, len(indices), _INDICES_AN_ENTRY)] or [[]]
    written = []
    for number, part in enumerate(parts, 1):
        facts: dict[str, Any] = {"legal_basis": legal_basis, "records": part}
        facts |= {"part": number, "parts": len(parts)} if len(parts) > 1 else {}
        written.append(record(book, ERASED, facts=facts, by=approver))
    return written[0]


def _destroy(book: Book, person_id: str, entry: int) -> None:
    tags = [tag for tag, _, _ in openings_of(book, person_id)]
    forget = "UPDATE personal_opening SET tag = NULL, holder = NULL, sealed = NULL, erased_entry = ? WHERE tag = ?"
    book.rows.write(forget, [(entry, tag) for tag in tags])
    moment = rfc3339(book.clock())
    book.rows.write(
        "UPDATE person SET wrapped_key = NULL, profile = NULL, erased_at = ?, erased_entry = ? WHERE id = ?",
        [(moment, entry, person_id)],
    )


def _erasable(book: Book, person_id: str) -> Person:
    person = _known(book, person_id)
    if person.erased_at is not None:
        raise Conflict("person.erased", f"This person was erased on {person.erased_at}: entry {person.erased_entry}.")
    if person.held_at is not None:
        raise Conflict(
            "person.held",
            f"A legal hold since {person.held_at} forbids the erasure: {person.hold_reason}.",
            "Release the hold first.",
        )
    return person


def _known(book: Book, person_id: str) -> Person:
    person = find_person(book, person_id)
    if person is None:
        raise NotFound("person.unknown", "There is no such person.")
    return person


def _set_hold(book: Book, person_id: str, moment: str | None, reason: str | None) -> None:
    book.rows.write("UPDATE person SET held_at = ?, hold_reason = ? WHERE id = ?", [(moment, reason, person_id)])
