"""``d2r key``: API keys of a workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import click

from appliance.cli.remote import Columns, limit_option, print_record, print_records, remote

if TYPE_CHECKING:
    from appliance.client.api import Api

_COLUMNS: Columns = {
    "label": "label", "role": "role", "prefix": "prefix", "last used": "last_used_at",
    "ends": lambda row: row["revoked_at"] or row["expires_at"] or "", "id": "id",
}  # fmt: skip
_EXPIRES = click.option("--expires", "expires_at", metavar="MOMENT", help="Such as 2027-01-31T00:00:00Z.")
Role = Literal["owner", "supervisor", "operator", "auditor", "device", "service", "plant-it"]


@click.group()
def key() -> None:
    """API keys of a workspace."""


@key.command()
@click.option("--role", type=click.Choice(get_args(Role)), required=True)
@click.option("--label", required=True, help="Whose key it is; of a device, the device's name.")
@click.option("--scope", "scopes", multiple=True, help="What it may do of what the role may, such as scans:read.")
@_EXPIRES
@remote
def add(
    api: Api, role: Role, label: str, scopes: tuple[str, ...], expires_at: str | None, as_json: bool
) -> None:  # fmt: skip
    """Make an API key. Its token is shown once and kept nowhere."""
    made = api.keys.create_key(role=role, label=label, scopes=list(scopes) or None, expires_at=expires_at)
    print_record(made, as_json=as_json)


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
@click.option("--overlap", metavar="MINUTES", type=click.IntRange(min=0), default=0, show_default=True,
              help="How long the secret before still counts.")  # fmt: skip
@_EXPIRES
@remote
def rotate(api: Api, name: str, overlap: int, expires_at: str | None, as_json: bool) -> None:
    """Give the key with this id or prefix another secret, which is shown once; the key stays the same one."""
    print_record(api.keys.rotate_key(name, overlap_minutes=overlap, expires_at=expires_at), as_json=as_json)


@key.command()
@click.argument("name")
@remote
def revoke(api: Api, name: str, as_json: bool) -> None:
    """Refuse the key with this id or prefix from now on."""
    print_record(api.keys.revoke_key(name), as_json=as_json)
