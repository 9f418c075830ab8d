"""``d2r doctor``: what is wrong with this appliance, and what to do about it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from rich.text import Text

from appliance.cli.appliance import data_option
from appliance.cli.exits import EXIT_ERROR
from appliance.cli.terminal import result_console

if TYPE_CHECKING:
    from appliance.supervise.doctor.records import Finding

#: State -> (sign, style); the sign stands beside the colour for those who do not see it.
_SIGNS: Final = {
    "ok": ("✔", "green"), "warning": ("!", "bold yellow"), "failed": ("✘", "bold red"), "skipped": ("–", "dim"),
}  # fmt: skip


@click.command()
@data_option
@click.option("--json", "as_json", is_flag=True, help="Write the findings for programs.")
def doctor(data: Path | None, as_json: bool) -> int:
    """Look at machine, data folder, databases, processes and queue; change nothing.

    Exit code 0: all is well, or warnings only. 3: something failed.
    """
    from appliance.config.settings import load_settings
    from appliance.supervise.doctor.checks import examine

    findings = examine(load_settings(data))
    if as_json:
        found = list(findings)
        click.echo(json.dumps([asdict(finding) for finding in found], indent=1))
    else:
        found = _print(findings)
    return EXIT_ERROR if any(finding.state == "failed" for finding in found) else 0


def _print(findings: Iterable[Finding]) -> list[Finding]:
    console = result_console()
    found: list[Finding] = []
    for finding in findings:
        found.append(finding)
        sign, style = _SIGNS[finding.state]
        console.print(Text(f"{sign} {finding.check}: ", style=style).append(finding.measured, style="default"))
        if finding.state in ("warning", "failed"):
            needed = f"needed: {finding.needed}. " if finding.needed else ""
            console.print(Text(f"    {needed}{finding.remedy}"))
    counts = {state: sum(finding.state == state for finding in found) for state in _SIGNS}
    console.print(f"{counts['ok']} well, {counts['warning']} warnings, {counts['failed']} failed", highlight=False)
    return found
