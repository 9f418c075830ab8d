"""Events of a workspace, numbered in the order of their commits: the outbox.

An event is written in the transaction that makes it true, so it is there exactly when the change is.  The number is
told over Redis after the commit; who missed that asks for everything after the last number that it knows.  Writers
of one workspace follow one another (``BEGIN IMMEDIATE``), so numbers become visible in their order and without gaps
that would fill later.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, Final

from peewee import AutoField, TextField

from appliance.core.canonical import canonical_bytes
from appliance.core.clock import rfc3339_us, utc_now
from appliance.db.models import WorkspaceModel

#: Events that one question returns at most.
PAGE: Final = 500

_emitted: ContextVar[int | None] = ContextVar("emitted_seq", default=None)


class Event(WorkspaceModel):
    """One event: ``kind`` such as ``inspection.recorded``, ``body`` as canonical JSON.  It is never changed."""

    seq = AutoField()
    at = TextField()
    kind = TextField()
    body = TextField()

    class Meta:
        table_name = "outbox"


def emit(kind: str, body: dict[str, Any]) -> int:
    """Write an event in the current transaction of the current workspace; returns its number.

    Raises
    ------
    InvalidInput : the body has no canonical JSON
    ScopeMissing : no workspace is open
    """
    text = canonical_bytes(body).decode()
    event = Event.create(at=rfc3339_us(utc_now()), kind=kind, body=text)
    _emitted.set(int(event.seq))
    return int(event.seq)


def take_emitted() -> int | None:
    """The number of the last event of this context since the last call: what to announce after the commit."""
    seq = _emitted.get()
    _emitted.set(None)
    return seq


def events_since(seq: int, limit: int = PAGE) -> list[Event]:
    """Events of the current workspace after ``seq``, in their order, ``limit`` at most."""
    return list(Event.select().where(Event.seq > seq).order_by(Event.seq).limit(min(limit, PAGE)))


def last_seq() -> int:
    """The number of the latest event of the current workspace; 0 where there is none."""
    latest = Event.select(Event.seq).order_by(Event.seq.desc()).first()
    return int(latest.seq) if latest else 0
