"""``d2r asset``: the things that are scanned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from appliance.cli.remote import Columns, found_options, limit_option, pairs, print_record, print_records, remote

if TYPE_CHECKING:
    from appliance.client.api import Api
    from appliance.client.api.assets import AssetStanding

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
def add(
    api: Api, name: str, part: str | None, serial: str | None, location: str | None, metadata: tuple[str, ...],
    as_json: bool,
) -> None:  # fmt: skip
    """Make the asset NAME."""
    made = api.assets.create_asset(
        name=name, part=part, serial=serial, location=location, metadata=pairs(metadata)
    )  # fmt: skip
    print_record(made, as_json=as_json)


@asset.command()
@click.argument("name")
@_described
@remote
def change(
    api: Api, name: str, part: str | None, serial: str | None, location: str | None, metadata: tuple[str, ...],
    as_json: bool,
) -> None:  # fmt: skip
    """Change the asset NAME: what is not stated stays."""
    seen = _found(api, name)
    changed = api.assets.change_asset(
        seen["id"], seen, part=part, serial=serial, location=location, metadata=pairs(metadata)
    )  # fmt: skip
    print_record(changed, as_json=as_json)


@asset.command("list")
@click.option("--part", help="Of which part (name or id).")
@click.option("--location", help="Where they stand.")
@found_options("id", "name", "serial", "updated_at")
@limit_option(1000)
@remote
def list_(api: Api, limit: int, as_json: bool, **asked: Any) -> None:
    """List assets."""
    print_records(api.assets.list_assets(at_most=limit, **asked), _COLUMNS, as_json=as_json)


@asset.command()
@click.argument("name")
@remote
def show(api: Api, name: str, as_json: bool) -> None:
    """Show the asset NAME (or its id) and its newest inspection."""
    print_record(_found(api, name), as_json=as_json)


def _found(api: Api, name: str) -> AssetStanding:
    from appliance.client.names import addressed

    return api.assets.get_asset(addressed(name, api.assets.list_assets))
