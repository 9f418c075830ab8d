"""Compiled kernels of all stations: warmed once, before anybody waits for them."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Final

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
#: Written into the cache folder when every kernel is in it.
STAMP: Final = "complete"


def warm_up(tell: Callable[[str], None] = lambda _: None) -> None:
    """Compile what is not in the cache, and load all of it into this process."""
    from appliance.core.kernels import cache_folder

    for name in WARM:
        tell(f"compiling {name.removeprefix('appliance.').removesuffix('.warm')} ...")
        import_module(name).warm_up()
    (cache_folder() / STAMP).touch()
