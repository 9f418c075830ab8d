"""``d2r changes``: what changed between two scans that the appliance holds."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import click

from appliance.cli.exits import EXIT_ERROR
from appliance.cli.remote import Columns, limit_option, print_record, print_records, remote

if TYPE_CHECKING:
    from appliance.client.api import Api
    from appliance.client.api.changes import ScanChangeOut

State = Literal["requested", "done", "failed", "cancelled"]
_LOOK_EVERY_S: Final = 0.5


def _found(name: str, form: str) -> Any:
    def shown(row: Any) -> str:
        value = row["summary"] and row["summary"]["change"].get(name)
        return "" if value is None else format(value, form)

    return shown


def _share(row: Any) -> str:
    """Core points whose change is significant, of those that have a level of detection."""
    found = row["summary"] and row["summary"]["change"]
    return f"{100 * found['significant'] / found['with_level']:.1f} %" if found and found["with_level"] else ""


_COLUMNS: Columns = {
    "asked for": lambda row: row["requested_at"][:19].replace("T", " "), "state": "state",
    "progress": lambda row: f"{100 * row['progress']:.0f} %", "compared": _found("compared", ","),
    "level mm": _found("lod_median_mm", ".4f"), "significant": _share, "id": "id",
}  # fmt: skip


_wait = click.option("--wait", is_flag=True, help="Wait for the end; the exit code is 0 or 3.")


@click.group()
def changes() -> None:
    """Changes between two stored scans, without CAD."""


@changes.command()
@click.argument("first", metavar="SCAN_A")
@click.argument("second", metavar="SCAN_B")
@click.option("--cores", "cores_mm", type=float, help="Distance between core points, mm.")
@click.option("--scale", "scales_mm", type=float, multiple=True, help="Diameter that normals are found in, mm.")
@click.option("--radius", "radius_mm", type=float, help="Radius of the cylinder whose points are averaged, mm.")
@click.option("--depth", "depth_mm", type=float, help="How far a change is sought to either side, mm.")
@click.option("--registration-mm", type=float, default=0.0, help="Added to the level of detection.")
@click.option("--align", is_flag=True, help="Fit B to A first; the residual is added to the level of detection.")
@click.option("--robust", is_flag=True, help="Median and interquartile range instead of mean and deviation.")
@click.option("--up", "upwards", is_flag=True, help="Change is positive upwards, wherever the scanner stood.")
@click.option("--units", "scan_unit", type=click.Choice(["mm", "m", "in", "ft", "cm", "um"]), help="Of both scans.")
@_wait
@remote
def add(api: Api, scales_mm: tuple[float, ...], wait: bool, as_json: bool, **asked: Any) -> int:
    """Ask what changed from the stored SCAN_A to SCAN_B (ids)."""
    return _followed(api, api.changes.request_scan_change(scales_mm=list(scales_mm), **asked), wait, as_json)


@changes.command("list")
@click.option("--asset", help="Name or id.")
@click.option("--state", type=click.Choice(get_args(State)))
@limit_option(50)
@remote
def list_(api: Api, asset: str | None, state: State | None, limit: int, as_json: bool) -> None:
    """List changes, the newest first."""
    found = api.changes.list_scan_changes(asset=asset, state=state, at_most=limit)
    print_records(found, _COLUMNS, as_json=as_json)


@changes.command()
@click.argument("change")
@remote
def show(api: Api, change: str, as_json: bool) -> None:
    """Show where the computing of a CHANGE stands, and what was found."""
    print_record(api.changes.get_scan_change(change), as_json=as_json)


@changes.command()
@click.argument("change")
@remote
def cancel(api: Api, change: str, as_json: bool) -> None:
    """Stop computing a CHANGE."""
    print_record(api.changes.cancel_scan_change(change), as_json=as_json)


@changes.command()
@click.argument("change")
@_wait
@remote
def retry(api: Api, change: str, wait: bool, as_json: bool) -> int:
    """Take a failed or cancelled CHANGE up again."""
    return _followed(api, api.changes.retry_scan_change(change), wait, as_json)


@changes.command()
@click.argument("change")
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
@remote
def export(api: Api, change: str, out: Path, as_json: bool) -> None:
    """Fetch the core points of a CHANGE into OUT: .laz, .ply, .npz, or .json with the figures."""
    take = {
        ".laz": api.changes.get_change_laz, ".ply": api.changes.get_change_ply, ".npz": api.changes.get_change_npz,
        ".json": api.changes.get_change_result_json,
    }.get(out.suffix.lower())  # fmt: skip
    if take is None:
        raise click.UsageError(f"'{out.name}' ends with neither .laz nor .ply nor .npz nor .json")
    take(change, to=out)
    print_record({"written": str(out), "size_bytes": out.stat().st_size}, as_json=as_json)


def _followed(api: Api, row: ScanChangeOut, wait: bool, as_json: bool) -> int:
    """Print a change, at its end where that is waited for."""
    while wait and row["state"] == "requested":
        time.sleep(_LOOK_EVERY_S)
        row = api.changes.get_scan_change(row["id"])
    print_record(row, as_json=as_json)
    return EXIT_ERROR if wait and row["state"] != "done" else 0
