"""``d2r up``: the whole appliance, in the foreground or detached."""

from __future__ import annotations

from pathlib import Path

import click

from appliance.cli.appliance import data_option, print_processes, say


@click.command()
@data_option
@click.option("--detach", is_flag=True, help="Return when everything is ready; d2r down ends it.")
def up(data: Path | None, detach: bool) -> None:
    """Run the appliance: queue, web, live events, workers, scheduler.

    Ctrl-C ends it in order.  What the processes say lies in the data folder, logs/.
    """
    from appliance.config.settings import load_settings
    from appliance.supervise.running import up as run_up
    from appliance.supervise.running import up_detached

    settings = load_settings(data)
    if detach:
        print_processes(up_detached(settings))
    else:
        run_up(settings, say, print_processes)
        say("stopped")
