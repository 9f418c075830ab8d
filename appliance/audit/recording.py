"""Recording what happened: one entry in the log, in the transaction of what happened.

The entry says who acted (``facts.by``: id, kind and role; of a person only kind and role, because no id of a person
stands in an entry) and when.  The time never runs backwards in the log: under a clock that was set back an entry takes
the time of the one before, and says by how much the clock stood behind (``facts.clock_behind_s``).
Personal fields become commitments; what opens them is sealed beside the log under the person's key.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from appliance.audit.book import Book, Where, book_of
from appliance.audit.entry import Entry
from appliance.audit.openings import keep_opening
from appliance.audit.personal import Opening, commitment, open_value
from appliance.audit.persons import create_person, find_person
from appliance.core.clock import rfc3339
from appliance.core.faults import point
from appliance.errors import InvalidInput
from appliance.tenancy.records import Principal

BY: Final = "by"
CLOCK_BEHIND: Final = "clock_behind_s"
#: The kind of principals who are people.
_PERSON_KIND: Final = "user"


def record(
    where: Where,
    kind: str,
    subjects: Mapping[str, str] | None = None,
    facts: Mapping[str, Any] | None = None,
    personal: Mapping[str, str] | None = None,
    person: str | None = None,
    *,
    by: Principal | None = None,
) -> int:
    """Write an entry into the log of a workspace (a scope) or of the control plane (a site); returns its index.

    It joins the caller's transaction: what happened and its entry are durable together.

    Parameters
    ----------
    kind : what happened, dotted lower case: ``scan.received``
    subjects : role -> lower-case hex SHA-256 of what it happened to
    facts : JSON without floats; measured values are decimal strings with a unit
    personal : field -> value about ``person``, an id of ``persons``: only commitments reach the log
    by : who acted, where it is not the scope's principal

    Raises
    ------
    InvalidInput : a field of another form, a reserved fact, or personal values without a person
    NotFound : there is no such person, or the person was erased
    """
    book = book_of(where)
    actor = by or book.principal
    _refuse_reserved(facts or {}, personal or {}, person)
    with book.rows.transaction():
        openings = [(person or "", open_value(name, value)) for name, value in (personal or {}).items()]
        openings += _of_actor(book, actor)
        now = book.clock()
        noted = {**(facts or {}), BY: _actor(actor), **_clock_behind(now, book.log.tables.last().time)}
        committed = {opening.name: commitment(opening) for _, opening in openings}
        index = book.log.append(Entry(kind, now, subjects or {}, noted, committed))
        for holder, opening in openings:
            keep_opening(book, holder, index, opening)
        point("audit.recorded")
    return index


def _actor(principal: Principal) -> dict[str, str]:
    named = {} if principal.kind == _PERSON_KIND else {"id": principal.id}
    return {**named, "kind": principal.kind, "role": principal.role}


def _of_actor(book: Book, principal: Principal) -> list[tuple[str, Opening]]:
    """The commitment to which person acted, where a person did; the person's key is made at the first act."""
    if principal.kind != _PERSON_KIND:
        return []
    if find_person(book, principal.id) is None:
        create_person(book, {"name": principal.label}, principal.id)
    return [(principal.id, open_value(BY, principal.id))]


def _clock_behind(now: datetime, last: str) -> dict[str, int]:
    if rfc3339(now) >= last:
        return {}
    return {CLOCK_BEHIND: int((datetime.fromisoformat(last) - now.replace(microsecond=0)).total_seconds())}


def _refuse_reserved(facts: Mapping[str, Any], personal: Mapping[str, str], person: str | None) -> None:
    if {BY, CLOCK_BEHIND} & facts.keys() or BY in personal:
        raise InvalidInput("record.reserved", f"'{BY}' and '{CLOCK_BEHIND}' are written by the log itself.")
    if personal and not person:
        raise InvalidInput("record.person", "Personal values belong to a person.", "Name whose they are.")
