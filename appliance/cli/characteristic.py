"""``d2r characteristic``: what is measured on a part, version by version."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from appliance.cli.remote import FILE, Columns, limit_option, print_record, print_records, remote

if TYPE_CHECKING:
    from appliance.client.api import Api

_COLUMNS: Columns = {
    "version": "version", "characteristics": "characteristics", "added": "created_at", "id": "id", "part": "part_id",
}  # fmt: skip


@click.group()
def characteristic() -> None:
    """Characteristics: what is measured on a part, with its limits."""


@characteristic.command()
@click.argument("part")
@click.argument("file", type=FILE)
@remote
def add(api: Api, part: str, file: Path, as_json: bool) -> None:
    """Add the inspection plan FILE (CSV or TOML) to PART; its assets are judged by it from now on."""
    print_record(api.characteristics.add_characteristic_set(file, part=part), as_json=as_json)


@characteristic.command("list")
@click.option("--part", help="Of one part only.")
@limit_option(1000)
@remote
def list_(api: Api, part: str | None, limit: int, as_json: bool) -> None:
    """List versions of characteristics."""
    print_records(api.characteristics.list_characteristic_sets(part=part, at_most=limit), _COLUMNS, as_json=as_json)


@characteristic.command()
@click.argument("version")
@remote
def show(api: Api, version: str, as_json: bool) -> None:
    """Show the version with this id."""
    print_record(api.characteristics.get_characteristic_set(version), as_json=as_json)


@characteristic.command()
@click.argument("version")
@remote
def select(api: Api, version: str, as_json: bool) -> None:
    """Judge the part's assets by this version from now on."""
    print_record(api.characteristics.select_characteristic_set(version), as_json=as_json)
