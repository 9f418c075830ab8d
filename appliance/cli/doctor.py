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


@click.group(invoke_without_command=True)
@data_option
@click.option("--json", "as_json", is_flag=True, help="Write the findings for programs.")
@click.pass_context
def doctor(context: click.Context, data: Path | None, as_json: bool) -> int:
    """Look at machine, data folder, databases, processes and queue; change nothing.

    Exit code 0: all is well, or warnings only. 3: something failed.
    """
    if context.invoked_subcommand is not None:
        return 0
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


@doctor.command()
@data_option
@click.option("--attempts", type=click.IntRange(min=1), default=4000, show_default=True, help="How many to make.")
@click.option("--seed", type=int, default=None, help="Repeat an earlier run (default: by chance).")
@click.option("--json", "as_json", is_flag=True, help="Write the outcome for programs.")
def isolation(data: Path | None, attempts: int, seed: int | None, as_json: bool) -> int:
    """Try to reach one workspace from another, for real, between two that are made for it and destroyed afterwards.

    Exit code 0: every attempt was refused or brought nothing. 3: something leaked.
    """
    import secrets

    from appliance.config.settings import load_settings
    from appliance.isolation.check import check_isolation
    from appliance.tenancy.site import Site

    chosen = secrets.randbelow(2**31) if seed is None else seed
    with Site.open(load_settings(data)) as site:
        outcomes = check_isolation(site, attempts, chosen)
    leaks = sum(len(outcome.leaks) for outcome in outcomes.values())
    if as_json:
        by_kind = {kind: asdict(outcome) for kind, outcome in outcomes.items()}
        click.echo(json.dumps({"attempts": attempts, "seed": chosen, "leaks": leaks, "kinds": by_kind}, indent=1))
        return EXIT_ERROR if leaks else 0
    console = result_console()
    for kind, outcome in outcomes.items():
        sign, style = _SIGNS["failed" if outcome.leaks else "ok"]
        told = f"{outcome.attempts} attempts, {outcome.refused} refused, {outcome.answered} brought nothing"
        console.print(Text(f"{sign} {kind}: ", style=style).append(told, style="default"))
        for leak in outcome.leaks[:3]:
            console.print(Text(f"    LEAK: {leak}", style="bold red"))
    console.print(f"{attempts} attempts (seed {chosen}), {leaks} leaks", highlight=False)
    return EXIT_ERROR if leaks else 0
