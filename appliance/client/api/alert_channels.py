"""Channels of alerts: webhooks, mailboxes, and what was sent.

Written by ``make client`` from the OpenAPI document: change the route, never this file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypedDict

from appliance.client.calls import Calls, quoted


class ChannelMade(TypedDict):
    """A new channel; of a webhook with the secret that its signatures are checked with, which is not shown again."""

    id: str
    name: str
    kind: Literal["webhook", "email"]
    target: str
    created_at: str
    created_by: str
    removed_at: str | None
    removed_by: str | None
    secret: str | None


class ChannelOut(TypedDict):
    """A channel without its secret."""

    id: str
    name: str
    kind: Literal["webhook", "email"]
    target: str
    created_at: str
    created_by: str
    removed_at: str | None
    removed_by: str | None


class DeliveryOut(TypedDict):
    """One event of one alert on its way through one channel."""

    id: str
    channel_id: str
    alert_id: str
    event: str
    state: Literal["waiting", "delivered", "given_up"]
    attempts: int
    not_before: str
    last_answer: str
    created_at: str
    finished_at: str | None


class AlertChannels:
    """Channels of alerts: webhooks, mailboxes, and what was sent."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def list_alert_channels(
        self, *, sort: Literal["id", "-id"] | None = None, at_most: int | None = None
    ) -> Iterator[ChannelOut]:
        """Channels of alerts.

        Parameters
        ----------
        sort : order; '-' puts the greatest first, equal ones follow their making ('id')
        at_most : how many to take; None: all
        """
        return self._calls.pages(f"{self._calls.workspace}/alert-channels", at_most=at_most, query={"sort": sort})

    def add_alert_channel(
        self, *, name: str, kind: Literal["webhook", "email"], target: str, idempotency_key: str | None = None
    ) -> ChannelMade:
        """Have alerts told.

        Parameters
        ----------
        target : address of the webhook, at an origin that the appliance's settings name, or of the mailbox
        idempotency_key : whoever repeats the call under its key gets the same answer; None: a new one
        """
        record: ChannelMade = self._calls.once(
            f"{self._calls.workspace}/alert-channels",
            idempotency_key,
            body={"name": name, "kind": kind, "target": target},
        )
        return record

    def get_alert_channel(self, channel_id: str, *, held: ChannelOut | None = None) -> ChannelOut:
        """One channel.

        Parameters
        ----------
        held : what the caller holds already; given back where it is unchanged
        """
        record: ChannelOut = self._calls.get(f"{self._calls.workspace}/alert-channels/{quoted(channel_id)}", held)
        return record

    def remove_alert_channel(self, channel_id: str) -> ChannelOut:
        """Tell a channel nothing more. What waits is given up, and the secret is destroyed."""
        record: ChannelOut = self._calls.act(
            "POST", f"{self._calls.workspace}/alert-channels/{quoted(channel_id)}/remove"
        )
        return record

    def list_alert_deliveries(
        self,
        *,
        sort: Literal["id", "-id"] | None = None,
        state: Literal["waiting", "delivered", "given_up"] | None = None,
        channel: str | None = None,
        alert: str | None = None,
        at_most: int | None = None,
    ) -> Iterator[DeliveryOut]:
        """What was sent.

        Parameters
        ----------
        sort : order; '-' puts the greatest first, equal ones follow their making ('id')
        channel : id of the channel
        alert : id of the alert
        at_most : how many to take; None: all
        """
        return self._calls.pages(
            f"{self._calls.workspace}/alert-deliveries",
            at_most=at_most,
            query={"sort": sort, "state": state, "channel": channel, "alert": alert},
        )
