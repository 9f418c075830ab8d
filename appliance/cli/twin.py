"""``d2r twin``: what is known of an asset's surface, version by version."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from appliance.cli.remote import Columns, limit_option, print_record, print_records, remote

if TYPE_CHECKING:
    from appliance.client.api import Api

_VERSIONS: Columns = {
    "no.": lambda row: str(row["number"]), "measured": lambda row: row["measured_at"][:19].replace("T", " "),
    "verdict": "verdict", "seen": lambda row: f"{100 * row['coverage']:.0f} %",
    "counts": lambda row: "no" if row["superseded_by"] else "yes", "why": "reason", "id": "id",
}  # fmt: skip
_CHANGES: Columns = {
    "zone": "zone", "cells": lambda row: f"{row['cells']:,}", "compared": lambda row: f"{row['compared']:,}",
    "changed": lambda row: f"{row['changed']:,}", "mm2": lambda row: f"{row['changed_area_mm2']:.3g}",
    "from mm": lambda row: _number(row["lowest_mm"]), "to mm": lambda row: _number(row["highest_mm"]),
    "seen before": lambda row: f"{100 * row['coverage_before']:.0f} %",
    "after": lambda row: f"{100 * row['coverage_after']:.0f} %", "u unknown": lambda row: f"{row['unknown']:,}",
}  # fmt: skip
_TRENDS: Columns = {
    "zone": "zone", "cells": lambda row: f"{row['cells']:,}", "followed": lambda row: f"{row['followed']:,}",
    "losing": lambda row: f"{row['falling']:,}", "gaining": lambda row: f"{row['rising']:,}",
    "mm2": lambda row: f"{row['changing_area_mm2']:.3g}",
    "fastest mm/month": lambda row: " ".join(filter(None, map(_number, (row["fastest_fall"], row["fastest_rise"])))),
}  # fmt: skip
_FORMS: Final = (".ply", ".glb")


@click.group()
def twin() -> None:
    """Twins: what is known of the surface of each asset, version by version."""


@twin.command("list")
@click.argument("asset", required=False)
@click.option("--counting", is_flag=True, help="Leave out what was amended or rolled back.")
@limit_option(100)
@remote
def list_(api: Api, asset: str | None, counting: bool, limit: int, as_json: bool) -> None:
    """List the versions of ASSET's twin, or the newest state of all twins."""
    if asset is None:
        found = api.twins.list_twins(at_most=limit)
    else:
        found = api.twins.list_twin_versions(_asset(api, asset), counting=counting or None, at_most=limit)
    print_records(found, _VERSIONS, as_json=as_json)


@twin.command()
@click.argument("asset")
@click.option("--measured-until", metavar="TIME", help="As the part was then.")
@click.option("--recorded-until", metavar="TIME", help="As it was known then.")
@remote
def show(api: Api, asset: str, measured_until: str | None, recorded_until: str | None, as_json: bool) -> None:
    """Show ASSET's twin, now or as of a moment (RFC 3339)."""
    found = api.twins.get_twin(_asset(api, asset), measured_until=measured_until, recorded_until=recorded_until)
    print_record(found, as_json=as_json)


@twin.command()
@click.argument("before")
@click.argument("after")
@remote
def compare(api: Api, before: str, after: str, as_json: bool) -> None:
    """Show what changed from version BEFORE to version AFTER, beyond the uncertainty of both."""
    found = api.twins.compare_twin_versions(after, against=before)
    if as_json:
        print_record(found, as_json=True)
        return
    print_records(found["zones"], _CHANGES, as_json=False)
    lost = f" {found['no_counterpart']:,} cells are not on the CAD before." if found["no_counterpart"] else ""
    rule = f"beyond {found['k']:g} u of both, on average at most {found['false_discovery_rate']:.0%} of them false"
    click.echo(f"Changed: {rule}.{lost}")


@twin.command()
@click.argument("asset")
@click.argument("version")
@click.option("--reason", required=True)
@remote
def rollback(api: Api, asset: str, version: str, reason: str, as_json: bool) -> None:
    """Make ASSET's twin what it was at VERSION; what was measured after it counts no longer."""
    print_record(api.twins.roll_back_twin(_asset(api, asset), version=version, reason=reason), as_json=as_json)


_since = click.option("--since", metavar="TIME", help="Measured at this moment or later: after a repair, say.")
_until = click.option("--until", metavar="TIME", help="Measured before this moment.")
_across = click.option("--across-revisions", is_flag=True, help="Follow the part through changes of its CAD.")


@twin.command("map")
@click.argument("asset")
@_since
@_until
@_across
@remote
def map_(
    api: Api, asset: str, since: str | None, until: str | None, across_revisions: bool, as_json: bool
) -> None:  # fmt: skip
    """Show how fast ASSET changes, zone by zone."""
    found = api.twins.get_degradation_map(
        _asset(api, asset), since=since, until=until, across_revisions=across_revisions
    )  # fmt: skip
    if as_json:
        print_record(found, as_json=True)
        return
    print_records(found["zones"], _TRENDS, as_json=False)
    span = f"{found['first']['measured_at'][:10]} to {found['last']['measured_at'][:10]}"
    rate = f"{found['false_discovery_rate']:.0%}"
    click.echo(f"{found['versions']} versions, {span}; on average at most {rate} of these cells are false.")


@twin.group()
def export() -> None:
    """Files for any viewer: OUT ends with .ply or .glb."""


@export.command("version")
@click.argument("version")
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
@remote
def export_version(api: Api, version: str, out: Path, as_json: bool) -> None:
    """A VERSION's deviation from CAD."""
    take = {".ply": api.twins.get_field_ply, ".glb": api.twins.get_field_glb}[_form(out)]
    take(version, to=out)
    _told(out, as_json)


@export.command("comparison")
@click.argument("before")
@click.argument("after")
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
@remote
def export_comparison(api: Api, before: str, after: str, out: Path, as_json: bool) -> None:
    """What changed from version BEFORE to version AFTER."""
    take = {".ply": api.twins.get_comparison_ply, ".glb": api.twins.get_comparison_glb}[_form(out)]
    take(after, against=before, to=out)
    _told(out, as_json)


@export.command("map")
@click.argument("asset")
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
@_since
@_until
@_across
@remote
def export_map(
    api: Api, asset: str, out: Path, since: str | None, until: str | None, across_revisions: bool, as_json: bool
) -> None:  # fmt: skip
    """How fast ASSET changes."""
    take = {".ply": api.twins.get_map_ply, ".glb": api.twins.get_map_glb}[_form(out)]
    take(_asset(api, asset), since=since, until=until, across_revisions=across_revisions, to=out)
    _told(out, as_json)


def _asset(api: Api, name: str) -> str:
    from appliance.client.names import addressed

    return addressed(name, api.assets.list_assets)


def _form(out: Path) -> str:
    form = out.suffix.lower()
    if form not in _FORMS:
        raise click.UsageError(f"'{out.name}' ends with neither .ply nor .glb")
    return form


def _told(out: Path, as_json: bool) -> None:
    facts: Mapping[str, Any] = {"file": str(out), "bytes": out.stat().st_size}
    print_record(facts, as_json=as_json)


def _number(value: float | None) -> str:
    return "" if value is None else format(value, "+.4f")
