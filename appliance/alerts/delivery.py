"""Deliveries: what waits in the outbox is sent, tried again with growing pauses, and given up after three days.

A delivery is written with the event that it tells, and marked as delivered after it was taken: a process that ends
between the two sends it again under the same id, by which a receiver knows it.  One that fails keeps the others of its
channel waiting until the next round, so that a receiver that is down costs one attempt a round.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any, Final

from appliance.alerts.channels import WEBHOOK, secret_of
from appliance.alerts.mail import send_mail
from appliance.alerts.models import DELIVERED, GIVEN_UP, WAITING, AlertChannel, AlertDelivery
from appliance.alerts.webhook import send_webhook
from appliance.core.canonical import loads_strict
from appliance.core.clock import rfc3339_us, utc_now
from appliance.core.faults import point
from appliance.errors import D2RError, Unavailable
from appliance.tenancy.scope import WorkspaceScope

log = logging.getLogger(__name__)

#: Seconds between attempts, as Standard Webhooks advises; after the last a delivery is given up.
PAUSES_S: Final = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
#: Deliveries of one round in one workspace.
_AT_ONCE: Final = 20


def deliver(scope: WorkspaceScope) -> int:
    """Send what is due; returns how many were taken."""
    with scope:
        due = (AlertDelivery.state == WAITING) & (AlertDelivery.not_before <= rfc3339_us(utc_now()))
        rows = list(AlertDelivery.select().where(due).order_by(AlertDelivery.not_before).limit(_AT_ONCE))
        channels = {one.id: one for one in AlertChannel.select().where(AlertChannel.removed_at.is_null())}
    failing: set[str] = set()
    taken = 0
    for row in rows:
        if row.channel_id in channels and row.channel_id not in failing:
            is_taken = _deliver_one(scope, channels[row.channel_id], row)
            taken += is_taken
            failing |= set() if is_taken else {row.channel_id}
    return taken


def _deliver_one(scope: WorkspaceScope, channel: AlertChannel, row: AlertDelivery) -> bool:
    try:
        answer = _sent(scope, channel, row)
    except D2RError as error:
        is_permanent = isinstance(error, Unavailable) and error.permanent
        log.warning("alert delivery %s through %s: %s [%s]", row.id, channel.name, error.message, error.code)
        _note(scope, row, _after_failure(row, error.message, is_permanent=is_permanent))
        return False
    point("alerts.sent")
    _note(scope, row, {"state": DELIVERED, "finished_at": rfc3339_us(utc_now()), "last_answer": answer})
    return True


def _sent(scope: WorkspaceScope, channel: AlertChannel, row: AlertDelivery) -> str:
    if channel.kind == WEBHOOK:
        now = int(utc_now().timestamp())
        return send_webhook(channel.target, secret_of(scope, channel), row.id, now, row.body, scope.settings)
    return send_mail(channel.target, row.id, scope.slug, loads_strict(row.body), scope.settings)


def _after_failure(row: AlertDelivery, answer: str, *, is_permanent: bool) -> dict[str, Any]:
    now = utc_now()
    if is_permanent or row.attempts >= len(PAUSES_S):
        return {"state": GIVEN_UP, "finished_at": rfc3339_us(now), "last_answer": answer}
    return {"not_before": rfc3339_us(now + timedelta(seconds=PAUSES_S[row.attempts])), "last_answer": answer}


def _note(scope: WorkspaceScope, row: AlertDelivery, changes: dict[str, Any]) -> None:
    """Write down how an attempt ended, unless the delivery was given up meanwhile."""
    with scope.transaction():
        here = (AlertDelivery.id == row.id) & (AlertDelivery.state == WAITING)
        AlertDelivery.update(attempts=row.attempts + 1, **changes).where(here).execute()
