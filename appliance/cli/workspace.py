"""``d2r workspace``: workspaces of an appliance, by its owner."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from appliance.cli.remote import Columns, print_record, print_records, remote

if TYPE_CHECKING:
    from appliance.client.api import Api

_COLUMNS: Columns = {"slug": "slug", "name": "name", "condition": "condition", "made": "created_at", "id": "id"}
_REASON = click.option("--reason", required=True, help="Why; it stands in the audit log.")


@click.group()
def workspace() -> None:
    """Workspaces: made, suspended, resumed, destroyed. For the owner of the appliance."""


@workspace.command("list")
@remote
def list_(api: Api, as_json: bool) -> None:
    """List workspaces, suspended and destroyed ones too."""
    print_records(api.workspaces.list_workspaces()["items"], _COLUMNS, as_json=as_json)


@workspace.command()
@click.argument("slug")
@click.option("--name", help="What people call it (default: the slug).")
@remote
def create(api: Api, slug: str, name: str | None, as_json: bool) -> None:
    """Make the workspace SLUG, with a database, keys and a log of its own."""
    print_record(api.workspaces.create_workspace(slug=slug, name=name or slug), as_json=as_json)


@workspace.command()
@click.argument("slug")
@_REASON
@remote
def suspend(api: Api, slug: str, reason: str, as_json: bool) -> None:
    """Let nobody into the workspace SLUG: no request, no upload, no job. What is there stays."""
    print_record(api.workspaces.suspend_workspace(slug, reason=reason), as_json=as_json)


@workspace.command()
@click.argument("slug")
@_REASON
@remote
def resume(api: Api, slug: str, reason: str, as_json: bool) -> None:
    """Let people and jobs into the suspended workspace SLUG again."""
    print_record(api.workspaces.resume_workspace(slug, reason=reason), as_json=as_json)


@workspace.command()
@click.argument("slug")
@_REASON
@click.option("--confirm", help="The slug once more; asked for where it is not given.")
@remote
def destroy(api: Api, slug: str, reason: str, confirm: str | None, as_json: bool) -> None:
    """Destroy the suspended workspace SLUG: its key first, so that no copy of its objects can be read again.

    Reports that were handed out stay provable. The slug is never given again.
    """
    typed = confirm or click.prompt(f"Nobody can undo this. Type '{slug}' to destroy the workspace", err=True)
    print_record(api.workspaces.destroy_workspace(slug, reason=reason, confirm=typed), as_json=as_json)
