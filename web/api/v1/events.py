"""Events of a workspace: asked for by number, or followed live with a ticket."""

from __future__ import annotations

from typing import Final

from pydantic import Field

from appliance.identity.tickets import LIFETIME_S, create_ticket
from appliance.queue.outbox import events_since, last_seq
from web.api.contract import READERS, Area, Call
from web.api.forms import JsonObject, Model, Out
from web.live import live_url

_WORKSPACE: Final = "/workspaces/{slug}"

events = Area("events", "What happened, numbered in its order.")


class EventQuery(Model):
    """Which events."""

    since: int = Field(0, ge=0, le=2**53 - 1, description="The number of the last event that is known.")
    limit: int = Field(200, ge=1, le=500)


class EventOut(Out):
    """One event."""

    seq: int
    at: str
    kind: str
    body: JsonObject


class EventsOut(Out):
    """Events in their order; ``last`` is the number of the latest one that there is."""

    items: list[EventOut]
    last: int


class TicketOut(Out):
    """A ticket for one connection to the live events, where the Authorization header cannot be sent."""

    ticket: str
    url: str = Field(description="The WebSocket's address; add 'since' to begin behind an event.")
    expires_in_s: int


@events.route("GET", f"{_WORKSPACE}/events", roles=READERS, query=EventQuery, answer=EventsOut, summary="Events since")
def list_events(call: Call) -> EventsOut:
    with call.scope:
        last, rows = last_seq(), events_since(call.query.since, call.query.limit)
    return EventsOut(items=[EventOut.model_validate(row) for row in rows], last=last)


@events.route(
    "POST",
    f"{_WORKSPACE}/live-tickets",
    roles=READERS,
    answer=TicketOut,
    status=201,
    asks=True,
    summary="A ticket for live events",
)
def create_live_ticket(call: Call) -> TicketOut:
    """The WebSocket of `/workspaces/{slug}/live` takes it once, as the query parameter `ticket`."""
    ticket = create_ticket(call.scope)
    return TicketOut(ticket=ticket, url=live_url(call.site.settings, call.scope.slug), expires_in_s=LIFETIME_S)
