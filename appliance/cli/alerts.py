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
_CHANNEL_COLUMNS: Columns = {"name": "name", "kind": "kind", "to": "target", "removed": "removed_at", "id": "id"}
_DELIVERY_COLUMNS: Columns = {
    "made": "created_at", "event": "event", "state": "state", "attempts": "attempts", "answer": "last_answer",
    "alert": "alert_id", "channel": "channel_id",
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


@alerts.command()
@click.option("--state", type=click.Choice(["waiting", "delivered", "given_up"]), help="Only these.")
@limit_option(100)
@remote
def deliveries(api: Api, state: Any, limit: int, as_json: bool) -> None:
    """List what was sent, the newest first."""
    found = api.alert_channels.list_alert_deliveries(state=state, at_most=limit)
    print_records(found, _DELIVERY_COLUMNS, as_json=as_json)


@alerts.group()
def channel() -> None:
    """Webhooks and mailboxes that hear of alerts."""


@channel.command("add")
@click.argument("name")
@click.option("--webhook", "url", help="Address, at an origin that the setting webhook_origins names.")
@click.option("--email", help="Address of a mailbox.")
@remote
def add_channel(api: Api, name: str, url: str | None, email: str | None, as_json: bool) -> None:
    """Have alerts told to NAME; the secret of a webhook is shown once."""
    if (url is None) == (email is None):
        raise click.UsageError("Give --webhook or --email")
    kind: Any = "email" if url is None else "webhook"
    print_record(api.alert_channels.add_alert_channel(name=name, kind=kind, target=url or email or ""), as_json=as_json)


@channel.command("list")
@limit_option(1000)
@remote
def list_channels(api: Api, limit: int, as_json: bool) -> None:
    """List channels."""
    print_records(api.alert_channels.list_alert_channels(at_most=limit), _CHANNEL_COLUMNS, as_json=as_json)


@channel.command("remove")
@click.argument("channel_id")
@remote
def remove_channel(api: Api, channel_id: str, as_json: bool) -> None:
    """Tell a channel nothing more."""
    print_record(api.alert_channels.remove_alert_channel(channel_id), as_json=as_json)


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
