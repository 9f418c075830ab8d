"""``d2r device``: edge devices that send scans."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from appliance.cli.remote import FILE, Columns, found_options, limit_option, print_record, print_records, remote

if TYPE_CHECKING:
    from appliance.client.api import Api

_COLUMNS: Columns = {"name": "name", "enrolled": "enrolled_at", "revoked": "revoked_at", "id": "id"}


@click.group()
def device() -> None:
    """Edge devices that send scans."""


@device.command()
@click.argument("name")
@click.option("--vkey", help="Verifier key of what the device signs.")
@click.option("--vkey-file", type=FILE, help="The same, in a file.")
@remote
def add(api: Api, name: str, vkey: str | None, vkey_file: Path | None, as_json: bool) -> None:
    """Enrol the device NAME. Its API key: d2r key add --role device --label NAME."""
    key = vkey or (vkey_file.read_text().strip() if vkey_file else None)
    print_record(api.devices.enrol_device(name=name, vkey=key), as_json=as_json)


@device.command("list")
@found_options("id", "name")
@limit_option(1000)
@remote
def list_(api: Api, limit: int, as_json: bool, **asked: Any) -> None:
    """List devices, revoked ones too."""
    print_records(api.devices.list_devices(at_most=limit, **asked), _COLUMNS, as_json=as_json)


@device.command()
@click.argument("name")
@remote
def show(api: Api, name: str, as_json: bool) -> None:
    """Show the device NAME (or its id)."""
    from appliance.client.names import addressed

    print_record(api.devices.get_device(addressed(name, api.devices.list_devices)), as_json=as_json)


@device.command()
@click.argument("name")
@remote
def revoke(api: Api, name: str, as_json: bool) -> None:
    """Trust the device NAME no more, for good. What it sent stays what it was."""
    from appliance.client.names import addressed

    print_record(api.devices.revoke_device(addressed(name, api.devices.list_devices)), as_json=as_json)
