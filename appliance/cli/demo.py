"""``d2r demo``: the whole story in about a minute, on an appliance and a part that are made here.

An appliance is founded and started; an edge device pushes six simulated scans of a housing's life, one of them over a
link that breaks; verdicts come back; then the proofs: verification, one flipped byte, a replay.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from appliance.cli.demo_line import DemoLine
    from appliance.config.settings import Settings

#: The scan whose push is cut in the middle, and the one whose report is fetched and proven.
_CUT: Final = "scan-3"
_PROVEN: Final = "scan-4"


@click.command()
@click.option("--out", default="demo-out", type=click.Path(file_okay=False, path_type=Path), help="Folder to fill.")
@click.option("--points", default=None, type=click.IntRange(10_000, 20_000_000), help="Points in a scan.")
@click.option("--keep", is_flag=True, help="Leave the appliance running and say how to reach it.")
def demo(out: Path, points: int | None, keep: bool) -> int:
    """Start an appliance, push six scans of a part's life, wait for their verdicts, prove one of them."""
    from appliance.cli.demo_line import DemoLine
    from appliance.cli.terminal import result_console
    from appliance.simulate.series import CASES, POINTS, Series

    began = time.monotonic()
    console = result_console()
    settings = _founded(out)
    with _running(settings, keep=keep):
        _heading("2  A part, its plan, and the device that scans it")
        inputs = out / "inputs"
        series = Series.write(inputs)
        line = DemoLine.open(settings, series, out)
        click.echo(f"   {inputs}/housing.stl, {len(series.part.mesh.triangles):,} triangles; an API key for the device")
        _heading("3  Six scans of its life, pushed as an edge device does")
        for case in CASES:
            scan = series.write_scan(inputs, case, points or POINTS)
            click.echo(f"   {line.push(case, scan, cut=case.name == _CUT)}")
        _heading("4  Verdicts")
        console.print(line.await_verdicts())
        _heading("5  Proofs")
        _prove(line, settings, out)
        _say_where(settings, out, keep=keep)
    console.print(f"[dim]{time.monotonic() - began:.0f} s in all[/dim]")
    return 0


def _founded(out: Path) -> Settings:
    """A new appliance in ``out``/appliance, on ports that are free."""
    from appliance.cli.line import make_folder
    from appliance.cli.ports import free_port
    from appliance.config.settings import load_settings
    from appliance.supervise.running import down

    data = (out / "appliance").resolve()
    if data.exists():
        down(load_settings(data))  # one that was kept running
    for name in ("appliance", "inputs", "receipts", "tampered", "push", "auditor", _PROVEN):
        shutil.rmtree(out / name, ignore_errors=True)
    make_folder(out / "inputs")
    os.environ["D2R_PUSH_STATE"] = str(out / "push")
    _heading("1  An appliance")
    _show(["init", "--data", str(data)])
    ports = {"port": free_port(8470), "realtime_port": free_port(8471)}
    (data / "settings.toml").write_text("".join(f"{name} = {port}\n" for name, port in ports.items()))
    return load_settings(data)


@contextmanager
def _running(settings: Settings, *, keep: bool) -> Iterator[None]:
    """The appliance runs while the block does; afterwards too, if it is kept and nothing failed."""
    from appliance.cli.appliance import print_processes
    from appliance.supervise.running import down, up_detached

    click.echo(f"   $ d2r up --data {settings.data} --detach")
    print_processes(up_detached(settings))
    try:
        yield
    except BaseException:
        down(settings)
        raise
    if not keep:
        down(settings)


def _prove(line: DemoLine, settings: Settings, out: Path) -> None:
    """Verification, a flipped byte, a replay: each as the command that a user would type."""
    folder = line.fetch(_PROVEN, out / _PROVEN)
    trusted = out / "appliance.vkey"
    trusted.write_text(f"{line.verifier_key}\n")
    tampered = out / "tampered"
    tampered.mkdir()
    shutil.copyfile(folder / "report.tlog-proof", tampered / "report.tlog-proof")
    data = bytearray((folder / "report.json").read_bytes())
    data[len(data) // 2] ^= 1
    (tampered / "report.json").write_bytes(data)
    trust = ["--trust", str(trusted)]
    _show(["verify", str(folder / "evidence.zip"), *trust])
    _show(["verify", str(tampered / "report.json"), *trust], "one bit of it flipped")
    click.echo(f"   {line.replay(_PROVEN)}\n")
    _witness(settings, trusted, out)


def _witness(settings: Settings, trusted: Path, out: Path) -> None:
    """An auditor's own machine cosigns the log; from then on nobody can rewrite it unseen."""
    from appliance.audit.witness import Witness

    auditor, exchange = out / "auditor", out / "log.checkpoint"
    log = ["--data", str(settings.data), "--workspace", "main"]
    _show(["witness", "init", str(auditor), "--name", "audit.example/1", "--log", str(trusted)])
    _show(["audit", "witness-exchange", *log, "--out", str(exchange)])
    _show(["witness", "cosign", str(auditor), str(exchange)])
    witness = out / "auditor.vkey"
    witness.write_text(f"{Witness.open(auditor).signer.verifier}\n")
    _show(["audit", "anchor", f"{exchange}.cosigned", *log, "--trust", str(witness)])
    _show(["audit", "verify", *log, "--trust", str(witness)])


def _say_where(settings: Settings, out: Path, *, keep: bool) -> None:
    click.echo(f"   report    {out / _PROVEN / 'report.pdf'}")
    click.echo(f"   evidence  {out / _PROVEN / 'evidence.zip'}")
    click.echo(f"   receipts  {out / 'receipts'}")
    click.echo(f"   appliance {settings.data}")
    if keep:
        click.echo(f"\n   It goes on running: {settings.effective_public_url}/console/")
        click.echo(f"   API key   {settings.admin_key_file.read_text().strip()}")
        click.echo(f"   stop it   d2r down --data {settings.data}")


def _heading(text: str) -> None:
    click.secho(text, bold=True)


def _show(arguments: list[str], remark: str = "") -> None:
    from appliance.cli.main import run

    click.echo(f"   $ d2r {' '.join(arguments)}" + (f"   # {remark}" if remark else ""))
    code = run(arguments)
    click.secho(f"   exit code {code}\n", dim=True)
