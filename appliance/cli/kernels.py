"""``d2r kernels``: compile every numeric kernel once, so that nobody's first scan pays for it."""

from __future__ import annotations

import time
from importlib import import_module
from typing import Final

import click

#: Modules with a ``warm_up()`` that calls their kernels with the types that production uses.
WARM: Final = (
    "appliance.cad.warm",
    "appliance.scans.warm",
    "appliance.scans.tiles.warm",
    "appliance.scans.export.warm",
    "appliance.mesh.warm",
    "appliance.alignment.warm",
    "appliance.deviation.warm",
    "appliance.reports.render",
)


@click.command()
@click.option("--quiet", is_flag=True, help="Say nothing where the cache is already full.")
def kernels(quiet: bool) -> None:
    """Compile and cache the numeric kernels."""
    from appliance.core.kernels import cache_folder

    stamp = cache_folder() / "complete"
    if stamp.exists() and quiet:
        return
    started = time.perf_counter()
    for name in WARM:
        click.echo(f"compiling {name.removeprefix('appliance.').removesuffix('.warm')} ...")
        import_module(name).warm_up()
    stamp.touch()
    click.echo(f"kernels compiled in {time.perf_counter() - started:.0f} s, cached in {cache_folder()}")
