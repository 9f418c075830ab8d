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
    from appliance.isolation.records import Outcome
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
    return 0 if context.invoked_subcommand else _look(data, as_json)


@doctor.command()
@data_option
@click.option("--attempts", type=click.IntRange(min=1), default=5000, show_default=True, help="How often to try.")
@click.option("--seed", type=int, help="Of the generator, to repeat a run (default: another one each time).")
@click.option("--json", "as_json", is_flag=True, help="Write the outcome for programs.")
def isolation(data: Path | None, attempts: int, seed: int | None, as_json: bool) -> int:
    """Try to see one workspace from inside another; both are made for it and destroyed afterwards.

    Exit code 0: nothing showed. 3: something did, or a kind of attempt could not have found anything.
    """
    from secrets import randbits

    from appliance.config.settings import load_settings
    from appliance.isolation.suite import examine
    from appliance.tenancy.site import Site

    with Site.open(load_settings(data)) as site:
        outcome = examine(site, attempts, randbits(32) if seed is None else seed)
    _print_json(outcome) if as_json else _print_outcome(outcome)
    return 0 if outcome.is_tight else EXIT_ERROR


def _look(data: Path | None, as_json: bool) -> int:
    from appliance.config.settings import load_settings
    from appliance.supervise.doctor.checks import examine

    findings = examine(load_settings(data))
    if as_json:
        found = list(findings)
        click.echo(json.dumps([asdict(finding) for finding in found], indent=1))
    else:
        found = _print(findings)
    return EXIT_ERROR if any(finding.state == "failed" for finding in found) else 0


def _print_json(outcome: Outcome) -> None:
    record = asdict(outcome) | {"attempts": outcome.made, "tight": outcome.is_tight}
    click.echo(json.dumps(record, indent=1))


def _print_outcome(outcome: Outcome) -> None:
    console = result_console()
    for name, tally in outcome.kinds.items():
        console.print(Text(f"{name}: {tally.made} tried, {tally.refused} refused, {tally.answered} answered"))
    for leak in dict.fromkeys(outcome.leaks):
        console.print(Text(f"✘ {leak} ({outcome.leaks.count(leak)} times)", style="bold red"))
    for name in outcome.unproven:
        console.print(Text(f"✘ {name}: finds nothing from inside either, so it proves nothing", style="bold red"))
    console.print(
        Text(f"{outcome.made} attempts in {outcome.seconds:.1f} s, {len(outcome.leaks)} leaks (seed {outcome.seed})")
    )


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
