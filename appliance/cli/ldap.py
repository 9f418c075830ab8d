"""``d2r ldap``: the directory that people sign in through, for the owner of the appliance."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import click

from appliance.cli.group_roles import group_roles
from appliance.cli.remote import FILE, print_record, remote

if TYPE_CHECKING:
    from appliance.client.api import Api
    from appliance.client.api.directory import Examined

Kind = Literal["active-directory", "openldap"]


@click.group()
def ldap() -> None:
    """LDAP or Active Directory: how it is reached, what its groups may do."""


@ldap.command()
@remote
def show(api: Api, as_json: bool) -> None:
    """Show how the directory is reached; its password is not shown."""
    print_record(api.directory.get_directory(), as_json=as_json)


@ldap.command("set")
@click.option("--kind", type=click.Choice(get_args(Kind)), required=True)
@click.option("--server", "urls", multiple=True, required=True, help="ldaps://HOST, or ldap://HOST with StartTLS.")
@click.option("--ca", type=FILE, required=True, help="Certificate of the servers' CA, in PEM; no other is believed.")
@click.option("--bind-dn", required=True, help="The account that searches.")
@click.option("--password-file", type=FILE, help="A file with its password; asked for where it is not given.")
@click.option("--user-base", required=True, help="Where people are.")
@click.option("--group-base", required=True, help="Where groups are.")
@click.option("--user-filter", default="", help="Finds a person by {login} (default: that of the kind).")
@remote
def set_(
    api: Api, kind: Kind, urls: tuple[str, ...], ca: Path, bind_dn: str, password_file: Path | None, user_base: str,
    group_base: str, user_filter: str, as_json: bool,
) -> None:  # fmt: skip
    """Say how the directory is reached, all of it at once. Then try: d2r ldap test USER."""
    pem = ca.read_text(errors="replace")
    secret = password_file.read_text(errors="replace").rstrip("\r\n") if password_file else None
    password = secret or click.prompt(f"Password of {bind_dn}", hide_input=True, err=True)
    places = {"bind_dn": bind_dn, "user_base": user_base, "group_base": group_base, "user_filter": user_filter}
    kept = api.directory.put_directory(kind=kind, urls=list(urls), ca_pem=pem, password=password, **places)
    print_record(kept, as_json=as_json)


@ldap.command()
@remote
def remove(api: Api, as_json: bool) -> None:
    """Ask the directory no more; nobody signs in through it from now on."""
    api.directory.delete_directory()
    print_record({"removed": True}, as_json=as_json)


@ldap.command()
@click.argument("user")
@click.option("--password", "asks", is_flag=True, help="Try the person's password as well; it is asked for.")
@remote
def test(api: Api, user: str, asks: bool, as_json: bool) -> int:
    """Ask the directory about USER: entry, groups, roles. Exit code 3 where the person could not sign in."""
    password = click.prompt(f"Password of {user}", hide_input=True, err=True) if asks else None
    found = api.directory.examine_login(login=user, password=password)
    print_record(found if as_json else _readable(found), as_json=as_json)
    has_role = found["appliance_role"] or found["workspace_roles"]
    return 0 if found["dn"] and has_role and not found["password"] else 3


ldap.add_command(group_roles("ldap", "the directory's", "its distinguished name"))


def _readable(found: Examined) -> dict[str, str | None]:
    """The answer in words."""
    tried = {None: "not tried", "": "right"}
    words = {
        "entry": found["dn"] or "none, or more than one",
        "password": tried.get(found["password"], found["password"]),
        "groups": "; ".join(found["groups"]) or "none",
        "roles": json.dumps({"appliance": found["appliance_role"], **found["workspace_roles"]}),
    }
    return {"server": f"{found['url']} ({found['tls']})", "name": found["name"], "subject": found["subject"]} | words
