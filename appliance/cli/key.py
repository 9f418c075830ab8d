"""``d2r key``: API keys of a workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import click

from appliance.cli.remote import Columns, limit_option, print_record, print_records, remote

if TYPE_CHECKING:
    from appliance.client.api import Api

_COLUMNS: Columns = {
    "label": "label", "role": "role", "prefix": "prefix", "last used": "last_used_at", "revoked": "revoked_at",
    "id": "id",
}  # fmt: skip
Role = Literal["owner", "supervisor", "operator", "auditor", "device", "service", "plant-it"]


@click.group()
def key() -> None:
    """API keys of a workspace."""


@key.command()
@click.option("--role", type=click.Choice(get_args(Role)), required=True)
@click.option("--label", required=True, help="Whose key it is; of a device, the device's name.")
@remote
def add(api: Api, role: Role, label: str, as_json: bool) -> None:
    """Make an API key. Its token is shown once and kept nowhere."""
    print_record(api.keys.create_key(role=role, label=label), as_json=as_json)


@key.command("list")
@limit_option(1000)
@remote
def list_(api: Api, limit: int, as_json: bool) -> None:
    """List keys, revoked ones too."""
    print_records(api.keys.list_keys(at_most=limit), _COLUMNS, as_json=as_json)


@key.command()
@click.argument("name")
@remote
def show(api: Api, name: str, as_json: bool) -> None:
    """Show the key with this id or prefix."""
    print_record(api.keys.get_key(name), as_json=as_json)


@key.command()
@click.argument("name")
@remote
def revoke(api: Api, name: str, as_json: bool) -> None:
    """Refuse the key with this id or prefix from now on."""
    print_record(api.keys.revoke_key(name), as_json=as_json)
