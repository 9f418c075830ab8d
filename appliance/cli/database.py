"""``d2r database``: what an administrator of PostgreSQL does for an appliance whose rows live there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from appliance.config.settings import Settings

_DATA = click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="The data folder.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_ADMINISTRATOR = click.option(
    "--administrator", "url", envvar="D2R_DATABASE_ADMIN", metavar="URL", required=True,
    help="postgresql://USER:PASSWORD@HOST/NAME of somebody who may make roles (or D2R_DATABASE_ADMIN). Kept nowhere.",
)  # fmt: skip


@click.group()
def database() -> None:
    """The PostgreSQL database of an appliance: where it is, schemas for workspaces, migrations."""


@database.command()
@_DATA
@_JSON
def show(data: Path | None, as_json: bool) -> None:
    """Show where the databases are, and how many workspaces can still be made."""
    from appliance.config.settings import load_settings
    from appliance.tenancy.postgresql import spare_slots
    from appliance.tenancy.site import Site

    settings = load_settings(data)
    with Site.open(settings) as site:
        known: dict[str, Any] = {"backend": "sqlite", **site.databases.backend.where()}
        if settings.database_file.exists():
            known |= {"backend": "postgresql", "spare_schemas": spare_slots(site)}
    if as_json:
        click.echo(json.dumps(known, indent=2))
        return
    for name, value in known.items():
        click.echo(f"{name.replace('_', ' '):14} {value}")


@database.command()
@_DATA
@_ADMINISTRATOR
@click.option("--spare", type=click.IntRange(1, 1000), default=8, show_default=True, help="Schemas to keep ready.")
def provision(data: Path | None, url: str, spare: int) -> None:
    """Make schemas for workspaces to come; the running appliance cannot make any."""
    from appliance.tenancy import postgresql
    from appliance.tenancy.site import Site

    with _locked(data) as settings, Site.open(settings) as site:
        made = postgresql.provision(site, url, spare)
    click.echo(f"{made} schemas made, {spare} are ready")


@database.command()
@_DATA
@_ADMINISTRATOR
@_JSON
def migrate(data: Path | None, url: str, as_json: bool) -> None:
    """Bring every schema to this version of the appliance, which must not run."""
    from appliance.tenancy import postgresql

    with _locked(data) as settings:
        applied = postgresql.migrate(settings.database_file, url)
    if as_json:
        click.echo(json.dumps(applied, indent=2))
        return
    for schema, steps in applied.items():
        click.echo(f"{schema}: {', '.join(steps) or 'up to date'}")


@contextmanager
def _locked(data: Path | None) -> Iterator[Settings]:
    """The settings of an appliance on PostgreSQL, while nobody else founds or administers it.

    Raises
    ------
    Misconfigured : its databases are files
    """
    from appliance.config.settings import load_settings
    from appliance.crypto.private import locked_folder
    from appliance.errors import Misconfigured

    settings = load_settings(data)
    if not settings.database_file.exists():
        raise Misconfigured("database.files", f"The databases of {settings.data} are files.", "d2r up migrates them.")
    with locked_folder(settings.data):
        yield settings
