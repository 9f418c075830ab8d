"""``d2r cad``: CAD revisions of parts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from appliance.cli.remote import FILE, UNIT, Columns, Unit, limit_option, print_record, print_records, remote

if TYPE_CHECKING:
    from appliance.client.api import Api

_COLUMNS: Columns = {
    "label": "label", "format": "format", "triangles": "triangles", "added": "created_at", "id": "id",
    "part": "part_id",
}  # fmt: skip
#: How a zone file is called that lies beside its model.
_ZONES = ".zones.toml"


@click.group()
def cad() -> None:
    """CAD revisions: what scans are compared with."""


@cad.command()
@click.argument("part")
@click.argument("file", type=FILE)
@click.option("--zones", type=FILE, help=f"Zone file (default: MODEL{_ZONES} beside FILE, if there is one).")
@click.option("--unit", type=UNIT, help="Unit of a file that states none (default: mm).")
@click.option("--label", help="What people call the revision (default: a number).")
@remote
def add(
    api: Api, part: str, file: Path, zones: Path | None, unit: Unit | None, label: str | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Add FILE (STL, PLY, OBJ, STEP) to PART; its assets are compared with it from now on."""
    beside = file.with_name(f"{file.stem}{_ZONES}")
    chosen = zones or (beside if beside.exists() else None)
    print_record(api.cad_revisions.add_cad_revision(file, chosen, part=part, unit=unit, label=label), as_json=as_json)


@cad.command("list")
@click.option("--part", help="Of one part only.")
@limit_option(1000)
@remote
def list_(api: Api, part: str | None, limit: int, as_json: bool) -> None:
    """List CAD revisions."""
    print_records(api.cad_revisions.list_cad_revisions(part=part, at_most=limit), _COLUMNS, as_json=as_json)


@cad.command()
@click.argument("revision")
@remote
def show(api: Api, revision: str, as_json: bool) -> None:
    """Show the CAD revision with this id, and what was found in its file."""
    print_record(api.cad_revisions.get_cad_revision(revision), as_json=as_json)


@cad.command()
@click.argument("revision")
@remote
def select(api: Api, revision: str, as_json: bool) -> None:
    """Compare the part's assets with this revision from now on."""
    print_record(api.cad_revisions.select_cad_revision(revision), as_json=as_json)
