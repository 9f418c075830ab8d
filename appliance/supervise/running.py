"""``d2r up``, ``d2r down``, ``d2r status`` as functions: bring an appliance up, end it, look at it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from appliance import __version__
from appliance.config.settings import Settings
from appliance.core.process import proportional_bytes, with_descendants
from appliance.errors import Unavailable
from appliance.supervise.lock import RunLock, holder
from appliance.supervise.logs import LogFile, last_message
from appliance.supervise.preflight import check_initialised, check_start
from appliance.supervise.prepare import Preparation, mark_clean
from appliance.supervise.programs import FINISH_S, programs
from appliance.supervise.records import ApplianceStatus
from appliance.supervise.status import LOCK_FILE, read_status
from appliance.supervise.supervisor import Supervisor

#: Longest that an orderly end can take: workers finish, give back, are killed; Redis follows.
DOWN_WITHIN_S: Final = 2 * FINISH_S + 20.0
_POLL_S: Final = 0.05


def up(settings: Settings, tell: Callable[[str], None], on_ready: Callable[[ApplianceStatus], None]) -> None:
    """Run the appliance in this process until it is told to stop.

    Raises
    ------
    Misconfigured, Unavailable : an obstacle, with what to do about it
    Conflict : it runs already
    """
    check_initialised(settings)
    log = supervisor_log(settings)

    def tell_and_note(line: str) -> None:
        log.say(line, "WARNING")
        with suppress(OSError):  # nobody reads our output any more: no reason to stop
            tell(line)

    def ready(status: ApplianceStatus) -> None:
        log.say(f"ready in {status.ready_s:.1f} s: {status.url}")
        on_ready(status)

    with RunLock(settings.run_folder / LOCK_FILE):
        began = time.monotonic()
        check_start(settings)
        log.say(f"starting, version {__version__}, process {os.getpid()}")
        supervisor = Supervisor(settings, programs(settings), tell_and_note, began)
        supervisor.run(Preparation(settings).is_done, ready)
        mark_clean(settings)
        log.say("stopped")


def up_detached(settings: Settings) -> ApplianceStatus:
    """Run the appliance in a process of its own; returns when it is ready.

    Raises
    ------
    Misconfigured, Unavailable : an obstacle, with what to do about it, or it ended before it was ready
    Conflict : it runs already
    """
    check_initialised(settings)
    with RunLock(settings.run_folder / LOCK_FILE):
        check_start(settings)
    process = subprocess.Popen(
        [sys.executable, "-m", "appliance.supervise.main"],
        env={**os.environ, "D2R_DATA": str(settings.data)}, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while process.poll() is None:
        status = read_status(settings)
        if status.pid == process.pid and status.ready_s is not None:
            return status
        time.sleep(_POLL_S)
    path = supervisor_log(settings).path
    raise Unavailable("up.start", f"It did not start: {last_message(path).rpartition(chr(32))[0]}", "")


def supervisor_log(settings: Settings) -> LogFile:
    """Where the supervisor notes what it did."""
    return LogFile(settings.logs_folder, "supervisor")


def down(settings: Settings) -> float | None:
    """End the running appliance in order; returns how long it took in seconds, None where none runs.

    Raises
    ------
    Unavailable : it did not end in time, or this user may not end it
    """
    path = settings.run_folder / LOCK_FILE
    pid = holder(path)
    if pid is None:
        return None
    began = time.monotonic()
    try:
        os.kill(pid, signal.SIGTERM)
    except PermissionError as error:
        raise Unavailable("down.denied", f"Process {pid} belongs to another user.", "Run as its owner.") from error
    except ProcessLookupError:
        return 0.0
    while time.monotonic() - began < DOWN_WITHIN_S:
        if holder(path) != pid:
            return time.monotonic() - began
        time.sleep(_POLL_S)
    raise Unavailable("down.late", f"Process {pid} has not ended after {DOWN_WITHIN_S:.0f} s.", f"See kill {pid}.")


def memory_bytes(status: ApplianceStatus) -> dict[str, int]:
    """Memory of each process with its children (PSS), and of the supervisor itself."""
    used = {"supervisor": proportional_bytes(status.pid)} if status.pid else {}
    for process in status.processes:
        if process.pid:
            used[process.name] = sum(proportional_bytes(pid) for pid in with_descendants(process.pid))
    return used
