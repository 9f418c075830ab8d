"""Tables of alerts. Times are RFC 3339 in UTC; who acted is the id of a principal."""

from __future__ import annotations

from typing import Final

from peewee import IntegerField, TextField

from appliance.db.models import WorkspaceModel

#: States of an alert; nothing leaves the last one.
OPEN: Final = "open"
ACKNOWLEDGED: Final = "acknowledged"
CLOSED: Final = "closed"


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
