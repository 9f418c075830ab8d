"""``d2r saml``: the SAML provider that people may sign in through, for the owner of the appliance."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from appliance.cli.group_roles import group_roles
from appliance.cli.remote import FILE, print_record, remote

if TYPE_CHECKING:
    from appliance.client.api import Api


@click.group()
def saml() -> None:
    """SAML 2.0: what is known of the provider, what its groups may do."""


@saml.command()
@remote
def show(api: Api, as_json: bool) -> None:
    """Show what is known of the provider, its keys, and the address that people come back to."""
    print_record(api.saml.get_saml_provider(), as_json=as_json)


@saml.command("set")
@click.option("--metadata", required=True, type=FILE, help="A file with the provider's metadata (XML).")
@click.option("--label", default="Single sign-on", show_default=True, help="What stands on the button.")
@click.option("--id-attribute", default="", help="By which people are known for good (default: a persistent NameID).")
@click.option("--groups-attribute", default="groups", show_default=True)
@click.option("--login-attribute", default="uid", show_default=True)
@click.option("--name-attribute", default="displayName", show_default=True)
@click.option("--allow-unsolicited", is_flag=True, help="Let people in who did not begin here.")
@click.option("--new-key", is_flag=True, help="Make another key of ours; then give the provider our metadata again.")
@remote
def set_(
    api: Api, metadata: Path, label: str, id_attribute: str, groups_attribute: str, login_attribute: str,
    name_attribute: str, allow_unsolicited: bool, new_key: bool, as_json: bool,
) -> None:  # fmt: skip
    """Say what is known of the provider, all of it at once. Then give it ours: d2r saml metadata."""
    kept = api.saml.put_saml_provider(
        metadata_xml=metadata.read_text(errors="replace"), label=label, id_attribute=id_attribute,
        groups_attribute=groups_attribute, login_attribute=login_attribute, name_attribute=name_attribute,
        is_unsolicited_allowed=allow_unsolicited, is_new_key=new_key,
    )  # fmt: skip
    print_record(kept, as_json=as_json)


@saml.command()
@remote
def metadata(api: Api, as_json: bool) -> None:
    """Print what the provider must know of us (XML), to be saved in a file."""
    found = api.saml.get_own_metadata()
    if as_json:
        print_record(found, as_json=True)
    else:
        click.echo(found["metadata_xml"])


@saml.command()
@click.argument("response", type=FILE)
@remote
def test(api: Api, response: Path, as_json: bool) -> None:
    """Say who would come in with a response, or what is wrong with it.

    RESPONSE is a file with the field SAMLResponse as a browser sent it: its tools show what a form holds. Within the
    minutes in which it counts. On the console's page Directory a button does all of this.
    """
    found = api.saml.examine_saml_response(response=response.read_text(errors="replace"))
    print_record(found, as_json=as_json)


@saml.command()
@remote
def remove(api: Api, as_json: bool) -> None:
    """Send nobody to the provider any more; our key goes too."""
    api.saml.delete_saml_provider()
    print_record({"removed": True}, as_json=as_json)


saml.add_command(group_roles("saml", "the provider's", "as it stands in the groups attribute"))
