"""``d2r report``: issued reports, as files that prove themselves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from appliance.cli.remote import print_record, remote

if TYPE_CHECKING:
    from appliance.client.api import Api


@click.group()
def report() -> None:
    """Reports: signed, logged, provable without the appliance."""


@report.command()
@click.argument("inspection")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder for the files.")
@click.option("--no-evidence", is_flag=True, help="Without the evidence pack, which holds the scan.")
@remote
def get(api: Api, inspection: str, out: Path, no_evidence: bool, as_json: bool) -> None:
    """Fetch the report of INSPECTION: PDF, signed JSON, proof, result, evidence pack."""
    from appliance.client.reports import fetch_report

    files = fetch_report(api, inspection, out, with_evidence=not no_evidence)
    if as_json:
        click.echo(json.dumps([str(path) for path in files], indent=2))
        return
    for path in files:
        click.echo(f"{path}  {path.stat().st_size:,} bytes")
    click.echo(f"verify: d2r verify {files[-1]}" if not no_evidence else f"verify: d2r verify {files[0]}")


@report.command()
@click.argument("inspection")
@remote
def show(api: Api, inspection: str, as_json: bool) -> None:
    """Show number, time and place in the log of the report of INSPECTION."""
    print_record(api.reports.get_report(inspection), as_json=as_json)
