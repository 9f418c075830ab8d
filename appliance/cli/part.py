"""``d2r part``: kinds of parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from appliance.cli.remote import Columns, limit_option, print_record, print_records, remote

if TYPE_CHECKING:
    from appliance.client.workspace import WorkspaceClient

_COLUMNS: Columns = {"name": "name", "id": "id", "CAD": "current_cad_revision_id"}


@click.group()
def part() -> None:
    """Parts: what assets are compared with."""


@part.command()
@click.argument("name")
@remote
def add(client: WorkspaceClient, name: str, as_json: bool) -> None:
    """Make the part NAME."""
    print_record(client.make("parts", {"name": name}), as_json=as_json)


@part.command("list")
@limit_option(1000)
@remote
def list_(client: WorkspaceClient, limit: int, as_json: bool) -> None:
    """List parts."""
    print_records(client.records("parts", limit), _COLUMNS, as_json=as_json)


@part.command()
@click.argument("name")
@remote
def show(client: WorkspaceClient, name: str, as_json: bool) -> None:
    """Show the part NAME (or its id)."""
    print_record(client.record("parts", name), as_json=as_json)
