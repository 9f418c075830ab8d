"""``d2r up``: the whole appliance, in the foreground or detached."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import click

from appliance.cli.appliance import data_option, print_processes, say

#: Where ``d2r init`` and ``d2r database`` may find the administrator of PostgreSQL.
ADMINISTRATOR: Final = "D2R_DATABASE_ADMIN"


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

    os.environ.pop(ADMINISTRATOR, None)  # the running appliance holds no connection that could change a schema
    settings = load_settings(data)
    if detach:
        print_processes(up_detached(settings))
    else:
        run_up(settings, say, print_processes)
        say("stopped")
