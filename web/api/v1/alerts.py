"""Alerts: what rules found, acknowledged with a reason; and the rules, version by version."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field

from appliance.alerts.models import Alert, AlertRule
from appliance.alerts.rules import find_rule, set_rule
from appliance.alerts.rules import list_rules as rules_listed
from appliance.alerts.service import acknowledge_alert as acknowledge
from appliance.alerts.service import find_alert
from appliance.alerts.service import list_alerts as listed
from appliance.plant.assets import find_asset
from web.api.contract import EDITORS, READERS, Area, Call
from web.api.forms import SORT, Body, JsonObject, Key, Line, Name, Out, Page, PageQuery, Reason
from web.api.paging import page

_ALERTS: Final = "/workspaces/{slug}/alerts"
_RULES: Final = "/workspaces/{slug}/alert-rules"
State = Literal["open", "acknowledged", "closed"]
Kind = Literal["missing_scans", "run_rules", "drift", "suspect_instrument"]
#: A column that is 1 or 0.
Flag = Annotated[bool, BeforeValidator(bool)]

alerts = Area("alerts", "Alerts: what rules found, and the rules.")


class AlertPageQuery(PageQuery):
    """Which alerts; filters are joined by 'and'."""

    sort: Literal["id", "-id"] = Field("-id", description=SORT)
    state: State | None = None
    rule: Line | None = Field(None, description="Name of the rule.")
    asset: Key | None = Field(None, description="Id or name of the asset.")


class AlertOut(Out):
    """An alert."""

    id: str
    rule_id: str
    rule: str
    kind: Kind
    state: State
    title: str
    evidence: JsonObject
    asset_id: str | None
    characteristic_id: str | None
    instrument_id: str | None
    raised_at: str
    updated_at: str
    acknowledged_at: str | None
    acknowledged_by: str | None
    acknowledge_reason: str | None
    closed_at: str | None
    closed_because: str | None


class AcknowledgeIn(Body):
    """Why this alert is seen to."""

    reason: Reason


class RulePageQuery(PageQuery):
    """Of which rule."""

    sort: Literal["id", "-id"] = Field("-id", description=SORT)
    name: Name | None = None


class RuleIn(Body):
    """A rule, or its next version."""

    name: Name
    kind: Kind
    settings: dict[str, Any] = Field(default_factory=dict, description="What is not named has its default.")
    enabled: bool = True
    reason: Reason


class RuleOut(Out):
    """One version of a rule."""

    id: str
    name: str
    version: int
    kind: Kind
    settings: JsonObject
    enabled: Flag
    is_current: Flag
    reason: str
    created_at: str
    created_by: str


@alerts.route("GET", _ALERTS, roles=READERS, query=AlertPageQuery, answer=Page[AlertOut], summary="Alerts")
def list_alerts(call: Call) -> object:
    asked = call.query
    asset_id = None if asked.asset is None else find_asset(call.scope, asked.asset).id
    filters = {"state": asked.state, "rule": asked.rule, "asset_id": asset_id}
    return page(call, lambda listing: listed(call.scope, listing, **filters))


@alerts.route("GET", f"{_ALERTS}/{{alert_id}}", roles=READERS, answer=AlertOut, summary="One alert")
def get_alert(call: Call, alert_id: str) -> Alert:
    return find_alert(call.scope, alert_id)


@alerts.route(
    "POST", f"{_ALERTS}/{{alert_id}}/acknowledge", roles=EDITORS, body=AcknowledgeIn, answer=AlertOut, errors=(409,),
    summary="Say that an alert is seen to",
)  # fmt: skip
def acknowledge_alert(call: Call, alert_id: str) -> Alert:
    """It stays until its cause is gone, and is not raised again before."""
    return acknowledge(call.scope, alert_id, call.body.reason)


@alerts.route("GET", _RULES, roles=READERS, query=RulePageQuery, answer=Page[RuleOut], summary="Versions of rules")
def list_alert_rules(call: Call) -> object:
    return page(call, lambda listing: rules_listed(call.scope, listing, name=call.query.name))


@alerts.route(
    "POST", _RULES, roles=EDITORS, body=RuleIn, answer=RuleOut, status=201, errors=(409,), once="workspace",
    summary="Make a rule, or its next version",
)  # fmt: skip
def set_alert_rule(call: Call) -> AlertRule:
    """The newest version of a name counts from now on. A rule that is the same already stays."""
    asked = call.body
    row = set_rule(call.scope, asked.name, asked.kind, asked.settings, enabled=asked.enabled, reason=asked.reason)
    call.made(f"alert-rules/{row.id}")
    return row


@alerts.route("GET", f"{_RULES}/{{rule_id}}", roles=READERS, answer=RuleOut, summary="One version of a rule")
def get_alert_rule(call: Call, rule_id: str) -> AlertRule:
    """By its id, or the current version by its name."""
    return find_rule(call.scope, rule_id)
