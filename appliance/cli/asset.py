"""``d2r asset``: the things that are scanned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from appliance.cli.remote import Columns, limit_option, pairs, print_record, print_records, remote

if TYPE_CHECKING:
    from appliance.client.workspace import WorkspaceClient

_COLUMNS: Columns = {"name": "name", "serial": "serial", "location": "location", "id": "id"}
_FIELDS = (
    click.option("--metadata", multiple=True, metavar="KEY=VALUE", help="Free metadata; may be repeated."),
    click.option("--location"),
    click.option("--serial"),
    click.option("--part", help="Its part: name or id."),
)


def _described(command: Any) -> Any:
    """The options that describe an asset."""
    for option in _FIELDS:
        command = option(command)
    return command


@click.group()
def asset() -> None:
    """Assets: the things that are scanned."""


@asset.command()
@click.argument("name")
@_described
@remote
def add(client: WorkspaceClient, name: str, metadata: tuple[str, ...], as_json: bool, **fields: str | None) -> None:
    """Make the asset NAME."""
    print_record(client.make("assets", {"name": name, **fields, "metadata": pairs(metadata)}), as_json=as_json)


@asset.command()
@click.argument("name")
@_described
@remote
def change(client: WorkspaceClient, name: str, metadata: tuple[str, ...], as_json: bool, **fields: str | None) -> None:
    """Change the asset NAME: what is not stated stays."""
    print_record(client.change("assets", name, {**fields, "metadata": pairs(metadata)}), as_json=as_json)


@asset.command("list")
@limit_option(1000)
@remote
def list_(client: WorkspaceClient, limit: int, as_json: bool) -> None:
    """List assets."""
    print_records(client.records("assets", limit), _COLUMNS, as_json=as_json)


@asset.command()
@click.argument("name")
@remote
def show(client: WorkspaceClient, name: str, as_json: bool) -> None:
    """Show the asset NAME (or its id) and its newest inspection."""
    print_record(client.record("assets", name), as_json=as_json)
