"""Compiled kernels of all stations: warmed once, before anybody waits for them.

``python -m appliance.supervise.kernels`` compiles what is missing and ends, and its compiler's memory with it.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any, Final

from appliance.core.logs import write_logs

log = logging.getLogger(__name__)

#: Modules with a ``warm_up()`` that calls their kernels with the types that production uses.
WARM: Final = (
    "appliance.cad.warm",
    "appliance.scans.warm",
    "appliance.scans.tiles.warm",
    "appliance.scans.export.warm",
    "appliance.mesh.warm",
    "appliance.alignment.warm",
    "appliance.deviation.warm",
    "appliance.change.warm",
    "appliance.spc.warm",
    "appliance.reports.render",
)
#: Half of the work, and those that share most kernels with each other: one process compiles them, another the rest.
TOGETHER: Final = frozenset({"appliance.mesh.warm", "appliance.alignment.warm", "appliance.deviation.warm"})
#: Those of them that an inspection has no use for.
NOT_OF_INSPECTIONS: Final = frozenset({"appliance.change.warm", "appliance.spc.warm"})
#: Written into the cache folder when every kernel is in it.
STAMP: Final = "complete"


def warm_up(tell: Callable[[str], None] = lambda _: None) -> None:
    """Compile what is not in the cache, and load all of it into this process."""
    from appliance.core.kernel_cache import cache_folder

    if (cache_folder() / STAMP).exists():
        tell("loading what is compiled ...")
    elif (os.cpu_count() or 1) > 1:
        _compile_in_two(tell)
    else:
        tell(f"compiling {_short(WARM)} ...")
    _warm(WARM)
    (cache_folder() / STAMP).touch()


def _compile_in_two(tell: Callable[[str], None]) -> None:
    """Fill the cache by two processes; what they leave out, whatever the reason, who loads it compiles.

    Two that compile one function at the same time keep one result: the compiler's index of a file has no lock.
    """
    running = []
    for group in ([name for name in WARM if name in TOGETHER], [name for name in WARM if name not in TOGETHER]):
        tell(f"compiling {_short(group)} ...")
        running.append(subprocess.Popen([sys.executable, "-m", "appliance.supervise.kernels", *group]))
    for process in running:
        process.wait()


def _warm(names: Iterable[str]) -> None:
    for name in names:
        import_module(name).warm_up()


def _short(names: Iterable[str]) -> str:
    return ", ".join(name.removeprefix("appliance.").removesuffix(".warm") for name in names)


def load_compiled(without: frozenset[str] = frozenset()) -> int:
    """Load every compiled kernel into this process without running any; returns how many.

    ``without`` names modules of ``WARM`` whose kernels can wait until somebody needs them.

    What is not compiled yet is compiled in another process first.  The compiler's cache has no public way to be read
    ahead; where a later one keeps its index elsewhere, kernels are loaded by running them.
    """
    from appliance.core.kernel_cache import cache_folder

    if not (cache_folder() / STAMP).exists():
        log.info("compiling the numeric kernels, once; this takes a minute or two")
        subprocess.run([sys.executable, "-m", "appliance.supervise.kernels"], check=False)  # if it fails, so does this
    for name in WARM:
        if name not in without:
            import_module(name)
    try:
        return sum(_load(dispatcher) for dispatcher in _dispatchers())
    except AttributeError:
        warm_up()
        return 0


def _dispatchers() -> list[Any]:
    """The compiled functions of all imported stations that have a cache on the disk."""
    modules = [module for name, module in list(sys.modules.items()) if name.startswith("appliance.")]
    values = {id(value): value for module in modules for value in vars(module).values()}
    compiled = [value for value in values.values() if type(value).__name__ == "CPUDispatcher"]
    return [dispatcher for dispatcher in compiled if dispatcher._cache.cache_path]


def _load(dispatcher: Any) -> int:
    """Load every version of a function that the cache holds for this machine."""
    cache, target = dispatcher._cache, dispatcher.targetctx.codegen()
    keys = [key for key in cache._cache_file._load_index() if key == cache._index_key(key[0], target)]
    for signature, *_ in keys:
        dispatcher.compile(signature)
    return len(keys)


if __name__ == "__main__":
    write_logs("kernels")
    if sys.argv[1:]:
        _warm(sys.argv[1:])
    else:
        warm_up(log.info)
