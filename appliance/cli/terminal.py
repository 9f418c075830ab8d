"""What a person sees in the terminal: progress of steps, and the table of characteristics.

Progress goes to standard error and only to a terminal; results go to standard output.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

#: Decision -> (word, sign, style); the sign stands beside the colour for those who do not see it.
DECISIONS: Final = {
    "pass": ("PASS", "✔", "bold green"),
    "fail": ("FAIL", "✘", "bold red"),
    "inconclusive": ("INCONCLUSIVE", "?", "bold yellow"),
    "not_measured": ("NOT MEASURED", "–", "bold magenta"),
}


class ProgressBars:
    """A watcher that draws one bar a step."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def begin(self, step: str) -> None:
        self._tasks[step] = self._progress.add_task(step, total=1.0)

    def advance(self, step: str, fraction: float) -> None:
        self._progress.update(self._tasks[step], completed=fraction)

    def end(self, step: str, seconds: float) -> None:
        self._progress.update(self._tasks[step], completed=1.0)


@contextmanager
def progress_bars(*, shown: bool = True, transient: bool = False) -> Iterator[ProgressBars]:
    """Bars on standard error while the block runs; nothing where it is not a terminal."""
    console = Console(stderr=True)
    columns = (
        SpinnerColumn(finished_text="✔"),
        TextColumn("{task.description:<22}"),
        BarColumn(30),
        TimeElapsedColumn(),
    )
    with Progress(
        *columns, console=console, transient=transient, disable=not (shown and console.is_terminal)
    ) as progress:
        yield ProgressBars(progress)


def decision_text(decision: str) -> Text:
    """A decision as a coloured word with its sign."""
    word, sign, style = DECISIONS[decision]
    return Text(f"{sign} {word}", style=style)


def characteristics_table(result: Mapping[str, Any]) -> Table:
    """The table that ``d2r inspect`` prints; it fits 80 columns."""
    title = Text(f"{result['scan']['name']} against {result['cad']['name']}")
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    table.add_column("characteristic", overflow="fold", min_width=12)
    table.add_column("quantity", overflow="fold", min_width=8)
    for heading in ("limits mm", "value ± U mm", "cover"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("decision", no_wrap=True)
    for row in result["characteristics"]:
        table.add_row(
            Text(row["name"]),
            Text(f"{row['quantity']} of {row['zone']}"),
            limits_text(row),
            value_text(row),
            f"{100 * row['coverage']:.0f} %",
            decision_text(row["decision"]),
        )
    return table


def value_text(row: Mapping[str, Any]) -> str:
    """Value and expanded uncertainty (k = 2) to a tenth of a micrometre, or a dash."""
    if row["value_mm"] is None:
        return "–"
    known = "unknown" if row["U_mm"] is None else f"{row['U_mm']:.4f}"
    return f"{row['value_mm']:+.4f} ± {known}"


def limits_text(row: Mapping[str, Any]) -> str:
    """``-0.1 … 0.1``; for a profile the width of its tolerance zone, which its value is compared with."""
    if row["quantity"] == "profile":
        return f"≤ {row['upper_mm'] - row['lower_mm']:.4g}"
    if row["lower_mm"] is None:
        return f"≤ {row['upper_mm']:.4g}"
    if row["upper_mm"] is None:
        return f"≥ {row['lower_mm']:.4g}"
    return f"{row['lower_mm']:.4g} … {row['upper_mm']:.4g}"


def result_console() -> Console:
    """Standard output: as wide as the terminal, 100 columns where it goes to a file."""
    console = Console()
    return console if console.is_terminal else Console(width=100)


def print_result(result: Mapping[str, Any]) -> None:
    """Table, verdict and reasons on standard output."""
    console = result_console()
    console.print(characteristics_table(result))
    alignment = result["alignment"]
    residual = "–" if alignment["residual_rms_mm"] is None else f"{alignment['residual_rms_mm']:.4f} mm RMS"
    console.print(f"alignment {alignment['mode']}, residual {residual}", highlight=False)
    console.print(Text("verdict ").append_text(decision_text(result["verdict"])))
    for reason in _reasons(result):
        console.print(Text(f"  {reason}", style="dim"))


def _reasons(result: Mapping[str, Any]) -> Iterator[str]:
    yield from result["verdict_reasons"]
    yield from result["alignment"]["reasons"]
    for row in result["characteristics"]:
        for reason in row["reasons"]:
            yield f"{row['name']}: {reason}"
    yield from result["notes"]
