"""``d2r ldap group`` and its siblings: which group of whom may do what, said in one way for every source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import click

from appliance.cli.remote import Columns, print_record, print_records, remote

if TYPE_CHECKING:
    from appliance.client.api import Api

Source = Literal["ldap", "oidc", "saml"]
Role = Literal["owner", "supervisor", "operator", "auditor", "plant-it"]
_COLUMNS: Columns = {
    "group": "group", "where": lambda row: row["workspace"] or "the appliance", "role": "role", "id": "id",
}  # fmt: skip


def group_roles(source: Source, whose: str, spelling: str) -> click.Group:
    """The commands for groups of ``source``; ``whose`` and ``spelling`` stand in their help."""

    @click.group(help=f"Roles of {whose} groups, in a workspace or in the appliance as a whole.")
    def group() -> None:
        pass

    @group.command("list")
    @remote
    def list_(api: Api, as_json: bool) -> None:
        """List which group may do what."""
        found = [row for row in api.directory.list_groups()["items"] if row["source"] == source]
        print_records(found, _COLUMNS, as_json=as_json)

    @group.command(help=f"Give the group NAME ({spelling}) a role.")
    @click.argument("name")
    @click.option("--role", type=click.Choice(get_args(Role)), required=True)
    @click.option("--in", "place", help="A workspace (default: the appliance as a whole).")
    @remote
    def give(api: Api, name: str, role: Role, place: str | None, as_json: bool) -> None:
        given = api.directory.give_group_role(source=source, group=name, workspace=place, role=role)
        print_record(given, as_json=as_json)

    @group.command()
    @click.argument("identifier")
    @remote
    def take(api: Api, identifier: str, as_json: bool) -> None:
        """Take a role from a group, by the id that list shows."""
        api.directory.take_group_role(identifier)
        print_record({"taken": identifier}, as_json=as_json)

    return group
