"""``d2r trends``: questions about many measurements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from appliance.cli.remote import Columns, limit_option, print_record, print_records, remote

if TYPE_CHECKING:
    from appliance.client.api import Api

_SINCE = click.option("--since", metavar="TIME", help="RFC 3339: 2026-03-01T00:00:00Z.")
_UNTIL = click.option("--until", metavar="TIME", help="RFC 3339; what is then no longer counts.")
_ASSET = click.option("--asset", help="Id or name of an asset.")
_CHARACTERISTIC = click.argument("characteristic")


def _number(name: str, digits: int = 4) -> Any:
    def shown(record: Mapping[str, Any]) -> str:
        value = record[name]
        return "" if value is None else f"{value:.{digits}g}"

    return shown


def _day(event: str) -> Any:
    """The day of an event, and between which days it lies."""

    def shown(record: Mapping[str, Any]) -> str:
        due = record[event]
        if due is None:
            return ""
        if due["at"] is None:
            return str(due["state"]).replace("_", " ")
        first, last = (one[:10] if one else "open" for one in (due["earliest"], due["latest"]))
        return f"{due['at'][:10]} ({first} to {last})"

    return shown


_EVIDENCE: Columns = {
    "asset": "asset", "characteristic": "characteristic", "zone": "zone", "finding": "finding",
    "slope/month": _number("slope", 3), "from": _number("slope_lower", 3), "to": _number("slope_upper", 3),
    "unit": "unit", "n": "measured", "leaves pass": _day("leaves_pass"), "reaches fail": _day("reaches_fail"),
}  # fmt: skip
_VIOLATIONS: Columns = {
    "characteristic": "characteristic", "zone": "zone", "fail": "failed", "pass": "passed",
    "inconclusive": "inconclusive", "not measured": "not_measured", "share": _number("share", 3), "below": "below",
    "above": "above",
}  # fmt: skip
_PERIODS: Columns = {
    "from": lambda one: one["since"][:10], "n": "measured", "mean": _number("mean"), "sd": _number("sd"),
    "Pp": _number("pp", 3), "Ppk": _number("ppk", 3), "at least": _number("ppk_lower", 3), "method": "method",
    "why": "reason",
}  # fmt: skip
_GROUPS: Columns = {
    "who": "name", "n": "measured", "mean": _number("mean"), "from": _number("mean_lower"),
    "to": _number("mean_upper"), "sd": _number("sd"),
}  # fmt: skip
_SIGNALS: Columns = {"at": "measured_at", "statistic": "statistic", "rule": "rule", "why": "reason"}
_DEPENDENT: Columns = {
    "measured": "measured_at", "verdict": "verdict", "report": "report_number", "amended by": "superseded_by",
    "instrument": lambda one: "suspect" if one["instrument_is_suspect"] else "", "id": "id",
}  # fmt: skip
_CHANGES: Columns = {"before": "before", "after": "after", "count": "count"}
_STATES: Columns = {
    "instrument": "instrument", "state": "state", "suspect since": "suspect_since", "values": "checked",
}  # fmt: skip


_SUSPICIONS: Columns = {
    "found": lambda one: one["found_at"][:10],
    "instrument": lambda one: f"{one['instrument']}, revision {one['revision']}",
    "moved after": lambda one: one["since"][:16].replace("T", " "), "lifted": lambda one: (one["lifted_at"] or "")[:10],
    "why": lambda one: one["lifted_reason"] or "; ".join(f"{seen['asset']}: {seen['why']}" for seen in one["evidence"]),
    "id": "id",
}  # fmt: skip


@click.group()
def trends() -> None:
    """What degrades, breaks its limits, differs; charts, recall, what-if."""


@trends.command()
@click.option("--part", help="Id or name of a part.")
@_ASSET
@limit_option(20)
@remote
def degrading(api: Api, part: str | None, asset: str | None, limit: int, as_json: bool) -> None:
    """List what moves towards its limits, the most urgent first."""
    found = api.trends.list_degrading(part=part, asset=asset, limit=limit)
    print_records(found["items"], _EVIDENCE, as_json=as_json)


@trends.command()
@click.argument("asset")
@_CHARACTERISTIC
@remote
def show(api: Api, asset: str, characteristic: str, as_json: bool) -> None:
    """Show the trend of one CHARACTERISTIC of one ASSET, and when it will matter."""
    print_record(api.trends.get_trend(asset=asset, characteristic=characteristic), as_json=as_json)


@trends.command()
@click.option("--part", help="Id or name of a part.")
@_ASSET
@_SINCE
@_UNTIL
@limit_option(100)
@remote
def violations(api: Api, as_json: bool, **asked: Any) -> None:
    """List which limits are broken how often, the worst first."""
    print_records(api.trends.list_violations(**asked)["items"], _VIOLATIONS, as_json=as_json)


@trends.command()
@_CHARACTERISTIC
@_ASSET
@click.option("--by", "grain", type=click.Choice(["day", "week", "month"]), default="month", show_default=True)
@_SINCE
@_UNTIL
@remote
def capability(api: Api, as_json: bool, **asked: Any) -> None:
    """List Pp and Ppk of a CHARACTERISTIC, period by period."""
    print_records(api.trends.list_capability(**asked)["items"], _PERIODS, as_json=as_json)


@trends.command()
@_CHARACTERISTIC
@click.option(
    "--by",
    type=click.Choice(["asset", "instrument", "operator", "cad_revision", "laboratory"]),
    default="asset",
    show_default=True,
)
@_SINCE
@_UNTIL
@remote
def compare(api: Api, as_json: bool, **asked: Any) -> None:
    """Tell whether assets, instruments, operators, revisions or laboratories differ in a CHARACTERISTIC."""
    found = api.trends.compare(**asked)
    if as_json:
        print_record(found, as_json=True)
        return
    click.echo(found["finding"])
    print_records(found["groups"], _GROUPS, as_json=False)


@trends.command()
@_CHARACTERISTIC
@_ASSET
@_SINCE
@_UNTIL
@remote
def chart(api: Api, as_json: bool, **asked: Any) -> None:
    """Show the signals of a CHARACTERISTIC against its frozen limits."""
    found = api.trends.get_chart(**asked)
    if as_json:
        print_record(found, as_json=True)
        return
    between = f"{found['lower']:.4g} to {found['upper']:.4g}"
    click.echo(f"{len(found['points'])} values against version {found['version']}: {between}")
    print_records(found["signals"], _SIGNALS, as_json=False)


@trends.command()
@_CHARACTERISTIC
@_ASSET
@click.option("--since", metavar="TIME", required=True)
@click.option("--until", metavar="TIME", required=True)
@click.option("--reason", required=True, help="Why the process was in control then.")
@remote
def freeze(api: Api, as_json: bool, **asked: Any) -> None:
    """Freeze control limits of a CHARACTERISTIC from a time in which it was in control."""
    print_record(api.trends.freeze(**asked), as_json=as_json)


@trends.command()
@click.option("--instrument", help="Id of one revision, or a name: all of them.")
@click.option("--cad-revision", help="Id of a CAD revision.")
@click.option("--operator", "person_id", help="Id of a person.")
@_ASSET
@_SINCE
@_UNTIL
@limit_option(500)
@remote
def recall(api: Api, as_json: bool, **asked: Any) -> None:
    """List every verdict that depends on an instrument, a revision, a person, a time."""
    print_records(api.trends.list_recalled(**asked)["items"], _DEPENDENT, as_json=as_json)


@trends.command("what-if")
@_CHARACTERISTIC
@click.option("--lower", type=float)
@click.option("--upper", type=float)
@_ASSET
@_SINCE
@_UNTIL
@remote
def what_if(api: Api, as_json: bool, **asked: Any) -> None:
    """Judge the history of a CHARACTERISTIC by other limits; nothing is written."""
    found = api.trends.ask_what_if(**asked)
    if as_json:
        print_record(found, as_json=True)
    else:
        print_records(found["changes"], _CHANGES, as_json=False)


@trends.command("what-if-revision")
@click.argument("cad_revision", metavar="REVISION")
@click.option("--plan", "characteristic_set", help="Id of a characteristic set; else that of its latest inspection.")
@click.option("--against", "measured_against", help="Id of a revision: only values measured against it.")
@click.option("--characteristic", help="Only this one.")
@_ASSET
@_SINCE
@_UNTIL
@remote
def what_if_revision(api: Api, as_json: bool, **asked: Any) -> None:
    """Judge history by the limits of another CAD REVISION (an id); nothing is written."""
    found = api.trends.ask_what_if_revision(**asked)
    if as_json:
        print_record(found, as_json=True)
        return
    click.echo(f"{found['note']}\nPlan: version {found['plan_version']} ({found['plan_is']})")
    changes = [
        {"name": one["name"], "zone": one["zone"], **change}
        for one in found["characteristics"]
        for change in one["found"]["changes"]
    ]
    print_records(changes, {"characteristic": "name", "zone": "zone", **_CHANGES}, as_json=False)
    for one in found["not_compared"]:
        click.echo(f"not compared: {one['name']}: {one['message']}")


@trends.command()
@remote
def instruments(api: Api, as_json: bool) -> None:
    """List what reference artefacts say of the instruments."""
    print_records(api.trends.list_instrument_states()["items"], _STATES, as_json=as_json)


@trends.command()
@click.option("--standing/--lifted", default=None, help="Those that nobody explained, or the others.")
@limit_option(50)
@remote
def suspicions(api: Api, standing: bool | None, limit: int, as_json: bool) -> None:
    """List instruments that moved, by which verdicts are suspect."""
    found = api.suspicions.list_instrument_suspicions(standing=standing, at_most=limit)
    print_records(found, _SUSPICIONS, as_json=as_json)


@trends.command()
@click.argument("suspicion")
@click.option("--reason", required=True, help="What explains the signal.")
@remote
def lift(api: Api, suspicion: str, reason: str, as_json: bool) -> None:
    """Explain a SUSPICION: the verdicts that depend on it are suspect no more."""
    print_record(api.suspicions.lift_instrument_suspicion(suspicion, reason=reason), as_json=as_json)


@trends.command()
@click.argument("asset")
@click.option("--reason", required=True, help="How it is known not to change.")
@remote
def reference(api: Api, asset: str, reason: str, as_json: bool) -> None:
    """Declare ASSET a reference artefact: what moves in it is the instrument."""
    print_record(api.trends.declare_reference(asset=asset, reason=reason), as_json=as_json)


@trends.command()
@click.argument("asset")
@click.option("--at", "happened_at", metavar="TIME", required=True, help="When (RFC 3339).")
@click.option("--reason", required=True, help="What was done.")
@remote
def repair(api: Api, asset: str, happened_at: str, reason: str, as_json: bool) -> None:
    """Record a repair of ASSET: its trends begin anew."""
    from appliance.client.names import addressed

    key = addressed(asset, api.assets.list_assets)
    print_record(api.trends.record_repair(key, happened_at=happened_at, reason=reason), as_json=as_json)
