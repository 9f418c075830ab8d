"""``d2r selftest``: does this installation compute what others published?"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from rich import box
from rich.table import Table
from rich.text import Text

from appliance.cli.exits import EXIT_ERROR
from appliance.cli.terminal import result_console

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from appliance.spc.validation import Check

#: Widths of the table in characters: the longest quantity and figure, and all columns behind the first together.
_QUANTITY: Final = 48
_DIGITS: Final = 20
_FIGURES: Final = 73


@click.group()
def selftest() -> None:
    """Compute published reference numbers again, on this machine."""


@selftest.command()
@click.option("--json", "as_json", is_flag=True, help="Write the statement for programs instead of the table.")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Also write it signed; d2r verify reads it."
)
def statistics(as_json: bool, out: Path | None) -> int:
    """Control charts, capability, gauge studies, trends and sums against published numbers.

    Exit code 0: all agree within the tolerance that stands beside each. 3: something deviates.
    """
    from appliance.core.clock import utc_now
    from appliance.reports.selftest import selftest_statement
    from appliance.spc.validation import validation

    checks = validation()
    statement = selftest_statement(checks, utc_now())
    if as_json:
        click.echo(statement.decode())
    else:
        _print(checks)
    if out:
        _write_signed(statement, out, quiet=as_json)
    return 0 if all(check.agrees for check in checks) else EXIT_ERROR


def _write_signed(statement: bytes, out: Path, *, quiet: bool) -> None:
    from appliance.cli.keys import open_store
    from appliance.core.files import write_whole
    from appliance.reports.selftest import sign_selftest

    signer = open_store().signer()
    write_whole(out, sign_selftest(statement, signer))
    click.echo(f"signed by {signer.verifier.label}: {out}", err=quiet)


def _print(checks: Sequence[Check]) -> None:
    from appliance.inspections.engine import engine_version

    console = result_console()
    for source, some in groupby(checks, key=lambda check: check.source):
        console.print(Text(f"\n{source}", style="bold"))
        _print_of_one_source(tuple(some), console)
    deviating = [check.quantity for check in checks if not check.agrees]
    console.print(Text(f"\nengine {engine_version()}"))
    said = f"✘ {len(deviating)} of {len(checks)} deviate: {', '.join(deviating)}" if deviating else ""
    console.print(Text(said or f"✔ all {len(checks)} agree", style="bold red" if deviating else "bold green"))


def _print_of_one_source(checks: Sequence[Check], console: Console) -> None:
    notes = list(dict.fromkeys(check.note for check in checks if check.note))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), show_edge=False)
    table.add_column("quantity", overflow="fold", width=min(_QUANTITY, console.width - _FIGURES))
    for heading, width in (("published", _DIGITS), ("computed", _DIGITS), ("deviation", 9), ("allowed", 7)):
        table.add_column(heading, justify="right", no_wrap=True, width=width)
    table.add_column("", no_wrap=True)
    for check in checks:
        mark = "*" * (1 + notes.index(check.note)) if check.note else ""
        sign = Text("✔", style="green") if check.agrees else Text("✘", style="bold red")
        sizes = (f"{check.deviation:.1e}", f"{check.tolerance:.1e}")
        table.add_row(Text(f"{check.quantity} {mark}"), check.published, check.computed, *sizes, sign)
    console.print(table)
    for number, note in enumerate(notes, 1):
        console.print(Text(f"{'*' * number} {note}", style="dim"))
