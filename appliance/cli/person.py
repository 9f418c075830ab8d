"""``d2r person``: people who sign in, and their sessions, for the owner of the appliance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from appliance.cli.remote import Columns, print_record, print_records, remote

if TYPE_CHECKING:
    from appliance.client.workspace import WorkspaceClient

_PEOPLE: Final = "/api/v1/people"
_SESSIONS: Final = "/api/v1/sessions"
_COLUMNS: Columns = {
    "name": "name", "login": "login", "from": "source", "last login": "last_login_at", "disabled": "disabled_at",
    "id": "id",
}  # fmt: skip
_SESSION_COLUMNS: Columns = {
    "who": "principal_id", "by": "method", "where": "peer", "seen": "seen_at", "until": "expires_at", "id": "id",
}  # fmt: skip


@click.group()
def person() -> None:
    """People who sign in, and their sessions."""


@person.command("list")
@remote
def list_(client: WorkspaceClient, as_json: bool) -> None:
    """List people, disabled ones too."""
    print_records(client.connection.json("GET", f"{_PEOPLE}?limit=200")["items"], _COLUMNS, as_json=as_json)


@person.command()
@click.argument("identifier")
@remote
def show(client: WorkspaceClient, identifier: str, as_json: bool) -> None:
    """Show a person with their roles."""
    print_record(client.connection.json("GET", f"{_PEOPLE}/{identifier}"), as_json=as_json)


@person.command()
@click.argument("identifier")
@remote
def disable(client: WorkspaceClient, identifier: str, as_json: bool) -> None:
    """Refuse a person from now on, whatever a directory says; their sessions end."""
    print_record(client.connection.json("POST", f"{_PEOPLE}/{identifier}/disable"), as_json=as_json)


@person.command()
@click.argument("identifier")
@remote
def enable(client: WorkspaceClient, identifier: str, as_json: bool) -> None:
    """Let a person sign in again."""
    print_record(client.connection.json("POST", f"{_PEOPLE}/{identifier}/enable"), as_json=as_json)


@person.command()
@remote
def sessions(client: WorkspaceClient, as_json: bool) -> None:
    """List who is signed in, and from where."""
    print_records(client.connection.json("GET", _SESSIONS)["items"], _SESSION_COLUMNS, as_json=as_json)


@person.command()
@click.argument("session")
@remote
def end(client: WorkspaceClient, session: str, as_json: bool) -> None:
    """End a session, by the id that sessions shows."""
    client.connection.request("POST", f"{_SESSIONS}/{session}/end")
    print_record({"ended": session}, as_json=as_json)
