"""``d2r status``: what runs where, since when, and with how much memory."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from appliance.cli.appliance import data_option, print_processes, say
from appliance.cli.exits import EXIT_ERROR


@click.command()
@data_option
@click.option("--json", "as_json", is_flag=True, help="Write the answer for programs.")
def status(data: Path | None, as_json: bool) -> int:
    """Show the processes of the appliance. Exit code 3 where it does not run or is not ready."""
    from appliance.config.settings import load_settings
    from appliance.supervise.running import memory_bytes
    from appliance.supervise.status import read_status

    found = read_status(load_settings(data))
    used = memory_bytes(found)
    if as_json:
        click.echo(json.dumps({**asdict(found), "memory_bytes": used}, indent=1))
    elif found.running:
        print_processes(found, used)
    else:
        say("not running")
    ready = found.running and all(process.state == "ready" for process in found.processes)
    return 0 if ready else EXIT_ERROR
