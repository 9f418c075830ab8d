"""``d2r alerts``: what rules found, acknowledged with a reason; and the rules."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import click

from appliance.cli.remote import Columns, limit_option, print_record, print_records, remote

if TYPE_CHECKING:
    from appliance.client.api import Api

_COLUMNS: Columns = {"raised": "raised_at", "state": "state", "rule": "rule", "what": "title", "id": "id"}
_RULE_COLUMNS: Columns = {
    "name": "name", "version": "version", "kind": "kind", "settings": lambda rule: json.dumps(rule["settings"]),
    "enabled": lambda rule: "yes" if rule["enabled"] else "no", "reason": "reason",
}  # fmt: skip
_KINDS: Final = ("missing_scans", "run_rules", "drift", "suspect_instrument")


@click.group()
def alerts() -> None:
    """Alerts of a workspace, and the rules that raise them."""


@alerts.command("list")
@click.option("--state", type=click.Choice(["open", "acknowledged", "closed"]), help="Only these.")
@click.option("--rule", help="Of the rule with this name.")
@click.option("--asset", help="Of this asset.")
@limit_option(100)
@remote
def list_(api: Api, state: Any, rule: str | None, asset: str | None, limit: int, as_json: bool) -> None:
    """List alerts, the newest first."""
    found = api.alerts.list_alerts(state=state, rule=rule, asset=asset, at_most=limit)
    print_records(found, _COLUMNS, as_json=as_json)


@alerts.command()
@click.argument("alert_id")
@remote
def show(api: Api, alert_id: str, as_json: bool) -> None:
    """Show one alert and what it was found by."""
    print_record(api.alerts.get_alert(alert_id), as_json=as_json)


@alerts.command()
@click.argument("alert_id")
@click.option("--reason", required=True, help="Why it is seen to.")
@remote
def acknowledge(api: Api, alert_id: str, reason: str, as_json: bool) -> None:
    """Say that an alert is seen to; it stays until its cause is gone."""
    print_record(api.alerts.acknowledge_alert(alert_id, reason=reason), as_json=as_json)


@alerts.command()
@click.option("--all", "every", is_flag=True, help="Every version, not only those that count.")
@limit_option(1000)
@remote
def rules(api: Api, every: bool, limit: int, as_json: bool) -> None:
    """List the rules."""
    found = (rule for rule in api.alerts.list_alert_rules(at_most=limit) if every or rule["is_current"])
    print_records(found, _RULE_COLUMNS, as_json=as_json)


@alerts.command("set")
@click.argument("name")
@click.option("--kind", type=click.Choice(_KINDS), required=True)
@click.option("--setting", "texts", multiple=True, metavar="KEY=VALUE", help="May be given often.")
@click.option("--off", is_flag=True, help="The rule looks no more, and its alerts are closed.")
@click.option("--reason", required=True, help="Why.")
@remote
def set_(api: Api, name: str, kind: Any, texts: tuple[str, ...], off: bool, reason: str, as_json: bool) -> None:
    """Make the rule NAME, or its next version, which counts from now on."""
    rule = api.alerts.set_alert_rule(name=name, kind=kind, settings=_settings(texts), enabled=not off, reason=reason)
    print_record(rule, as_json=as_json)


def _settings(texts: tuple[str, ...]) -> dict[str, Any]:
    """Settings from texts; what reads as a number is one."""
    if not all("=" in text.strip("=") for text in texts):
        raise click.UsageError("--setting is KEY=VALUE")
    return {key: _value(value) for key, value in (text.split("=", 1) for text in texts)}


def _value(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
