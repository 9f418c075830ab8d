"""``d2r instrument``: instruments and their calibration, revision by revision."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from appliance.cli.remote import FILE, Columns, limit_option, print_record, print_records, remote

if TYPE_CHECKING:
    from appliance.client.api import Api

_COLUMNS: Columns = {
    "name": "name", "revision": "revision", "serial": "serial", "certificate": "certificate", "due": "due_on",
    "id": "id",
}  # fmt: skip


@click.group()
def instrument() -> None:
    """Instruments and their calibration statements."""


@instrument.command()
@click.argument("name")
@click.argument("statement", type=FILE)
@remote
def add(api: Api, name: str, statement: Path, as_json: bool) -> None:
    """Add the statement in the TOML file STATEMENT as the newest revision of the instrument NAME."""
    print_record(api.instruments.add_instrument(statement, name=name), as_json=as_json)


@instrument.command("list")
@limit_option(1000)
@remote
def list_(api: Api, limit: int, as_json: bool) -> None:
    """List the revisions of all instruments."""
    print_records(api.instruments.list_instruments(at_most=limit), _COLUMNS, as_json=as_json)


@instrument.command()
@click.argument("name")
@remote
def show(api: Api, name: str, as_json: bool) -> None:
    """Show the newest revision of the instrument NAME, or the revision with this id."""
    from appliance.client.names import addressed

    key = addressed(name, api.instruments.list_instruments)
    print_record(api.instruments.get_instrument(key), as_json=as_json)
