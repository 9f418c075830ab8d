"""Alerts as people use them: listed, looked at, acknowledged with a reason."""

from __future__ import annotations

from appliance.alerts.engine import tell
from appliance.alerts.models import ACKNOWLEDGED, OPEN, Alert
from appliance.alerts.rules import checked_reason
from appliance.audit.recording import record
from appliance.core.clock import rfc3339_us, utc_now
from appliance.db.listing import NEWEST, Listing, equal
from appliance.errors import Conflict, NotFound
from appliance.plant.repository import page
from appliance.tenancy.scope import WorkspaceScope


def find_alert(scope: WorkspaceScope, alert_id: str) -> Alert:
    """One alert.

    Raises
    ------
    NotFound : there is none of that id in this workspace
    """
    with scope:
        row: Alert | None = Alert.known(id=alert_id)
    if row is None:
        raise NotFound("alert.unknown", f"There is no alert '{alert_id[:40]}'.")
    return row


def list_alerts(scope: WorkspaceScope, listing: Listing = NEWEST, **equals: str | None) -> list[Alert]:
    """Alerts whose columns are ``equals`` (None: whatever they are)."""
    return page(scope, Alert, listing, *equal(Alert, **equals))


def acknowledge_alert(scope: WorkspaceScope, alert_id: str, reason: str) -> Alert:
    """Say that somebody saw to it, and why that is all right.

    Raises
    ------
    NotFound : there is none of that id in this workspace
    Conflict : it is acknowledged or closed already
    InvalidInput : there is no reason
    """
    why, now = checked_reason(reason), rfc3339_us(utc_now())
    with scope.transaction():
        row = find_alert(scope, alert_id)
        by = scope.principal.id
        changed = (
            Alert.update(
                state=ACKNOWLEDGED, acknowledged_at=now, acknowledged_by=by, acknowledge_reason=why, updated_at=now
            )
            .where(Alert.id == row.id, Alert.state == OPEN)
            .execute()
        )
        if not changed:
            raise Conflict("alert.state", f"The alert is {row.state} already.", "Look at it again.")
        record(scope, "alert.acknowledged", {}, {"alert": row.id, "rule": row.rule, "reason": why})
        tell(row, "alert.acknowledged")
    return find_alert(scope, alert_id)
