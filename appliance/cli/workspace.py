"""``d2r workspace``: workspaces of an appliance, by its owner."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from appliance.cli.appliance import data_option
from appliance.cli.remote import FILE, Columns, print_record, print_records, remote

if TYPE_CHECKING:
    from appliance.client.api import Api

_COLUMNS: Columns = {"slug": "slug", "name": "name", "condition": "condition", "made": "created_at", "id": "id"}
_OUT = click.Path(dir_okay=False, path_type=Path)
_REASON = click.option("--reason", required=True, help="Why; it stands in the audit log.")


@click.group()
def workspace() -> None:
    """Workspaces: made, suspended, moved, destroyed. For the owner of the appliance."""


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


@workspace.command("archive-key")
@click.argument("file", type=_OUT)
def archive_key(file: Path) -> None:
    """Make a key for archives, where they will be opened. FILE gets the private half; give the lock to who exports.

    Whoever has FILE opens every archive that is sealed to its lock. Without it nobody does: keep it.
    """
    from appliance.core.files import write_whole
    from appliance.crypto.archive_key import ArchiveKey
    from appliance.errors import Conflict

    if file.exists():
        raise Conflict("archive.key_file", f"{file} is there already.", "Archives may be sealed to it: name another.")
    key = ArchiveKey.generate()
    write_whole(file, f"{key.text}\n".encode(), 0o600)
    click.echo(key.lock.text)


@workspace.command()
@click.argument("slug")
@_REASON
@click.option("--lock", required=True, help="What d2r workspace archive-key said where it will be imported.")
@click.option("--out", type=_OUT, help="The file (default: SLUG.d2rw).")
@remote
def export(api: Api, slug: str, reason: str, lock: str, out: Path | None, as_json: bool) -> None:
    """Write everything in the workspace SLUG into one sealed file, while it is used or suspended.

    API keys and uploads under way stay behind.
    """
    from appliance.core.files import sha256_of_file

    file = out or Path(f"{slug}.d2rw")
    api.workspaces.export_workspace(slug, file, reason=reason, lock=lock)
    found = {"file": str(file), "size_bytes": file.stat().st_size, "sha256": sha256_of_file(file)}
    print_record(found, as_json=as_json)


@workspace.command("import")
@click.argument("file", type=FILE)
@_REASON
@click.option("--key-file", type=FILE, required=True, help="The private half of the archive key.")
@click.option("--trust", multiple=True, metavar="VKEY|FILE", help="The verifier key of the appliance that exported it.")
@click.option("--slug", help="What to call it here (default: as it was called).")
@click.option("--name", help="What people call it (default: as they did).")
@data_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def import_(
    file: Path, reason: str, key_file: Path, trust: tuple[str, ...], slug: str | None, name: str | None,
    data: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Make a workspace of the archive FILE, on the machine of the appliance, which may run meanwhile.

    It is there whole or not at all. Devices and people need new API keys for it.
    """
    from dataclasses import asdict

    from appliance.cli.audit_logs import keys_of, open_site, owner_of_site, read_file
    from appliance.crypto.archive_key import parse_archive_key
    from appliance.workspaces.importing import Archive, import_workspace

    key = parse_archive_key(read_file(key_file).decode("utf-8", "replace").strip())
    with open_site(data) as site:
        archive = Archive(file, key, (*site.keys.trusted(), *keys_of(trust)))
        made = import_workspace(site, archive, reason, owner_of_site(site), slug, name)
    print_record(asdict(made) | {"condition": made.condition}, as_json=as_json)
