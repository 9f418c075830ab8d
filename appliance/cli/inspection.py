"""``d2r inspection``: follow, stop, repeat and replay inspections."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Literal, TypeVar, get_args

import click

from appliance.cli.exits import EXIT_ERROR, EXIT_OF_DECISION
from appliance.cli.remote import Columns, limit_option, print_record, print_records, remote

if TYPE_CHECKING:
    from appliance.client.api import Api
    from appliance.client.api.inspections import InspectionFull, InspectionOut, ReplayOut

State = Literal["stored", "decoded", "aligned", "compared", "judged", "recorded", "failed", "cancelled"]
Verdict = Literal["pass", "fail", "inconclusive", "not_measured"]
Priority = Literal["high", "normal", "low"]
Seen = TypeVar("Seen")

_LOOK_EVERY_S: Final = 0.5
_ENDED: Final = ("recorded", "failed", "cancelled")
_COLUMNS: Columns = {
    "asked for": lambda row: row["created_at"][:19].replace("T", " "), "state": "state", "verdict": "verdict",
    "instrument": lambda row: "suspect" if row["instrument_is_suspect"] else "",
    "progress": lambda row: f"{100 * row['progress']:.0f} %", "report": "report_number", "id": "id",
}  # fmt: skip
_MEASURED: Columns = {
    "characteristic": "name", "quantity": lambda row: " of ".join(filter(None, (row["quantity"], row["zone"]))),
    "value": lambda row: _figure(row["value"], ".4f" if row["coverage"] is None else "+.4f"),
    "± U": lambda row: _figure(row["expanded"], ".4f"),
    "unit": "unit", "cover": lambda row: "–" if row["coverage"] is None else f"{100 * row['coverage']:.0f} %",
    "source": lambda row: ("≠ " if row["disagrees"] else "") + (row["source_decision"] or "–"), "decision": "decision",
}  # fmt: skip
_OF_MANY: Columns = {
    "measured": lambda row: row["measured_at"][:16].replace("T", " "), "serial": "serial", "characteristic": "name",
    "value": lambda row: "" if row["value"] is None else f"{row['value']:.4f} {row['unit']}",
    "decision": lambda row: row["decision"] + (", suspect" if row["instrument_is_suspect"] else ""),
    "id": "inspection_id",
}  # fmt: skip
_suspect = click.option("--suspect/--not-suspect", default=None, help="Measured after its instrument moved, or not.")
_wait = click.option("--wait", is_flag=True, help="Wait for the end; the exit code is its.")


@click.group()
def inspection() -> None:
    """Inspections: the way of a scan to its verdict."""


@inspection.command()
@click.argument("scan")
@click.option("--cad", "cad_revision", help="Id of a CAD revision (default: the part's current one).")
@click.option("--characteristics", "characteristic_set", help="Id of a version (default: the part's current one).")
@click.option("--instrument", help="Name or id of an instrument.")
@click.option("--priority", type=click.Choice(get_args(Priority)), default="normal", show_default=True)
@_wait
@remote
def add(
    api: Api, scan: str, cad_revision: str | None, characteristic_set: str | None, instrument: str | None,
    priority: Priority, wait: bool, as_json: bool,
) -> int:  # fmt: skip
    """Ask for an inspection of the stored SCAN."""
    made = api.inspections.create_inspection(
        scan=scan, cad_revision=cad_revision, characteristic_set=characteristic_set, instrument=instrument,
        priority=priority,
    )  # fmt: skip
    return _followed(api, made, wait, as_json)


@inspection.command("list")
@click.option("--asset", help="Name or id.")
@click.option("--state", type=click.Choice(get_args(State)))
@click.option("--verdict", type=click.Choice(get_args(Verdict)))
@click.option("--laboratory", help="Who measured what was imported.")
@_suspect
@limit_option(50)
@remote
def list_(
    api: Api, asset: str | None, state: State | None, verdict: Verdict | None, laboratory: str | None,
    suspect: bool | None, limit: int, as_json: bool,
) -> None:  # fmt: skip
    """List inspections, the newest first."""
    found = api.inspections.list_inspections(
        asset=asset, state=state, verdict=verdict, laboratory=laboratory, instrument_is_suspect=suspect, at_most=limit
    )
    print_records(found, _COLUMNS, as_json=as_json)


@inspection.command()
@click.option("--asset", help="Name or id.")
@click.option("--name", help="The characteristic.")
@click.option("--decision", type=click.Choice(get_args(Verdict)))
@_suspect
@limit_option(100)
@remote
def measurements(
    api: Api, asset: str | None, name: str | None, decision: Verdict | None, suspect: bool | None, limit: int,
    as_json: bool,
) -> None:  # fmt: skip
    """List measurements of all inspections, the latest first, each with the id of its inspection."""
    found = api.inspections.list_measurements(
        sort="-measured_at", asset=asset, name=name, decision=decision, instrument_is_suspect=suspect, at_most=limit
    )
    print_records(found, _OF_MANY, as_json=as_json)


@inspection.command()
@click.argument("inspection_id", metavar="INSPECTION")
@_wait
@remote
def show(api: Api, inspection_id: str, wait: bool, as_json: bool) -> int:
    """Show an inspection and what it measured."""
    return _followed(api, api.inspections.get_inspection(inspection_id), wait, as_json)


@inspection.command()
@click.argument("inspection_id", metavar="INSPECTION")
@click.option("--reason", default="")
@remote
def cancel(api: Api, inspection_id: str, reason: str, as_json: bool) -> None:
    """Stop an inspection; one that a worker carries stops at its next step."""
    print_record(api.inspections.cancel_inspection(inspection_id, reason=reason), as_json=as_json)


@inspection.command()
@click.argument("inspection_id", metavar="INSPECTION")
@_wait
@remote
def retry(api: Api, inspection_id: str, wait: bool, as_json: bool) -> int:
    """Take a failed or cancelled inspection up again."""
    return _followed(api, api.inspections.retry_inspection(inspection_id), wait, as_json)


@inspection.command()
@click.argument("inspection_id", metavar="INSPECTION")
@_wait
@remote
def replay(api: Api, inspection_id: str, wait: bool, as_json: bool) -> int:
    """Compute a verdict again from its evidence. With --wait: 0 reproduced bit for bit, 1 it differs, 3 it failed."""
    row = api.inspections.replay_inspection(inspection_id)
    if wait:
        row = _until(_replay_of(api, row), lambda now: now["state"] in ("done", "failed"))
    print_record(row, as_json=as_json)
    if not wait:
        return 0
    return EXIT_ERROR if row["state"] == "failed" else int(not row["reproduced"])


def _followed(api: Api, row: InspectionOut, wait: bool, as_json: bool) -> int:
    """Print an inspection, at its end where that is waited for; the exit code is then the verdict's."""
    if wait:
        row = _until(_inspection_of(api, row), lambda now: now["state"] in _ENDED)
    measured = row.get("measurements", [])
    print_record(row if as_json else {**row, "measurements": []}, as_json=as_json)
    if isinstance(measured, list) and measured and not as_json:
        print_records(measured, _MEASURED, as_json=False)
    if not wait:
        return 0
    verdict = row["verdict"]
    return EXIT_OF_DECISION[verdict] if verdict and row["state"] == "recorded" else EXIT_ERROR


def _inspection_of(api: Api, row: InspectionOut) -> Callable[[InspectionFull | None], InspectionFull]:
    return lambda held: api.inspections.get_inspection(row["id"], held=held)


def _replay_of(api: Api, row: ReplayOut) -> Callable[[ReplayOut | None], ReplayOut]:
    return lambda held: api.inspections.get_inspection_replay(row["inspection_id"], row["id"], held=held)


def _until(look: Callable[[Seen | None], Seen], is_done: Callable[[Seen], bool]) -> Seen:
    """What ``look`` sees when it is done; what was seen last is not sent again while it is the same."""
    row = look(None)
    while not is_done(row):
        time.sleep(_LOOK_EVERY_S)
        row = look(row)
    return row


def _figure(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)
