"""``d2r inspect``: a scan, a CAD model and a plan in; a verdict with its evidence out."""

from __future__ import annotations

import json
from pathlib import Path

import click

_FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
_UNIT = click.Choice(["mm", "m", "in", "ft", "cm", "um"])


@click.command()
@click.argument("scan", type=_FILE)
@click.option("--cad", required=True, type=_FILE, help="STL, PLY, OBJ or STEP.")
@click.option("--characteristics", required=True, type=_FILE, help="Inspection plan: CSV or TOML.")
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder for results.")
@click.option("--alignment", "supplied", type=_FILE, help="JSON with a 4x4 part_from_scanner.")
@click.option("--align", "fit", is_flag=True, help="Fit the scan to the CAD in the plan's mode.")
@click.option("--start", type=_FILE, help="With --align: a rough 4x4 to start from.")
@click.option("--units", type=_UNIT, help="Unit of scan and CAD (default mm; E57 is in metres, STEP says its own).")
@click.option("--scan-units", type=_UNIT, help="Unit of the scan alone.")
@click.option("--cad-units", type=_UNIT, help="Unit of the CAD alone.")
@click.option("--zones", type=_FILE, help="Zone file (default: MODEL.zones.toml beside the CAD).")
@click.option("--instrument", type=_FILE, help="Instrument statement (TOML); without it nothing passes.")
@click.option("--json", "as_json", is_flag=True, help="Print result.json instead of a table.")
def inspect(
    scan: Path, cad: Path, characteristics: Path, out: Path, supplied: Path | None, fit: bool, start: Path | None,
    units: str | None, scan_units: str | None, cad_units: str | None, zones: Path | None, instrument: Path | None,
    as_json: bool,
) -> int:  # fmt: skip
    """Compare SCAN with CAD and decide.

    Exit code: 0 pass, 1 fail, 2 inconclusive or not measured, 3 error.
    """
    if supplied and fit:
        raise click.UsageError("--alignment and --align exclude each other")
    if start and not fit:
        raise click.UsageError("--start goes with --align")
    from appliance.cli.exits import EXIT_OF_DECISION
    from appliance.cli.line import inspect_and_report
    from appliance.cli.terminal import print_result, progress_bars
    from appliance.core.clock import utc_now
    from appliance.inspections.request import InspectionRequest

    request = InspectionRequest(
        scan=scan, cad=cad, characteristics=characteristics, inspected_at=utc_now(), supplied=supplied, fit=fit,
        start=start, scan_unit=scan_units or scan_unit(scan, units), cad_unit=cad_units or _cad_unit(cad, units),
        zones=zones, instrument=instrument,
    )  # fmt: skip
    with progress_bars(shown=not as_json) as watcher:
        result = inspect_and_report(request, out, watcher)
    if as_json:
        click.echo(json.dumps(result, indent=2, ensure_ascii=False))
    else:
        print_result(result)
        click.echo(f"written to {out}")
    return EXIT_OF_DECISION[result["verdict"]]


def scan_unit(scan: Path, units: str | None) -> str | None:
    """``--units`` speaks for formats that do not state their unit; E57 does."""
    return None if scan.suffix.lower() == ".e57" else units


def _cad_unit(cad: Path, units: str | None) -> str | None:
    return None if cad.suffix.lower() in (".step", ".stp") else units
