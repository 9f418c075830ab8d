"""``d2r account``: local accounts, for the owner of the appliance, and the one in the envelope."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import click

from appliance.cli.appliance import data_option
from appliance.cli.remote import Columns, print_record, print_records, remote

if TYPE_CHECKING:
    from appliance.client.api import Api

WorkspaceRole = Literal["owner", "supervisor", "operator", "auditor"]
ApplianceRole = Literal["owner", "plant-it"]
Places = tuple[tuple[str, WorkspaceRole], ...]
_COLUMNS: Columns = {
    "name": "name", "login": "login", "until": "expires_at",
    "to": lambda row: "new password" if row["user_id"] else "new account", "id": "id",
}  # fmt: skip
_WORKSPACE_ROLES: Final = click.Choice(get_args(WorkspaceRole))
_ROLES: Final = (
    click.option("--of-appliance", type=click.Choice(get_args(ApplianceRole)), help="A role in the whole appliance."),
    click.option(
        "--in", "places", type=(str, _WORKSPACE_ROLES), multiple=True, metavar="WORKSPACE ROLE",
        help="A role in a workspace.",
    ),
)  # fmt: skip


def _with_roles(command: Any) -> Any:
    for option in _ROLES:
        command = option(command)
    return command


@click.group()
def account() -> None:
    """Local accounts: for whoever is in no directory, and for the day when it is down."""


@account.command()
@click.argument("login")
@click.option("--name", required=True, help="The person's name.")
@_with_roles
@remote
def invite(
    api: Api, login: str, name: str, of_appliance: ApplianceRole | None, places: Places,
    as_json: bool,
) -> None:  # fmt: skip
    """Invite somebody to an account called LOGIN. The link is shown once; whoever has it chooses the password."""
    roles = dict(places)
    made = api.accounts.make_invitation(login=login, name=name, appliance_role=of_appliance, workspace_roles=roles)
    print_record(made, as_json=as_json)


@account.command()
@remote
def invitations(api: Api, as_json: bool) -> None:
    """List the links that work."""
    print_records(api.accounts.get_invitations()["items"], _COLUMNS, as_json=as_json)


@account.command()
@click.argument("invitation")
@remote
def withdraw(api: Api, invitation: str, as_json: bool) -> None:
    """Let a link work no more, by the id that invitations shows."""
    api.accounts.withdraw(invitation)
    print_record({"withdrawn": invitation}, as_json=as_json)


@account.command()
@click.argument("person")
@remote
def reset(api: Api, person: str, as_json: bool) -> None:
    """Make a link by which PERSON (an id of d2r person list) takes another password."""
    print_record(api.accounts.reset_person(person), as_json=as_json)


@account.command()
@click.argument("person")
@_with_roles
@remote
def roles(api: Api, person: str, of_appliance: ApplianceRole | None, places: Places, as_json: bool) -> None:
    """Give PERSON (an id of d2r person list) these roles and no others, at once."""
    changed = api.accounts.change_roles(person, appliance_role=of_appliance, workspace_roles=dict(places))
    print_record(changed, as_json=as_json)


@account.command("remove-second-factor")
@click.argument("person")
@remote
def remove_second_factor(api: Api, person: str, as_json: bool) -> None:
    """Ask PERSON for no code any more: telephone and recovery codes are gone."""
    api.accounts.remove_factor(person)
    print_record({"removed": person}, as_json=as_json)


@account.command()
@click.argument("login")
@remote
def unlock(api: Api, login: str, as_json: bool) -> None:
    """Let LOGIN be tried again at once, after too many attempts had failed."""
    print_record(api.accounts.unlock_login(login=login), as_json=as_json)


@account.command("break-glass")
@data_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def break_glass(data: Path | None, as_json: bool) -> None:
    """Make the account for the day when nobody can sign in, or another password for it; it is shown once.

    On the appliance itself. Print it, and put it into a sealed envelope: each use is written down loudly.
    """
    from appliance.cli.audit_logs import owner_of_site
    from appliance.config.settings import load_settings
    from appliance.identity.local.break_glass import LOGIN, seal_break_glass
    from appliance.identity.login import login_hash
    from appliance.identity.throttle import unlock as forget_failures
    from appliance.tenancy.site import Site

    with Site.open(load_settings(data)) as site:
        owner = owner_of_site(site)
        password = seal_break_glass(site, owner)
        forget_failures(site, login_hash(site, LOGIN), owner)
    print_record({"login": LOGIN, "password": password}, as_json=as_json)
