"""``d2r inspection``: follow, stop, repeat and replay inspections."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import click

from appliance.cli.exits import EXIT_ERROR, EXIT_OF_DECISION
from appliance.cli.remote import Columns, limit_option, print_record, print_records, remote

if TYPE_CHECKING:
    from appliance.client.workspace import Record, WorkspaceClient

_LOOK_EVERY_S: Final = 0.5
_ENDED: Final = ("recorded", "failed", "cancelled")
_COLUMNS: Columns = {
    "asked for": lambda row: row["created_at"][:19].replace("T", " "), "state": "state", "verdict": "verdict",
    "progress": lambda row: f"{100 * row['progress']:.0f} %", "report": "report_number", "id": "id",
}  # fmt: skip
_MEASURED: Columns = {
    "characteristic": "name", "quantity": lambda row: f"{row['quantity']} of {row['zone']}",
    "value mm": lambda row: _mm(row["value_mm"], "+.4f"), "± U mm": lambda row: _mm(row["expanded_mm"], ".4f"),
    "cover": lambda row: f"{100 * row['coverage']:.0f} %", "decision": "decision",
}  # fmt: skip
_wait = click.option("--wait", is_flag=True, help="Wait for the end; the exit code is its.")


@click.group()
def inspection() -> None:
    """Inspections: the way of a scan to its verdict."""


@inspection.command()
@click.argument("scan")
@click.option("--cad", "cad_revision", help="Id of a CAD revision (default: the part's current one).")
@click.option("--characteristics", "characteristic_set", help="Id of a version (default: the part's current one).")
@click.option("--instrument", help="Name or id of an instrument.")
@click.option("--priority", type=click.Choice(["high", "normal", "low"]), default="normal", show_default=True)
@_wait
@remote
def add(client: WorkspaceClient, wait: bool, as_json: bool, **fields: Any) -> int:
    """Ask for an inspection of the stored SCAN."""
    return _followed(client, client.make("inspections", fields), wait, as_json)


@inspection.command("list")
@click.option("--asset", help="Name or id.")
@click.option("--state")
@click.option("--verdict", type=click.Choice(["pass", "fail", "inconclusive", "not_measured"]))
@limit_option(50)
@remote
def list_(client: WorkspaceClient, limit: int, as_json: bool, **filters: str | None) -> None:
    """List inspections, the newest first."""
    print_records(client.records("inspections", limit, **filters), _COLUMNS, as_json=as_json)


@inspection.command()
@click.argument("inspection_id", metavar="INSPECTION")
@_wait
@remote
def show(client: WorkspaceClient, inspection_id: str, wait: bool, as_json: bool) -> int:
    """Show an inspection and what it measured."""
    return _followed(client, client.record("inspections", inspection_id), wait, as_json)


@inspection.command()
@click.argument("inspection_id", metavar="INSPECTION")
@click.option("--reason", default="")
@remote
def cancel(client: WorkspaceClient, inspection_id: str, reason: str, as_json: bool) -> None:
    """Stop an inspection; one that a worker carries stops at its next step."""
    print_record(client.act("inspections", inspection_id, "cancel", {"reason": reason}), as_json=as_json)


@inspection.command()
@click.argument("inspection_id", metavar="INSPECTION")
@_wait
@remote
def retry(client: WorkspaceClient, inspection_id: str, wait: bool, as_json: bool) -> int:
    """Take a failed or cancelled inspection up again."""
    return _followed(client, client.act("inspections", inspection_id, "retry"), wait, as_json)


@inspection.command()
@click.argument("inspection_id", metavar="INSPECTION")
@_wait
@remote
def replay(client: WorkspaceClient, inspection_id: str, wait: bool, as_json: bool) -> int:
    """Compute a verdict again from its evidence. With --wait: 0 reproduced bit for bit, 1 it differs, 3 it failed."""
    kind = f"inspections/{inspection_id}/replays"
    row = client.make(kind, {})
    if wait:
        row = _until(lambda: client.record(kind, row["id"]), lambda now: now["state"] in ("done", "failed"))
    print_record(row, as_json=as_json)
    if not wait:
        return 0
    return EXIT_ERROR if row["state"] == "failed" else int(not row["reproduced"])


def _followed(client: WorkspaceClient, row: Record, wait: bool, as_json: bool) -> int:
    """Print an inspection, at its end where that is waited for; the exit code is then the verdict's."""
    if wait:
        row = _until(lambda: client.record("inspections", row["id"]), lambda now: now["state"] in _ENDED)
    measured = row.get("measurements", [])
    print_record(row if as_json else {**row, "measurements": []}, as_json=as_json)
    if measured and not as_json:
        print_records(measured, _MEASURED, as_json=False)
    if not wait:
        return 0
    return EXIT_OF_DECISION[row["verdict"]] if row["state"] == "recorded" else EXIT_ERROR


def _until(look: Callable[[], Record], is_done: Callable[[Mapping[str, Any]], bool]) -> Record:
    while not is_done(row := look()):
        time.sleep(_LOOK_EVERY_S)
    return row


def _mm(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)
