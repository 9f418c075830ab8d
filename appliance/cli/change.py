"""``d2r change``: two scans of one thing in; what changed between them, and how small a change they can show."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

_FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
_UNIT = click.Choice(["mm", "m", "in", "ft", "cm", "um"])


class _Cores(click.ParamType[float | Path]):
    """A distance between core points in mm, or a file that holds them."""

    name = "MM|FILE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float | Path:
        try:
            return float(value)
        except ValueError:
            path: Path = _FILE.convert(value, param, ctx)
            return path


@click.command()
@click.argument("first", metavar="SCAN_A", type=_FILE)
@click.argument("second", metavar="SCAN_B", type=_FILE)
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder for results.")
@click.option("--cores", type=_Cores(), help="Distance between core points in mm, or a file of them.")
@click.option("--radius", type=float, help="Radius of the cylinder whose points are averaged, mm.")
@click.option(
    "--scale", "scales", type=float, multiple=True, help="Diameter that normals are found in, mm; may repeat."
)
@click.option("--depth", type=float, help="How far a change is sought to either side, mm.")
@click.option("--registration-mm", type=float, default=0.0, help="Added to the level of detection.")
@click.option("--align", is_flag=True, help="Fit B to A first; the residual is added to the level of detection.")
@click.option("--robust", is_flag=True, help="Median and interquartile range instead of mean and deviation.")
@click.option("--up", "upwards", is_flag=True, help="Change is positive upwards, wherever the scanner stood.")
@click.option("--units", type=_UNIT, help="Unit of the scans (default mm; E57 is in metres).")
@click.option("--json", "as_json", is_flag=True, help="Print result.json instead of a table.")
def change(
    first: Path, second: Path, out: Path, cores: float | Path | None, radius: float | None, scales: tuple[float, ...],
    depth: float | None, registration_mm: float, align: bool, robust: bool, upwards: bool, units: str | None,
    as_json: bool,
) -> int:  # fmt: skip
    """Compare SCAN_B with SCAN_A without a CAD model (M3C2).

    Scales that are not given follow from how dense the coarser scan is. Exit code: 0 compared, 3 error.
    """
    from appliance.cli.inspect import scan_unit
    from appliance.cli.line import make_folder
    from appliance.cli.terminal import progress_bars
    from appliance.inspections.change import ChangeRequest, change_of_files
    from appliance.inspections.result import plain

    request = ChangeRequest(
        first=first, second=second, cores=cores, normal_mm=scales, radius_mm=radius, half_length_mm=depth,
        registration_mm=registration_mm, register=align, robust=robust, upwards=upwards,
        first_unit=scan_unit(first, units), second_unit=scan_unit(second, units),
    )  # fmt: skip
    make_folder(out)
    with progress_bars(shown=not as_json) as watcher:
        result = change_of_files(request, out, watcher)
    if as_json:
        click.echo(json.dumps(plain(result), indent=2, ensure_ascii=False))
    else:
        _print(result)
        click.echo(f"written to {out}")
    return 0


def _print(result: Mapping[str, Any]) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from appliance.cli.terminal import result_console

    title = Text(f"{result['second']['name']} against {result['first']['name']}")
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, show_header=False)
    for name, value in _rows(result):
        table.add_row(name, value)
    result_console().print(table)


def _rows(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    found, scales, fit = result["change"], result["scales"], result["registration"]
    distance = found["distance_mm"]
    diameters = ", ".join(f"{x:.4g}" for x in scales["normal_mm"])
    rows = [
        ("point spacing", f"{result['spacing_mm']:.4g} mm"),
        ("normals in", f"{diameters} mm, positive {result['positive']}"),
        ("cylinder", f"radius {scales['radius_mm']:.4g} mm, {scales['half_length_mm']:.4g} mm to either side"),
        ("core points", f"{found['cores']:,}, compared {found['compared']:,}"),
    ]
    if fit is not None:
        freedoms = f", {fit['open_freedoms']} freedoms left open" if fit["open_freedoms"] else ""
        rest = "" if fit["at_rest"] else ", did not come to rest"
        rows.append(("registration", f"residual {fit['residual_mm']:.4f} mm{freedoms}{rest}"))
    if found["compared"]:
        rows.append(("change", f"median {distance['p50']:+.4f} mm, {distance['min']:+.4f} … {distance['max']:+.4f} mm"))
    if found["with_level"]:
        share = 100.0 * found["significant"] / found["with_level"]
        rows.append(("level of detection", f"median {found['lod_median_mm']:.4f} mm"))
        rows.append(("significant", f"{found['significant']:,} ({share:.1f} %), gain {found['significant_gain']:,}, "
                     f"loss {found['significant_loss']:,}"))  # fmt: skip
    return rows
