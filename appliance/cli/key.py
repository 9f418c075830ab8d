"""``d2r key``: API keys of a workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from appliance.cli.remote import Columns, limit_option, print_record, print_records, remote

if TYPE_CHECKING:
    from appliance.client.workspace import WorkspaceClient

_COLUMNS: Columns = {
    "label": "label", "role": "role", "prefix": "prefix", "last used": "last_used_at", "revoked": "revoked_at",
    "id": "id",
}  # fmt: skip
_ROLES = click.Choice(["owner", "supervisor", "operator", "auditor", "device", "service", "plant-it"])


@click.group()
def key() -> None:
    """API keys of a workspace."""


@key.command()
@click.option("--role", type=_ROLES, required=True)
@click.option("--label", required=True, help="Whose key it is; of a device, the device's name.")
@remote
def add(client: WorkspaceClient, role: str, label: str, as_json: bool) -> None:
    """Make an API key. Its token is shown once and kept nowhere."""
    print_record(client.make("keys", {"role": role, "label": label}), as_json=as_json)


@key.command("list")
@limit_option(1000)
@remote
def list_(client: WorkspaceClient, limit: int, as_json: bool) -> None:
    """List keys, revoked ones too."""
    print_records(client.records("keys", limit), _COLUMNS, as_json=as_json)


@key.command()
@click.argument("name")
@remote
def show(client: WorkspaceClient, name: str, as_json: bool) -> None:
    """Show the key with this id or prefix."""
    print_record(client.record("keys", name), as_json=as_json)


@key.command()
@click.argument("name")
@remote
def revoke(client: WorkspaceClient, name: str, as_json: bool) -> None:
    """Refuse the key with this id or prefix from now on."""
    print_record(client.act("keys", name, "revoke"), as_json=as_json)
