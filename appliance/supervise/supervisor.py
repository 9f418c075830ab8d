"""The parent of all processes: starts them, keeps them going, stops them in order.

One loop and no threads: it forks while it watches.  It reads what the children write, notes who became ready and who
ended, starts again what is due, and hears SIGTERM, SIGINT and SIGCHLD at once through a pipe.
"""

from __future__ import annotations

import os
import selectors
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import FrameType
from typing import IO, Final

from appliance.config.settings import Settings
from appliance.core.clock import rfc3339, utc_now
from appliance.errors import D2RError, Unavailable
from appliance.supervise.child import Child
from appliance.supervise.logs import LogFile
from appliance.supervise.records import ApplianceStatus, Program
from appliance.supervise.status import write_status

#: Seconds between two looks while something starts, and while all is well.
_BUSY_LOOK_S: Final = 0.02
_CALM_LOOK_S: Final = 0.5
#: A process that ends this often before it was ready once does not start at all.
_START_ATTEMPTS: Final = 3
#: Who is waited for is said this often.
_TELL_S: Final = 10.0


class Supervisor:
    """The processes of one appliance.

    Parameters
    ----------
    programs : the first (the queue) is stopped last, the others together
    tell : receives one line for whatever an operator should know
    began : when ``d2r up`` began, on the monotonic clock
    """

    def __init__(
        self, settings: Settings, programs: Sequence[Program], tell: Callable[[str], None], began: float
    ) -> None:
        self._settings = settings
        self._tell = tell
        self._children = [Child(program, LogFile(settings.logs_folder, program.name)) for program in programs]
        self._selector = selectors.DefaultSelector()
        self._watched: dict[Child, IO[bytes]] = {}
        self._wake, self._waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._selector.register(self._wake, selectors.EVENT_READ)
        self._requests = 0
        self._tell_at = _TELL_S
        self._began = began
        self._started_at = rfc3339(utc_now())
        self._ready_s: float | None = None

    def run(self, is_prepared: Callable[[], bool], on_ready: Callable[[ApplianceStatus], None]) -> None:
        """Start everything, call ``on_ready`` once, keep all going until told to stop, and stop.

        Parameters
        ----------
        is_prepared : whether the databases can be opened by all; asked until it says so

        Raises
        ------
        Unavailable : a process does not start; everything is stopped then
        D2RError : what ``is_prepared`` raises; likewise
        """
        self._listen()
        try:
            self._bring_up(is_prepared)
            if not self._requests:
                self._ready_s = time.monotonic() - self._began
                self._write_status()
                on_ready(self.status())
            while not self._requests:
                self._look()
        finally:
            self._stop_all()
            self._write_status()
            self._selector.close()

    def status(self) -> ApplianceStatus:
        """How everything is doing."""
        return ApplianceStatus(
            running=True, pid=os.getpid(), url=self._settings.effective_public_url, started_at=self._started_at,
            ready_s=self._ready_s, processes=tuple(child.status() for child in self._children),
        )  # fmt: skip

    def _bring_up(self, is_prepared: Callable[[], bool]) -> None:
        """The queue and whoever starts early, beside the check of the databases; then all others."""
        early = [child for child in self._children if child.program.early]
        for child in early:
            child.start()
        while not self._requests and not is_prepared():
            self._look()
        for child in self._children:
            if child not in early:
                child.start()
        while not self._requests and (late := [child for child in self._children if child.state != "ready"]):
            self._look()
            for child in late:
                self._wait_for(child)

    def _wait_for(self, child: Child) -> None:
        """Say now and then what a starting process is at; give up where it is hopeless."""
        waited = time.monotonic() - self._began
        if child.state != "ready" and (waited > child.program.ready_within_s or child.failures >= _START_ATTEMPTS):
            why = child.reason or f"it is not ready after {waited:.0f} s; {child.log.last_line}"
            raise Unavailable("up.start", f"{child.program.name} does not start: {why}.", f"See {child.log.path}.")
        if waited > self._tell_at:
            self._tell_at = waited + _TELL_S
            self._tell(f"waiting for {child.program.name}: {child.log.last_line}")

    def _look(self) -> None:
        """Wait for something to happen, for a moment at most, and see to it."""
        self._watch_outputs()
        calm = all(child.state == "ready" for child in self._children if child.is_running)
        pauses = [child.start_at - time.monotonic() for child in self._children if child.state == "waiting"]
        for key, _ in self._selector.select(max(0.0, min([_CALM_LOOK_S if calm else _BUSY_LOOK_S, *pauses]))):
            if key.data is None:
                self._drain()
            else:
                key.data.read()
        changed = [self._see_to(child) for child in self._children]
        if any(changed):
            self._write_status()

    def _see_to(self, child: Child) -> bool:
        changed = child.poll()
        if changed and child.state == "waiting":
            self._tell(f"{child.program.name} {child.reason}; starting it again")
        elif changed and child.state == "ready" and child.restarts:
            self._tell(f"{child.program.name} is ready again")
        if child.is_due():
            child.start()
            changed = True
        return changed

    def _stop_all(self) -> None:
        """Everything but the queue at the same time, then the queue."""
        for wave in (self._children[1:], self._children[:1]):
            for child in wave:
                child.request_stop()
            asked = {child: (time.monotonic(), 1) for child in wave}
            left = list(wave)
            while left:
                self._watch_outputs()
                for key, _ in self._selector.select(_BUSY_LOOK_S):
                    if key.data is None:
                        self._drain()
                    else:
                        key.data.read()
                left = [child for child in left if not child.stopped()]
                for child in left:
                    asked[child] = self._press(child, *asked[child])

    def _press(self, child: Child, since: float, requests: int) -> tuple[float, int]:
        """Ask again, or end it: its time is over, or the operator is in a hurry."""
        if time.monotonic() - since < child.program.stop_s and self._requests < 2:
            return since, requests
        if requests < child.program.requests:
            child.request_stop()
            return time.monotonic(), requests + 1
        self._tell(f"{child.program.name} did not stop in time and was killed")
        child.kill()
        return since, requests

    def _watch_outputs(self) -> None:
        """Select on the pipes that are open now; closed ones leave first, since their numbers are given again."""
        changed = [child for child in self._children if self._watched.get(child) is not child.output]
        for child in changed:
            if child in self._watched:
                self._selector.unregister(self._watched.pop(child))
        for child in changed:
            if child.output is not None:
                self._selector.register(child.output, selectors.EVENT_READ, child)
                self._watched[child] = child.output

    def _listen(self) -> None:
        signal.set_wakeup_fd(self._waker, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda signum, frame: None)
        for request in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if signal.getsignal(request) is not signal.SIG_IGN:  # as nohup asks
                signal.signal(request, self._count_request)

    def _count_request(self, signum: int, frame: FrameType | None) -> None:
        self._requests += 1

    def _drain(self) -> None:
        with suppress(BlockingIOError):
            while os.read(self._wake, 4096):
                continue

    def _write_status(self) -> None:
        with suppress(D2RError):  # a full disk: the processes matter, not the note about them
            write_status(self._settings, self.status())
