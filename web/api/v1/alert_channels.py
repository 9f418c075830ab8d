"""Channels of alerts: webhooks and mailboxes, and the log of what was sent through them."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field

from appliance.alerts.channels import add_channel as add
from appliance.alerts.channels import find_channel, list_deliveries
from appliance.alerts.channels import list_channels as listed
from appliance.alerts.channels import remove_channel as remove
from appliance.alerts.models import AlertChannel
from web.api.contract import ADMINISTRATORS, READERS, Area, Call
from web.api.forms import SORT, Body, Key, Name, Out, Page, PageQuery
from web.api.paging import page

_CHANNELS: Final = "/workspaces/{slug}/alert-channels"
_DELIVERIES: Final = "/workspaces/{slug}/alert-deliveries"
_CHANNEL: Final = _CHANNELS + "/{channel_id}"
Kind = Literal["webhook", "email"]

alert_channels = Area("alert-channels", "Channels of alerts: webhooks, mailboxes, and what was sent.")


class ChannelPageQuery(PageQuery):
    """In which order."""

    sort: Literal["id", "-id"] = Field("id", description=SORT)


class ChannelIn(Body):
    """A new channel."""

    name: Name
    kind: Kind
    target: Annotated[str, Field(min_length=1, max_length=500)] = Field(
        description="Address of the webhook, at an origin that the appliance's settings name, or of the mailbox."
    )


class ChannelOut(Out):
    """A channel without its secret."""

    id: str
    name: str
    kind: Kind
    target: str
    created_at: str
    created_by: str
    removed_at: str | None
    removed_by: str | None


class ChannelMade(ChannelOut):
    """A new channel; of a webhook with the secret that its signatures are checked with, which is not shown again."""

    secret: str | None


class DeliveryPageQuery(PageQuery):
    """Which deliveries; filters are joined by 'and'."""

    sort: Literal["id", "-id"] = Field("-id", description=SORT)
    state: Literal["waiting", "delivered", "given_up"] | None = None
    channel: Key | None = Field(None, description="Id of the channel.")
    alert: Key | None = Field(None, description="Id of the alert.")


class DeliveryOut(Out):
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


@alert_channels.route(
    "GET", _CHANNELS, roles=READERS, query=ChannelPageQuery, answer=Page[ChannelOut], summary="Channels of alerts"
)
def list_alert_channels(call: Call) -> object:
    return page(call, lambda listing: listed(call.scope, listing))


@alert_channels.route(
    "POST", _CHANNELS, roles=ADMINISTRATORS, body=ChannelIn, answer=ChannelMade, status=201, errors=(409,),
    once="workspace", shows_secret=True, summary="Have alerts told",
)  # fmt: skip
def add_alert_channel(call: Call) -> dict[str, Any]:
    row, secret = add(call.scope, call.body.name, call.body.kind, call.body.target)
    call.made(f"alert-channels/{row.id}")
    return {**ChannelOut.model_validate(row).model_dump(), "secret": secret}


@alert_channels.route("GET", _CHANNEL, roles=READERS, answer=ChannelOut, summary="One channel")
def get_alert_channel(call: Call, channel_id: str) -> AlertChannel:
    return find_channel(call.scope, channel_id)


@alert_channels.route(
    "POST", f"{_CHANNEL}/remove", roles=ADMINISTRATORS, answer=ChannelOut, summary="Tell a channel nothing more"
)
def remove_alert_channel(call: Call, channel_id: str) -> AlertChannel:
    """What waits is given up, and the secret is destroyed."""
    return remove(call.scope, channel_id)


@alert_channels.route(
    "GET", _DELIVERIES, roles=READERS, query=DeliveryPageQuery, answer=Page[DeliveryOut], summary="What was sent"
)
def list_alert_deliveries(call: Call) -> object:
    asked = call.query
    filters = {"state": asked.state, "channel_id": asked.channel, "alert_id": asked.alert}
    return page(call, lambda listing: list_deliveries(call.scope, listing, **filters))
