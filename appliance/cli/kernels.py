"""``d2r kernels``: compile every numeric kernel once, so that nobody's first scan pays for it."""

from __future__ import annotations

import time

import click


@click.command()
@click.option("--quiet", is_flag=True, help="Say nothing where the cache is already full.")
def kernels(quiet: bool) -> None:
    """Compile and cache the numeric kernels."""
    from appliance.core.kernel_cache import cache_folder
    from appliance.supervise.kernels import STAMP, warm_up

    if (cache_folder() / STAMP).exists() and quiet:
        return
    started = time.perf_counter()
    warm_up(click.echo)
    click.echo(f"kernels compiled in {time.perf_counter() - started:.0f} s, cached in {cache_folder()}")
