"""``d2r init``: an appliance in a folder, ready for ``d2r up``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from appliance.config.settings import Settings
    from appliance.tenancy.records import Workspace
    from appliance.tenancy.site import Site


@dataclass(frozen=True)
class _Founded:
    """What there is after ``init``; the recovery key only where it was made right now."""

    site: Site
    workspace: Workspace
    is_new: bool


@click.command()
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="The data folder.")
@click.option("--name", default="", help="The name that reports are signed under, such as plant-4.example/d2r.")
@click.option("--workspace", "slug", default="main", show_default=True, help="The first workspace.")
@click.option(
    "--database", "administrator_url", envvar="D2R_DATABASE_ADMIN", metavar="URL",
    help="postgresql://USER:PASSWORD@HOST/NAME: keep rows there, in place of files. The user may make roles, and is "
    "kept nowhere.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def init(data: Path | None, name: str, slug: str, administrator_url: str | None, as_json: bool) -> None:
    """Make an appliance: folders, keys, databases, a first workspace and an owner's API key.

    Run again, it makes what is missing and leaves the rest as it is. The recovery key is printed once: it opens the
    master key when its passphrase is lost.
    """
    from appliance.config.settings import load_settings
    from appliance.crypto.private import locked_folder, make_private_folder

    settings = load_settings(data)
    make_private_folder(settings.data)
    with locked_folder(settings.data), _found(settings, name, slug, administrator_url) as founded:
        token = _owner_token(founded)
        if as_json:
            click.echo(json.dumps(_record(founded), indent=2, ensure_ascii=False))
        else:
            _print(founded)
        _finish(founded, token)


@contextmanager
def _found(settings: Settings, name: str, slug: str, administrator_url: str | None) -> Iterator[_Founded]:
    """The appliance, open, with its first workspace."""
    from appliance.errors import Conflict
    from appliance.tenancy.site import Site

    is_new = not settings.admin_key_file.exists()
    named = replace(settings, name=name or settings.name)
    with Site.open(named, create=True, administrator_url=administrator_url) as site:
        if name and site.keys.name != name:
            hint = "The name of signing keys is never changed: reports name them."
            raise Conflict("init.name", f"This appliance signs as '{site.keys.name}'.", hint)
        yield _Founded(site, _first_workspace(site, slug), is_new)


def _first_workspace(site: Site, slug: str) -> Workspace:
    """The workspace of that name, made where it is missing."""
    from appliance.tenancy.records import SYSTEM
    from appliance.workspaces.service import create_workspace

    found = [workspace for workspace in site.workspaces() if workspace.slug == slug]
    return found[0] if found else create_workspace(site, slug, slug, SYSTEM)


def _owner_token(founded: _Founded) -> str | None:
    """A key of the appliance's owner; None where the owner has one."""
    from appliance.identity.api_keys import create_api_key
    from appliance.tenancy.records import SYSTEM

    if not founded.is_new:
        return None
    _, token = create_api_key(founded.site, None, "owner", "first owner", SYSTEM)
    return token


def _finish(founded: _Founded, token: str | None) -> None:
    """Write the owner's key, after the recovery key was printed: its file says that the founding is finished."""
    from appliance.config.reference import settings_template
    from appliance.config.settings import SETTINGS_FILE
    from appliance.core.faults import point
    from appliance.core.files import write_whole

    point("init.printed")
    settings_file = founded.site.settings.data / SETTINGS_FILE
    if not settings_file.exists():
        write_whole(settings_file, settings_template().encode(), 0o600)
    if token:
        write_whole(founded.site.settings.admin_key_file, f"{token}\n".encode(), 0o600)


def _record(founded: _Founded) -> dict[str, object]:
    site, settings = founded.site, founded.site.settings
    return {
        "data": str(settings.data),
        "name": site.keys.name,
        "vkey": str(site.keys.own_keys()[0]),
        "workspace": {"id": founded.workspace.id, "slug": founded.workspace.slug},
        "admin_key_file": str(settings.admin_key_file),
        "url": settings.effective_public_url,
        "created": founded.is_new,
        "recovery_key": site.recovery_key,
    }


def _print(founded: _Founded) -> None:
    site, settings = founded.site, founded.site.settings
    click.echo(f"{'Made' if founded.is_new else 'Found'} the appliance {site.keys.name} in {settings.data}")
    click.echo(f"  workspace      {founded.workspace.slug} ({founded.workspace.id})")
    click.echo(f"  owner's key    {settings.admin_key_file}")
    click.echo(f"  verifier key   {site.keys.own_keys()[0]}")
    if site.recovery_key:
        click.echo(f"\n  Recovery key   {site.recovery_key}")
        click.echo("  Write it down and keep it elsewhere. It is kept nowhere and not shown again.")
    click.echo("\nStart it: d2r up")
