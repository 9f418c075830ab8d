"""``d2r oidc``: the OpenID provider that people may sign in through, for the owner of the appliance."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from appliance.cli.group_roles import group_roles
from appliance.cli.remote import FILE, print_record, remote

if TYPE_CHECKING:
    from appliance.client.api import Api


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


oidc.add_command(group_roles("oidc", "the provider's", "as it stands in the groups claim"))
