"""``d2r demo``: the whole story in about a minute, on a part that is made here.

A machined housing with named zones, six simulated scans of its life, one inspection after the
other; then the proofs: verification, one flipped byte, a replay.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click


@click.command()
@click.option("--out", default="demo-out", type=click.Path(file_okay=False, path_type=Path), help="Folder to fill.")
@click.option("--points", default=None, type=click.IntRange(10_000, 20_000_000), help="Points in a scan.")
def demo(out: Path, points: int | None) -> int:
    """Make a part, scan it six times, inspect, verify, find a flipped byte, replay."""
    from appliance.cli.terminal import result_console
    from appliance.simulate.series import CASES, POINTS, Series

    began = time.monotonic()
    console = result_console()
    inputs = _fresh(out / "inputs")
    console.print(f"[bold]1  A part and six scans of its life[/bold]  [dim]{inputs}[/dim]")
    series = Series.write(inputs)
    console.print(
        f"   housing.stl, {len(series.part.mesh.triangles):,} triangles, {len(series.part.zones)} named zones"
    )
    console.print("[bold]2  Six inspections[/bold]")
    results = []
    for case in CASES:
        started = time.monotonic()
        scan = series.write_scan(inputs, case, points or POINTS)
        simulated = time.monotonic() - started
        result = _inspect(series, scan, out / case.name)
        seconds = time.monotonic() - started - simulated
        results.append((case.story, result))
        console.print(f"   {case.name}: simulated in {simulated:.1f} s, inspected in {seconds:.1f} s", highlight=False)
    console.print(_table(results))
    _proofs(out)
    console.print(f"Everything lies in [bold]{out}[/bold]; open {out / 'scan-4' / 'report.pdf'} first.")
    console.print(f"[dim]{time.monotonic() - began:.0f} s in all[/dim]")
    return 0


def _fresh(folder: Path) -> Path:
    from appliance.cli.line import make_folder

    shutil.rmtree(folder, ignore_errors=True)
    make_folder(folder)
    return folder


def _inspect(series: Any, scan: Path, folder: Path) -> dict[str, Any]:
    from appliance.cli.line import inspect_and_report
    from appliance.cli.terminal import progress_bars
    from appliance.core.clock import utc_now
    from appliance.inspections.request import InspectionRequest

    request = InspectionRequest(
        scan=scan, cad=series.cad, characteristics=series.plan, inspected_at=utc_now(), fit=True,
        instrument=series.instrument,
    )  # fmt: skip
    shutil.rmtree(folder, ignore_errors=True)
    with progress_bars(transient=True) as watcher:
        return inspect_and_report(request, folder, watcher)


def _table(results: Sequence[tuple[str, Mapping[str, Any]]]) -> Any:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from appliance.cli.terminal import decision_text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("scan", no_wrap=True)
    table.add_column("truth", overflow="fold")
    for heading in ("residual mm", "cover", "worst value ± U mm"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for story, result in results:
        alignment = result["alignment"]
        residual = f"{alignment['residual_rms_mm']:.4f}" + (" ambiguous" if alignment["ambiguous"] else "")
        lowest = min(row["coverage"] for row in result["characteristics"])
        name = result["scan"]["name"].removesuffix(".e57")
        table.add_row(
            name, Text(story), residual, f"{100 * lowest:.0f} %", _worst(result), decision_text(result["verdict"])
        )
    return table


def _worst(result: Mapping[str, Any]) -> str:
    """The value that comes nearest to its limits, or lies farthest beyond them."""
    measured = [row for row in result["characteristics"] if row["conformance_probability"] is not None]
    if not measured:
        return "–"
    row = min(measured, key=lambda item: (item["conformance_probability"], -abs(item["value_mm"])))
    return f"{row['name']} {row['value_mm']:+.3f} ± {row['U_mm']:.3f}"


def _proofs(out: Path) -> None:
    """Verification, a flipped byte, a replay: each as the command that a user would type."""
    report = out / "scan-4" / "report.json"
    tampered = out / "tampered"
    shutil.rmtree(tampered, ignore_errors=True)
    tampered.mkdir()
    for name in ("report.json", "report.tlog-proof"):
        shutil.copyfile(out / "scan-4" / name, tampered / name)
    data = bytearray((tampered / "report.json").read_bytes())
    data[len(data) // 2] ^= 1
    (tampered / "report.json").write_bytes(data)
    click.secho("3  Proofs", bold=True)
    _show(["verify", str(report)])
    _show(["verify", str(out / "scan-4" / "evidence.zip")])
    _show(["verify", str(tampered / "report.json")], "one bit of it flipped")
    _show(["replay", str(out / "scan-4")])


def _show(arguments: list[str], remark: str = "") -> None:
    from appliance.cli.main import run

    click.echo(f"   $ d2r {' '.join(arguments)}" + (f"   # {remark}" if remark else ""))
    code = run(arguments)
    click.secho(f"   exit code {code}\n", dim=True)
