"""Places where a test may kill the process, to see what a crash right there leaves behind.

``D2R_FAULT=scan.committed:3`` kills this process (SIGKILL, nothing is cleaned up) when it comes by the point
``scan.committed`` for the third time; without a number, the first time.  It works only where ``D2R_ALLOW_FAULTS=1``
says that this installation is one to break.  Else a point costs one comparison.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Mapping

from appliance.errors import Misconfigured


def read_fault(environ: Mapping[str, str]) -> tuple[str, int] | None:
    """Name and count of the point to die at; None where nothing is asked for.

    Raises
    ------
    Misconfigured : a fault is asked for where faults are not allowed, or its count is no positive number
    """
    text = environ.get("D2R_FAULT", "")
    if not text:
        return None
    if environ.get("D2R_ALLOW_FAULTS") != "1":
        hint = "Unset it, or set D2R_ALLOW_FAULTS=1 on a machine that holds no real data."
        raise Misconfigured("fault.not_allowed", "D2R_FAULT asks this process to kill itself.", hint)
    name, _, count = text.partition(":")
    if not (count or "1").isdigit() or not int(count or "1"):
        raise Misconfigured("fault.count", f"D2R_FAULT: '{count}' is no count.", "Write name or name:3.")
    return name, int(count or "1")


_armed = read_fault(os.environ)
_passed = 0
_lock = threading.Lock()


def point(name: str) -> None:
    """A step that a crash may follow; named ``area.step``, as in docs/crash-matrix.md."""
    if _armed is not None and _armed[0] == name:
        _pass_by(_armed[1])


def _pass_by(count: int) -> None:
    global _passed
    with _lock:
        _passed += 1
        if _passed == count:
            os.kill(os.getpid(), signal.SIGKILL)
