"""Tables of alerts. Times are RFC 3339 in UTC; who acted is the id of a principal."""

from __future__ import annotations

from typing import Final

from peewee import BlobField, IntegerField, TextField

from appliance.db.models import WorkspaceModel

#: States of an alert; nothing leaves the last one.
OPEN: Final = "open"
ACKNOWLEDGED: Final = "acknowledged"
CLOSED: Final = "closed"
#: States of a delivery; nothing leaves the last two.
WAITING: Final = "waiting"
DELIVERED: Final = "delivered"
GIVEN_UP: Final = "given_up"


class AlertRule(WorkspaceModel):
    """One version of a rule; ``settings`` is a JSON object of its kind's own.  Only ``is_current`` ever changes."""

    id = TextField(primary_key=True)
    name = TextField()
    version = IntegerField()
    kind = TextField()
    settings = TextField()
    enabled = IntegerField()
    is_current = IntegerField()
    reason = TextField()
    created_at = TextField()
    created_by = TextField()

    class Meta:
        table_name = "alert_rule"


class Alert(WorkspaceModel):
    """What a rule found.  ``cause`` names it for good; ``evidence`` is the JSON that it was found by, at the last look.

    ``rule_id`` is the version of the rule that raised it, ``rule`` its name.
    """

    id = TextField(primary_key=True)
    rule_id = TextField()
    rule = TextField()
    kind = TextField()
    cause = TextField()
    state = TextField()
    title = TextField()
    evidence = TextField()
    asset_id = TextField(null=True)
    characteristic_id = TextField(null=True)
    instrument_id = TextField(null=True)
    raised_at = TextField()
    updated_at = TextField()
    acknowledged_at = TextField(null=True)
    acknowledged_by = TextField(null=True)
    acknowledge_reason = TextField(null=True)
    closed_at = TextField(null=True)
    closed_because = TextField(null=True)

    class Meta:
        table_name = "alert"


class AlertMark(WorkspaceModel):
    """Up to where a version of a rule has looked at measurements."""

    rule_id = TextField(primary_key=True)
    looked_at = TextField()

    class Meta:
        table_name = "alert_mark"


class AlertChannel(WorkspaceModel):
    """Where alerts are told.  ``secret`` is wrapped under the workspace's data key; only webhooks have one."""

    id = TextField(primary_key=True)
    name = TextField()
    kind = TextField()
    target = TextField()
    secret = BlobField(null=True)
    created_at = TextField()
    created_by = TextField()
    removed_at = TextField(null=True)
    removed_by = TextField(null=True)

    class Meta:
        table_name = "alert_channel"


class AlertDelivery(WorkspaceModel):
    """One event of one alert on its way through one channel; ``body`` is what is sent, the same at every attempt."""

    id = TextField(primary_key=True)
    channel_id = TextField()
    alert_id = TextField()
    event = TextField()
    body = TextField()
    state = TextField()
    attempts = IntegerField(default=0)
    not_before = TextField()
    last_answer = TextField(default="")
    created_at = TextField()
    finished_at = TextField(null=True)

    class Meta:
        table_name = "alert_delivery"
