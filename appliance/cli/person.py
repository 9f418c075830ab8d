"""``d2r person``: people who sign in, and their sessions, for the owner of the appliance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from appliance.cli.remote import Columns, print_record, print_records, remote

if TYPE_CHECKING:
    from appliance.client.api import Api

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
def list_(api: Api, as_json: bool) -> None:
    """List people, disabled ones too."""
    print_records(api.people.list_people(), _COLUMNS, as_json=as_json)


@person.command()
@click.argument("identifier")
@remote
def show(api: Api, identifier: str, as_json: bool) -> None:
    """Show a person with their roles."""
    print_record(api.people.get_person(identifier), as_json=as_json)


@person.command()
@click.argument("identifier")
@remote
def disable(api: Api, identifier: str, as_json: bool) -> None:
    """Refuse a person from now on, whatever a directory says; their sessions end."""
    print_record(api.people.disable_person(identifier), as_json=as_json)


@person.command()
@click.argument("identifier")
@remote
def enable(api: Api, identifier: str, as_json: bool) -> None:
    """Let a person sign in again."""
    print_record(api.people.enable_person(identifier), as_json=as_json)


@person.command()
@click.argument("identifier")
@click.option("--legal-basis", required=True, help="Such as: GDPR Art. 17(1)(a).")
@click.option("--yes", is_flag=True, help="Do not ask.")
@remote
def erase(api: Api, identifier: str, legal_basis: str, yes: bool, as_json: bool) -> None:
    """Forget a person in every log and row that names them, for good. The logs stay provable."""
    if not yes:
        click.confirm(f"Everything about {identifier} is destroyed for good. Go on?", abort=True)
    print_record(api.people.erase_person(identifier, legal_basis=legal_basis), as_json=as_json)


@person.command()
@remote
def sessions(api: Api, as_json: bool) -> None:
    """List who is signed in, and from where."""
    print_records(api.people.list_sessions()["items"], _SESSION_COLUMNS, as_json=as_json)


@person.command()
@click.argument("session")
@remote
def end(api: Api, session: str, as_json: bool) -> None:
    """End a session, by the id that sessions shows."""
    api.people.end_session(session)
    print_record({"ended": session}, as_json=as_json)
