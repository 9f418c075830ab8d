"""Channels: the webhooks and mailboxes that hear of a workspace's alerts.

A webhook goes to an origin that the appliance's settings name, and nowhere else: whoever may add one in a workspace
cannot make the appliance call whatever is reachable from it.
"""

from __future__ import annotations

import re
from base64 import b64encode
from secrets import token_bytes
from typing import Final
from urllib.parse import urlsplit

from appliance.alerts.models import DELIVERED, GIVEN_UP, WAITING, Alert, AlertChannel, AlertDelivery
from appliance.audit.book import book_of
from appliance.audit.recording import record
from appliance.config.settings import Settings
from appliance.core.canonical import canonical_bytes, loads_strict
from appliance.core.clock import rfc3339_us, utc_now
from appliance.core.ids import new_id
from appliance.db.listing import NEWEST, WHOLE, Listing, equal
from appliance.errors import Conflict, InvalidInput, NotFound
from appliance.plant.repository import checked_name, insert, page
from appliance.tenancy.scope import WorkspaceScope

WEBHOOK: Final = "webhook"
EMAIL: Final = "email"
#: How a secret is spelled (Standard Webhooks): this and base 64 of 32 bytes.
SECRET_PREFIX: Final = "whsec_"
_SECRET_BYTES: Final = 32
_URL_CHARACTERS: Final = 500
_ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*", re.ASCII)
_PORTS: Final = {"https": 443, "http": 80}


def add_channel(scope: WorkspaceScope, name: str, kind: str, target: str) -> tuple[AlertChannel, str | None]:
    """A new channel, and the secret that its webhook's signatures are checked with, which is not shown again.

    Raises
    ------
    InvalidInput : the name or the target cannot be used
    Conflict : the name is taken, or the appliance's settings name no such origin or no mail server
    """
    chosen, settings = checked_name(name, "channel"), scope.settings
    if kind == WEBHOOK:
        require_origin(target, settings)
        key: bytes | None = token_bytes(_SECRET_BYTES)
    else:
        _require_mailbox(target, settings)
        key = None
    channel_id = new_id("chn")
    wrapped = None if key is None else book_of(scope).wrap(key, context_of(channel_id))
    with scope.transaction():
        row = insert(
            AlertChannel, "channel", chosen, id=channel_id, name=chosen, kind=kind, target=target, secret=wrapped,
            created_at=rfc3339_us(utc_now()), created_by=scope.principal.id,
        )  # fmt: skip
        record(scope, "alert_channel.added", {}, {"channel": row.id, "name": chosen, "kind": kind})
    return row, None if key is None else SECRET_PREFIX + b64encode(key).decode()


def remove_channel(scope: WorkspaceScope, channel_id: str) -> AlertChannel:
    """Tell it nothing more; what waits is given up.

    Raises
    ------
    NotFound : there is none of that id in this workspace
    """
    now = rfc3339_us(utc_now())
    with scope.transaction():
        row = find_channel(scope, channel_id)
        if row.removed_at is None:
            gone = {"removed_at": now, "removed_by": scope.principal.id, "secret": None}
            AlertChannel.update(**gone).where(AlertChannel.id == row.id).execute()
            ended = {"state": GIVEN_UP, "finished_at": now, "last_answer": "the channel was removed"}
            waits = (AlertDelivery.channel_id == row.id) & (AlertDelivery.state == WAITING)
            AlertDelivery.update(**ended).where(waits).execute()
            record(scope, "alert_channel.removed", {}, {"channel": row.id, "name": row.name})
    return find_channel(scope, channel_id)


def find_channel(scope: WorkspaceScope, channel_id: str) -> AlertChannel:
    """One channel.

    Raises
    ------
    NotFound : there is none of that id in this workspace
    """
    with scope:
        row: AlertChannel | None = AlertChannel.known(id=channel_id)
    if row is None:
        raise NotFound("channel.unknown", f"There is no channel '{channel_id[:40]}'.")
    return row


def list_channels(scope: WorkspaceScope, listing: Listing = WHOLE) -> list[AlertChannel]:
    """Channels, removed ones too."""
    return page(scope, AlertChannel, listing)


def list_deliveries(scope: WorkspaceScope, listing: Listing = NEWEST, **equals: str | None) -> list[AlertDelivery]:
    """The delivery log: deliveries whose columns are ``equals`` (None: whatever they are)."""
    return page(scope, AlertDelivery, listing, *equal(AlertDelivery, **equals))


def enqueue(alert_id: str, event: str) -> None:
    """Have every channel told of an event of an alert, in the transaction that makes it true."""
    channels = list(AlertChannel.select().where(AlertChannel.removed_at.is_null()).order_by(AlertChannel.id))
    if not channels:
        return
    now, body = rfc3339_us(utc_now()), canonical_bytes(body_of(Alert.get(Alert.id == alert_id), event)).decode()
    for channel in channels:
        AlertDelivery.create(
            id=new_id("dlv"), channel_id=channel.id, alert_id=alert_id, event=event, body=body, state=WAITING,
            not_before=now, created_at=now,
        )  # fmt: skip


def body_of(alert: Alert, event: str) -> dict[str, object]:
    """What is sent: type, time and data, as Standard Webhooks has it."""
    return {
        "type": event,
        "timestamp": rfc3339_us(utc_now()),
        "data": {
            "alert": alert.id, "rule": alert.rule, "kind": alert.kind, "state": alert.state, "title": alert.title,
            "evidence": loads_strict(alert.evidence), "asset": alert.asset_id,
            "characteristic": alert.characteristic_id, "instrument": alert.instrument_id,
            "raised_at": alert.raised_at, "acknowledge_reason": alert.acknowledge_reason,
            "closed_because": alert.closed_because,
        },
    }  # fmt: skip


def secret_of(scope: WorkspaceScope, channel: AlertChannel) -> bytes:
    """The key of a webhook's signatures."""
    return book_of(scope).unwrap(bytes(channel.secret), context_of(channel.id))


def context_of(channel_id: str) -> str:
    """What a secret is bound to."""
    return f"alert channel {channel_id}"


def require_origin(url: str, settings: Settings) -> None:
    """Return if ``url`` is an address of one of the origins that the settings name.

    Raises
    ------
    InvalidInput : it is no plain http or https address
    Conflict : its origin is none of those
    """
    origin = _origin(url)
    if origin is None or len(url) > _URL_CHARACTERS:
        raise InvalidInput(
            "channel.url", "This is no address of a webhook.", "Write https://host/path, without a name."
        )
    if origin not in {_origin(one) for one in settings.webhook_origins.split()}:
        hint = "Plant IT allows it in the setting 'webhook_origins'."
        raise Conflict("channel.origin", f"Webhooks may not go to {origin[0]}://{origin[1]}:{origin[2]}.", hint)


def _origin(url: str) -> tuple[str, str, int] | None:
    """Scheme, host and port; None of what is no plain address."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    is_plain = url.isascii() and url.isprintable() and not set(url) & set(' \\"<>') and "@" not in parts.netloc
    if parts.scheme not in _PORTS or not parts.hostname or not is_plain or parts.fragment:
        return None
    return parts.scheme, parts.hostname.lower(), port or _PORTS[parts.scheme]


def _require_mailbox(address: str, settings: Settings) -> None:
    if not _ADDRESS.fullmatch(address) or len(address) > 254:
        raise InvalidInput("channel.address", "This is no mail address.", "Write it like ann@plant.example.")
    if not settings.smtp_host or not settings.smtp_sender:
        hint = "Plant IT sets 'smtp_host' and 'smtp_sender'."
        raise Conflict("channel.no_mail", "The appliance has no mail server.", hint)


#: What a delivery may become, for those who list them.
STATES: Final = (WAITING, DELIVERED, GIVEN_UP)
