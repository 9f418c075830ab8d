"""``d2r oidc``: the OpenID provider that people may sign in through, for the owner of the appliance."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import click

from appliance.cli.remote import FILE, Columns, print_record, print_records, remote

if TYPE_CHECKING:
    from appliance.client.api import Api

Role = Literal["owner", "supervisor", "operator", "auditor", "plant-it"]
_COLUMNS: Columns = {
    "group": "group", "where": lambda row: row["workspace"] or "the appliance", "role": "role", "id": "id",
}  # fmt: skip


@click.group()
def oidc() -> None:
    """OpenID Connect: how the provider is reached, what its groups may do."""


@oidc.command()
@remote
def show(api: Api, as_json: bool) -> None:
    """Show how the provider is reached, and the address that it must send people back to."""
    print_record(api.oidc.get_provider(), as_json=as_json)


@oidc.command("set")
@click.option("--issuer", required=True, help="What the provider calls itself: https://HOST/PATH.")
@click.option("--client-id", required=True)
@click.option("--secret-file", type=FILE, help="A file with the client's secret; asked for where it is not given.")
@click.option("--label", default="Single sign-on", show_default=True, help="What stands on the button.")
@click.option("--ca", type=FILE, help="Certificate of the provider's CA, in PEM (default: those of the system).")
@click.option("--groups-claim", default="groups", show_default=True)
@click.option("--login-claim", default="preferred_username", show_default=True)
@click.option("--name-claim", default="name", show_default=True)
@remote
def set_(
    api: Api, issuer: str, client_id: str, secret_file: Path | None, label: str, ca: Path | None, groups_claim: str,
    login_claim: str, name_claim: str, as_json: bool,
) -> None:  # fmt: skip
    """Say how the provider is reached, all of it at once. Then try: d2r oidc test."""
    pem = ca.read_text(errors="replace") if ca else ""
    secret = secret_file.read_text(errors="replace").rstrip("\r\n") if secret_file else None
    client_secret = secret or click.prompt("Secret of the client", hide_input=True, err=True)
    claims = {"groups_claim": groups_claim, "login_claim": login_claim, "name_claim": name_claim}
    kept = api.oidc.put_provider(
        issuer=issuer, client_id=client_id, client_secret=client_secret, label=label, ca_pem=pem, **claims
    )
    print_record(kept, as_json=as_json)


@oidc.command()
@remote
def test(api: Api, as_json: bool) -> None:
    """Ask the provider about itself."""
    print_record(api.oidc.test_provider(), as_json=as_json)


@oidc.command()
@remote
def remove(api: Api, as_json: bool) -> None:
    """Send nobody to the provider any more."""
    api.oidc.delete_provider()
    print_record({"removed": True}, as_json=as_json)


@oidc.group()
def group() -> None:
    """Roles of the provider's groups, in a workspace or in the appliance as a whole."""


@group.command("list")
@remote
def list_(api: Api, as_json: bool) -> None:
    """List which group may do what."""
    found = [row for row in api.directory.list_groups()["items"] if row["source"] == "oidc"]
    print_records(found, _COLUMNS, as_json=as_json)


@group.command()
@click.argument("name")
@click.option("--role", type=click.Choice(get_args(Role)), required=True)
@click.option("--in", "place", help="A workspace (default: the appliance as a whole).")
@remote
def give(api: Api, name: str, role: Role, place: str | None, as_json: bool) -> None:
    """Give the group NAME, as it stands in the groups claim, a role."""
    given = api.directory.give_group_role(source="oidc", group=name, workspace=place, role=role)
    print_record(given, as_json=as_json)


@group.command()
@click.argument("identifier")
@remote
def take(api: Api, identifier: str, as_json: bool) -> None:
    """Take a role from a group, by the id that list shows."""
    api.directory.take_group_role(identifier)
    print_record({"taken": identifier}, as_json=as_json)
