"""Readers of strangers' files that need no interpreter's start: tests parse thousands of files.

A nursery for every module of parsers, made when it is first asked, forks the child for each file, in milliseconds
instead of a third of a second: as confined, with the same limits and answers.  Processes that tests start (servers,
workers, commands) and the sandbox's own tests start an interpreter for every file, as plants do.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from appliance.foreign import sandbox
from appliance.foreign.limits import Limits
from appliance.foreign.start import Nursery

_cold = sandbox.run_parser


@cache
def _nursery(module: str, process: int) -> tuple[Nursery, threading.Lock]:
    """The nursery of this process, which serves one file at a time; it ends with the process."""
    return Nursery([module]), threading.Lock()


def run_parser(
    parser: str,
    path: Path,
    options: Mapping[str, Any] | None = None,
    *,
    limits: Limits | None = None,
    progress: Callable[[float], None] | None = None,
) -> sandbox.Parsed:
    """As ``sandbox.run_parser``; parsers of tests, which try to break out, do not come here."""
    if not parser.startswith("appliance."):
        return _cold(parser, path, options, limits=limits, progress=progress)
    nursery, free = _nursery(parser.partition(":")[0], os.getpid())
    with free:
        return sandbox.run_in_nursery(nursery, parser, path, options, limits=limits, progress=progress)


def use_in_this_process() -> None:
    """Before the modules are imported that take ``run_parser`` by its name."""
    sandbox.run_parser = run_parser
