"""The engine: looks with every rule of a workspace, and brings the alerts to what was found.

One look of one rule:
  1. the rule asks the workspace and changes nothing;
  2. in one transaction, a cause that has no open alert gets one, the evidence of the others is brought up to date, and
     alerts whose cause was looked for and not found are closed;
  3. the mark up to which measurements were looked at moves, in the same transaction.

So a look that is cut anywhere is done again and raises nothing twice: the database allows one open alert a cause.  A
cause that ended and came back gets a new alert.  A new version of a rule takes over the alerts of the one before; one
that is switched off closes them.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any, Final

from appliance.alerts.channels import enqueue
from appliance.alerts.models import ACKNOWLEDGED, CLOSED, OPEN, Alert, AlertMark, AlertRule
from appliance.alerts.records import Asked, Found, Look
from appliance.alerts.rules import KINDS, current_rules, settings_of
from appliance.audit.recording import record
from appliance.core.canonical import canonical_bytes
from appliance.core.clock import rfc3339_us, utc_now
from appliance.core.faults import point
from appliance.core.ids import new_id
from appliance.errors import D2RError
from appliance.queue.outbox import emit
from appliance.tenancy.scope import WorkspaceScope

log = logging.getLogger(__name__)

GONE: Final = "gone"
SWITCHED_OFF: Final = "rule switched off"


def look_for_alerts(scope: WorkspaceScope, now: datetime | None = None) -> int:
    """Look with every rule; returns how many alerts were raised.

    A rule that cannot look now is said, and the others look all the same.
    """
    raised = 0
    for rule in current_rules(scope):
        try:
            raised += look_with(scope, rule, now or utc_now())
        except D2RError as error:
            log.error("the rule %s in %s: %s [%s]", rule.name, scope.slug, error, error.code)
    return raised


def look_with(scope: WorkspaceScope, rule: AlertRule, now: datetime) -> int:
    """Look with one rule; returns how many alerts were raised."""
    with scope:
        mark = AlertMark.known(rule_id=rule.id)
        standing = _open_of(rule)
        asked = Asked(settings_of(rule), now, mark and mark.looked_at, _pairs(standing))
        look = KINDS[rule.kind].look(scope, asked) if rule.enabled else Look([])
    point("alerts.looked")
    with scope.transaction():
        if AlertRule.get_or_none(AlertRule.id == rule.id, AlertRule.is_current == 1) is None:
            return 0  # it was replaced meanwhile: its next version looks
        raised = _brought_to(scope, rule, look, rfc3339_us(now))
        _set_mark(rule.id, rfc3339_us(now))
    return raised


def _open_of(rule: AlertRule) -> list[Alert]:
    return list(Alert.select().where(Alert.rule == rule.name, Alert.closed_at.is_null()).order_by(Alert.id))


def _pairs(alerts: list[Alert]) -> frozenset[tuple[str, str]]:
    return frozenset((one.asset_id, one.characteristic_id) for one in alerts if one.asset_id and one.characteristic_id)


def _brought_to(scope: WorkspaceScope, rule: AlertRule, look: Look, now: str) -> int:
    """Raise, bring up to date, close; returns how many were raised."""
    known, raised = {alert.cause: alert for alert in _open_of(rule)}, 0
    for found in look.found:
        cause = f"{rule.name}: {found.cause}"
        if (alert := known.pop(cause, None)) is None:
            _raise(scope, rule, cause, found, now)
            raised += 1
        else:
            _refresh(alert, found, now)
    for alert in known.values():
        if not rule.enabled:
            close_alert(scope, alert, SWITCHED_OFF, now)
        elif look.examined is None or (alert.asset_id, alert.characteristic_id) in look.examined:
            close_alert(scope, alert, GONE, now)
    return raised


def _raise(scope: WorkspaceScope, rule: AlertRule, cause: str, found: Found, now: str) -> None:
    alert: Alert = Alert.create(
        id=new_id("alr"), rule_id=rule.id, rule=rule.name, kind=rule.kind, cause=cause, state=OPEN, title=found.title,
        evidence=_text(found), asset_id=found.asset_id, characteristic_id=found.characteristic_id,
        instrument_id=found.instrument_id, raised_at=now, updated_at=now,
    )  # fmt: skip
    record(scope, "alert.raised", {}, {"alert": alert.id, "rule": rule.name, "version": rule.version, "cause": cause})
    tell(alert, "alert.raised")


def _refresh(alert: Alert, found: Found, now: str) -> None:
    """Keep what was found last; who looks at an open alert sees how it stands."""
    text = _text(found)
    if (alert.evidence, alert.title) != (text, found.title):
        Alert.update(evidence=text, title=found.title, updated_at=now).where(Alert.id == alert.id).execute()


def close_alert(scope: WorkspaceScope, alert: Alert, because: str, now: str) -> None:
    """Close an open alert in the current transaction."""
    changes: dict[str, Any] = {"state": CLOSED, "closed_at": now, "closed_because": because, "updated_at": now}
    Alert.update(**changes).where(Alert.id == alert.id, Alert.state.in_((OPEN, ACKNOWLEDGED))).execute()
    record(scope, "alert.closed", {}, {"alert": alert.id, "rule": alert.rule, "because": because})
    tell(alert, "alert.closed")


def tell(alert: Alert, kind: str) -> None:
    """Tell who watches the workspace, and every channel."""
    emit(kind, {"alert": alert.id, "rule": alert.rule, "asset": alert.asset_id, "title": alert.title})
    enqueue(alert.id, kind)


def _text(found: Found) -> str:
    return canonical_bytes(dict(found.evidence)).decode()


def _set_mark(rule_id: str, now: str) -> None:
    if not AlertMark.update(looked_at=now).where(AlertMark.rule_id == rule_id).execute():
        AlertMark.create(rule_id=rule_id, looked_at=now)
