"""``d2r part``: kinds of parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from appliance.cli.remote import Columns, found_options, limit_option, print_record, print_records, remote

if TYPE_CHECKING:
    from appliance.client.api import Api

_COLUMNS: Columns = {"name": "name", "id": "id", "CAD": "current_cad_revision_id"}


@click.group()
def part() -> None:
    """Parts: what assets are compared with."""


@part.command()
@click.argument("name")
@remote
def add(api: Api, name: str, as_json: bool) -> None:
    """Make the part NAME."""
    print_record(api.parts.create_part(name=name), as_json=as_json)


@part.command("list")
@found_options("id", "name", "updated_at")
@limit_option(1000)
@remote
def list_(api: Api, limit: int, as_json: bool, **asked: Any) -> None:
    """List parts."""
    print_records(api.parts.list_parts(at_most=limit, **asked), _COLUMNS, as_json=as_json)


@part.command()
@click.argument("name")
@remote
def show(api: Api, name: str, as_json: bool) -> None:
    """Show the part NAME (or its id)."""
    from appliance.client.names import addressed

    print_record(api.parts.get_part(addressed(name, api.parts.list_parts)), as_json=as_json)
