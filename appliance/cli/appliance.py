"""What the commands around the running appliance share: the data folder's option, the table of processes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich import box
from rich.table import Table
from rich.text import Text

from appliance.cli.terminal import result_console

if TYPE_CHECKING:
    from appliance.supervise.records import ApplianceStatus

#: Option ``--data`` of every command that opens an appliance.
data_option = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="The data folder; else D2R_DATA, else ~/.local/share/d2r/appliance.",
)


def say(line: str) -> None:
    """One line about the appliance, on standard error."""
    click.echo(f"d2r: {line}", err=True)


def print_processes(status: ApplianceStatus, used: Mapping[str, int] | None = None) -> None:
    """The table of what runs where, and when it was ready."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    for heading in ("process", "state", "pid", "where"):
        table.add_column(heading, overflow="fold")
    for heading in ("starts", "MB") if used else ("starts",):
        table.add_column(heading, justify="right")
    for process in status.processes:
        pid = "–" if process.pid is None else str(process.pid)
        cells = [process.name, process.state, pid, process.where, str(process.restarts + 1)]
        if used:
            cells.append(f"{used.get(process.name, 0) / 1e6:.0f}")
        table.add_row(*(Text(cell) for cell in cells))
    console = result_console()
    console.print(table)
    if used:
        total = sum(used.values()) / 1e6
        console.print(f"supervisor {status.pid}, {used.get('supervisor', 0) / 1e6:.0f} MB; {total:.0f} MB in all")
    if status.ready_s is not None:
        console.print(f"ready in {status.ready_s:.1f} s: {status.url}", highlight=False, soft_wrap=True)
