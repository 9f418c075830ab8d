"""``d2r down``: end the running appliance, in order."""

from __future__ import annotations

from pathlib import Path

import click

from appliance.cli.appliance import data_option, say


@click.command()
@data_option
def down(data: Path | None) -> None:
    """End the appliance: requests and jobs end first, or give their work back."""
    from appliance.config.settings import load_settings
    from appliance.supervise.running import down as run_down

    seconds = run_down(load_settings(data))
    say("not running" if seconds is None else f"stopped in {seconds:.1f} s")
