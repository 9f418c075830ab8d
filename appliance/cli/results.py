"""``d2r results``: measured results from elsewhere, looked at before and recorded."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from appliance.cli.remote import FILE, Columns, limit_option, print_record, print_records, remote
from appliance.errors import InvalidInput

if TYPE_CHECKING:
    from appliance.client.api import Api
    from appliance.client.api.results_files import ResultsFileOut

_LOOK_EVERY_S: Final = 0.5
_COLUMNS: Columns = {
    "received": lambda row: row["received_at"][:19].replace("T", " "), "file": "name", "state": "state",
    "items": "inspections", "id": "id",
}  # fmt: skip
_PLANNED: Columns = {
    "asset": lambda row: row["asset"] + ("" if row["asset_id"] else " (new)"), "serial": "serial", "part": "part",
    "measured": lambda row: row["measured_at"][:19].replace("T", " "), "verdict": "verdict",
    "characteristics": "characteristics", "contradicted": "disagreements",
}  # fmt: skip
_CONTRADICTED: Columns = {
    "serial": "serial", "characteristic": "name", "value": lambda row: f"{row['value']:.6g}",
    "limits": lambda row: _limits(row), "unit": "unit", "source": "source_decision", "decision": "decision",
    "instrument": lambda row: "suspect" if row["instrument_is_suspect"] else "",
}  # fmt: skip


@click.group()
def results() -> None:
    """Measured results from elsewhere (docs/results-import.md)."""


@results.command("import")
@click.argument("file", type=FILE)
@click.option("--format", "form", type=click.Choice(["csv", "json", "qif"]), help="Default: told from the content.")
@click.option("--part", help="Part of inspections that state none.")
@click.option("--unit", help="Unit of lengths (of all values in a CSV) in a file that states none.")
@click.option("--angle-unit", help="Unit of angles in a file that states none.")
@click.option("--column", multiple=True, metavar="OURS=THEIRS", help="How a CSV calls a column of ours.")
@click.option("--decimal", type=click.Choice([".", ","]), help="The sign before the decimals of a CSV (default: .).")
@click.option("--limits", type=click.Choice(["absolute", "deviation"]), help="What the limits of a CSV are.")
@click.option("--serial-pattern", metavar="REGEX", help="Its first group is the serial number in what FILE states.")
@click.option("--serial", multiple=True, metavar="N=SERIAL", help="Serial number of the Nth inspection of FILE.")
@click.option("--measured-at", help="Time of inspections that state none (RFC 3339).")
@click.option("--instrument", help="Instrument of inspections that state none.")
@click.option("--laboratory", help="Who measured, whatever FILE says.")
@click.option("--create", is_flag=True, help="Make parts and assets that are not known.")
@click.option("--amends", metavar="ID", help="The results file that FILE corrects.")
@click.option("--reason", help="Why; needed with --amends.")
@click.option("--dry-run", is_flag=True, help="Only show what would be recorded.")
@click.option("--no-wait", is_flag=True, help="Do not wait until everything is recorded.")
@remote
def import_(
    api: Api, file: Path, form: Any, column: tuple[str, ...], serial: tuple[str, ...], amends: str | None,
    reason: str | None, dry_run: bool, no_wait: bool, as_json: bool, **said: Any,
) -> None:  # fmt: skip
    """Record FILE: all of it, or nothing. The same file is recorded once."""
    options = {**said, "format": form, "columns": _mapping(column), "serials": _mapping(serial)}
    if dry_run:
        _show(api.results_files.check_results_file(file, **options), as_json)
        return
    row = api.results_files.import_results(file, amends=amends, reason=reason, **options)
    while row["state"] == "received" and not no_wait:
        time.sleep(_LOOK_EVERY_S)
        row = api.results_files.get_results_file(row["id"])
    if row["state"] == "failed":
        raise InvalidInput(row["error_code"] or "", row["error_message"] or "", row["error_hint"] or "")
    print_record(row, as_json=as_json)


@results.command("list")
@limit_option(100)
@remote
def list_(api: Api, limit: int, as_json: bool) -> None:
    """List the files that came, the newest first."""
    print_records(api.results_files.list_results_files(at_most=limit), _COLUMNS, as_json=as_json)


@results.command()
@click.argument("file_id")
@remote
def show(api: Api, file_id: str, as_json: bool) -> None:
    """Show what became of a file."""
    print_record(api.results_files.get_results_file(file_id), as_json=as_json)


@results.command()
@click.argument("file_id")
@click.option("--out", "-o", type=click.Path(path_type=Path), help="File to write (default: its own name).")
@remote
def fetch(api: Api, file_id: str, out: Path | None, as_json: bool) -> None:
    """Fetch a file as it came."""
    row: ResultsFileOut = api.results_files.get_results_file(file_id)
    target = out or Path(row["name"])
    api.results_files.get_results_content(file_id, target)
    print_record({"written": str(target), "sha256": row["sha256"]}, as_json=as_json)


@results.command()
@click.option("--asset", help="Of one asset only.")
@limit_option(100)
@remote
def contradictions(api: Api, asset: str | None, limit: int, as_json: bool) -> None:
    """List measurements whose source came to another verdict than the rule allows."""
    found = api.inspections.list_measurements(asset=asset, source="import", disagrees=True, at_most=limit)
    print_records(found, _CONTRADICTED, as_json=as_json)


def _limits(row: Mapping[str, Any]) -> str:
    lower, upper = ("" if row[name] is None else f"{row[name]:.6g}" for name in ("lower", "upper"))
    return f"{lower} … {upper}"


def _mapping(texts: tuple[str, ...]) -> str | None:
    """``OURS=THEIRS`` as the API takes it."""
    for text in texts:
        if "=" not in text:
            raise InvalidInput("option.pair", f"'{text}' is no NAME=VALUE.", "Write it like value=Measured.")
    return json.dumps(dict(text.split("=", 1) for text in texts)) if texts else None


def _show(plan: Any, as_json: bool) -> None:
    if as_json:
        print_record(plan, as_json=True)
        return
    several = {"laboratory": "laboratory"} if len({one["laboratory"] for one in plan["inspections"]}) > 1 else {}
    print_records(plan["inspections"], {**_PLANNED, **several}, as_json=False)
    counted = f"{len(plan['inspections'])} inspections, {plan['measurements']} measurements"
    click.echo(f"{counted}, {plan['disagreements']} contradicted; nothing was recorded.")
    for note in plan["notes"]:
        click.echo(f"Note: {note}.")
