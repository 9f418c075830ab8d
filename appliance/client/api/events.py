"""What happened, numbered in its order.

Written by ``make client`` from the OpenAPI document: change the route, never this file.
"""

from __future__ import annotations

from typing import Any, TypedDict

from appliance.client.calls import Calls


class EventOut(TypedDict):
    """One event."""

    seq: int
    at: str
    kind: str
    body: dict[str, Any]


class EventsOut(TypedDict):
    """Events in their order; `last` is the number of the latest one that there is."""

    items: list[EventOut]
    last: int


class TicketOut(TypedDict):
    """A ticket for one connection to the live events, where the Authorization header cannot be sent."""

    ticket: str
    url: str
    expires_in_s: int


class Events:
    """What happened, numbered in its order."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def list_events(
        self, *, since: int | None = None, limit: int | None = None, held: EventsOut | None = None
    ) -> EventsOut:
        """Events since.

        Parameters
        ----------
        since : the number of the last event that is known
        held : what the caller holds already; given back where it is unchanged
        """
        record: EventsOut = self._calls.get(
            f"{self._calls.workspace}/events", held, query={"since": since, "limit": limit}
        )
        return record

    def create_live_ticket(self) -> TicketOut:
        """A ticket for live events.

        The WebSocket of `/workspaces/{slug}/live` takes it once, as the query parameter `ticket`.
        """
        record: TicketOut = self._calls.act("POST", f"{self._calls.workspace}/live-tickets")
        return record
