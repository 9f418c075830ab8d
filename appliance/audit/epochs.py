"""A log that lost its end: it says so, takes a new name, and goes on with what is left.

A restore from a backup, or a fail-over to a copy that lagged, leaves a log without its last entries, while outsiders
may hold checkpoints over them.  Going on under the old name would be a fork.  So the log opens an *epoch*: its next
entry, ``log.epoch``, names the last checkpoint that it can still prove, and from then on its checkpoints carry the name
``.../epoch-2``.  Witnesses then cosign the new name from a state that they saw, and keep how much of it is gone
(``witness_state.Loss``).  Nothing is hidden by it: the entry and the loss stay for good.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any, Final

from appliance.audit.book import Book, Where, book_of
from appliance.audit.checkpoint import read_checkpoint
from appliance.audit.promises import EPOCH_ENTRY
from appliance.audit.recording import record
from appliance.audit.tables import Epoch
from appliance.core.clock import rfc3339
from appliance.core.faults import point
from appliance.errors import Conflict, InvalidInput, Modified
from appliance.tenancy.records import Principal

FIRST_EPOCH: Final = 1


def open_epoch(where: Where, reason: str, *, lost: bytes | None = None, by: Principal | None = None) -> int:
    """Let a log that lost its end go on under a new name; returns the index of the entry that says so.

    Parameters
    ----------
    lost : a checkpoint of this log that covers entries which are gone, if one is at hand; the entry then names it

    Raises
    ------
    InvalidInput : no reason is named
    Conflict : the log still leads to ``lost``: nothing is lost
    Modified : what is left fails its own validation, or ``lost`` is no checkpoint of this log
    """
    book = book_of(where)
    if not reason.strip():
        raise InvalidInput("log.epoch_reason", "A new epoch names its reason.", "Such as: restored from a backup.")
    named = _named(book, lost)
    with book.rows.transaction():
        kept = book.log.validate_since()
        last = book.log.tables.last_checkpoint()
        base = last.note if last else b""
        number = FIRST_EPOCH + 1 + len(book.log.tables.epochs())
        facts = {"epoch": number, "kept": kept.size, "previous": kept.origin, "reason": reason, **named}
        facts["base_size"] = last.size if last else 0
        index = record(book, EPOCH_ENTRY, {"base": sha256(base).hexdigest()}, facts, by=by)
        book.log.tables.add_epoch(Epoch(number, kept.size, base, rfc3339(book.clock())))
        point("audit.epoch")
    return index


def _named(book: Book, lost: bytes | None) -> dict[str, Any]:
    """What the entry says of a checkpoint over entries that are gone."""
    if lost is None:
        return {}
    state = book.log.promises.own(lost)
    try:
        book.log.require_state(lost)
    except Modified:
        return {"lost_size": state.size, "lost_root": read_checkpoint(lost)[0].root.hex()}
    raise Conflict("log.nothing_lost", f"The log still holds the {state.size} entries of this checkpoint.")
