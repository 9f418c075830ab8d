"""Alerts: what rules found, and the rules.

Written by ``make client`` from the OpenAPI document: change the route, never this file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, TypedDict

from appliance.client.calls import Calls, quoted


class AlertOut(TypedDict):
    """An alert."""

    id: str
    rule_id: str
    rule: str
    kind: Literal["missing_scans", "run_rules", "drift", "suspect_instrument"]
    state: Literal["open", "acknowledged", "closed"]
    title: str
    evidence: dict[str, Any]
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


class RuleOut(TypedDict):
    """One version of a rule."""

    id: str
    name: str
    version: int
    kind: Literal["missing_scans", "run_rules", "drift", "suspect_instrument"]
    settings: dict[str, Any]
    enabled: bool
    is_current: bool
    reason: str
    created_at: str
    created_by: str


class Alerts:
    """Alerts: what rules found, and the rules."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def list_alerts(
        self,
        *,
        sort: Literal["id", "-id"] | None = None,
        state: Literal["open", "acknowledged", "closed"] | None = None,
        rule: str | None = None,
        asset: str | None = None,
        at_most: int | None = None,
    ) -> Iterator[AlertOut]:
        """Alerts.

        Parameters
        ----------
        sort : order; '-' puts the greatest first, equal ones follow their making ('id')
        rule : name of the rule
        asset : id or name of the asset
        at_most : how many to take; None: all
        """
        return self._calls.pages(
            f"{self._calls.workspace}/alerts",
            at_most=at_most,
            query={"sort": sort, "state": state, "rule": rule, "asset": asset},
        )

    def get_alert(self, alert_id: str, *, held: AlertOut | None = None) -> AlertOut:
        """One alert.

        Parameters
        ----------
        held : what the caller holds already; given back where it is unchanged
        """
        record: AlertOut = self._calls.get(f"{self._calls.workspace}/alerts/{quoted(alert_id)}", held)
        return record

    def acknowledge_alert(self, alert_id: str, *, reason: str) -> AlertOut:
        """Say that an alert is seen to. It stays until its cause is gone, and is not raised again before."""
        record: AlertOut = self._calls.act(
            "POST", f"{self._calls.workspace}/alerts/{quoted(alert_id)}/acknowledge", body={"reason": reason}
        )
        return record

    def list_alert_rules(
        self, *, sort: Literal["id", "-id"] | None = None, name: str | None = None, at_most: int | None = None
    ) -> Iterator[RuleOut]:
        """Versions of rules.

        Parameters
        ----------
        sort : order; '-' puts the greatest first, equal ones follow their making ('id')
        at_most : how many to take; None: all
        """
        return self._calls.pages(
            f"{self._calls.workspace}/alert-rules", at_most=at_most, query={"sort": sort, "name": name}
        )

    def set_alert_rule(
        self,
        *,
        name: str,
        kind: Literal["missing_scans", "run_rules", "drift", "suspect_instrument"],
        settings: dict[str, Any] | None = None,
        enabled: bool | None = None,
        reason: str,
        idempotency_key: str | None = None,
    ) -> RuleOut:
        """Make a rule, or its next version.

        The newest version of a name counts from now on. A rule that is the same already stays.

        Parameters
        ----------
        settings : what is not named has its default
        idempotency_key : whoever repeats the call under its key gets the same answer; None: a new one
        """
        record: RuleOut = self._calls.once(
            f"{self._calls.workspace}/alert-rules",
            idempotency_key,
            body={"name": name, "kind": kind, "settings": settings, "enabled": enabled, "reason": reason},
        )
        return record

    def get_alert_rule(self, rule_id: str, *, held: RuleOut | None = None) -> RuleOut:
        """One version of a rule.

        By its id, or the current version by its name.

        Parameters
        ----------
        held : what the caller holds already; given back where it is unchanged
        """
        record: RuleOut = self._calls.get(f"{self._calls.workspace}/alert-rules/{quoted(rule_id)}", held)
        return record
