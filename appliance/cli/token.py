"""``d2r token``: short-lived access tokens, and the personal tokens of people who script."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TextIO

import click

from appliance.cli.remote import Columns, print_record, print_records, remote

if TYPE_CHECKING:
    from appliance.client.api import Api

_PERSONAL: Final[Columns] = {
    "label": "label", "prefix": "prefix", "scopes": lambda row: " ".join(row["scopes"] or []),
    "last used": "last_used_at", "ends": "expires_at", "id": "id",
}  # fmt: skip
_GRANTS: Final[Columns] = {"of": "holder_id", "since": "created_at", "ends": "expires_at", "id": "id"}


@click.group()
def token() -> None:
    """Access tokens, and personal tokens."""


@token.command()
@click.option("--scope", "scopes", multiple=True, help="Some of what key or token may do, such as scans:read.")
@remote
def exchange(api: Api, scopes: tuple[str, ...], as_json: bool) -> None:
    """Exchange the API key or personal token for an access token of ten minutes and a refresh token."""
    print_record(api.tokens.exchange_key(scopes=list(scopes) or None), as_json=as_json)


@token.command()
@click.argument("file", type=click.File(), default="-")
@remote
def refresh(api: Api, file: TextIO, as_json: bool) -> None:
    """Get the next pair for the refresh token in FILE (or from standard input), which works once."""
    print_record(api.tokens.refresh_tokens(refresh_token=file.read().strip()), as_json=as_json)


@token.command("list")
@click.option("--grants", is_flag=True, help="What access tokens come from, instead of personal tokens.")
@click.option("--own", is_flag=True, help="One's own personal tokens, instead of all of the workspace.")
@remote
def list_(api: Api, grants: bool, own: bool, as_json: bool) -> None:
    """List personal tokens of the workspace, or what is one's own."""
    if grants:
        print_records(api.tokens.list_grants()["items"], _GRANTS, as_json=as_json)
        return
    found: Any = api.tokens.list_own_tokens()["items"] if own else api.tokens.list_tokens()
    print_records(found, _PERSONAL, as_json=as_json)


@token.command()
@click.argument("identifier")
@remote
def revoke(api: Api, identifier: str, as_json: bool) -> None:
    """Refuse a personal token (pat_...) or end a grant (tgr_...) from now on."""
    if identifier.startswith("tgr_"):
        api.tokens.revoke_grant(identifier)
    else:
        api.tokens.revoke_own_token(identifier)
    print_record({"revoked": identifier}, as_json=as_json)


@token.command()
@click.argument("person")
@remote
def end(api: Api, person: str, as_json: bool) -> None:
    """End all personal tokens and grants of PERSON (an id of d2r person list) at once."""
    print_record(api.tokens.end_tokens(person), as_json=as_json)


@token.command("rotate-key")
@click.option("--at-once", is_flag=True, help="Believe tokens of the keys before no more: after a theft.")
@remote
def rotate_key(api: Api, at_once: bool, as_json: bool) -> None:
    """Sign access tokens with another key from now on; it happens by itself every thirty days."""
    print_record(api.tokens.rotate_token_keys(at_once=at_once), as_json=as_json)
