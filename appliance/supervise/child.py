"""One child of the supervisor: started, watched, started again after a pause that grows, stopped.

Each child leads a process group of its own, so that a Ctrl-C in the terminal reaches the supervisor alone, and what a
dead child left of its group can be ended before the next one starts.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from functools import partial
from pathlib import Path
from typing import IO, Final

from appliance.core.clock import rfc3339, utc_now
from appliance.core.process import die_with
from appliance.supervise.logs import LogFile
from appliance.supervise.records import ProcessStatus, Program, State

#: The pause before the first new start, and the longest; it doubles in between.
FIRST_PAUSE_S: Final = 0.1
LONGEST_PAUSE_S: Final = 30.0
#: A child that ran this long is taken as sound: its next end pauses as the first did.
SOUND_S: Final = 60.0
#: A starting child is asked this often whether it is ready.
PROBE_S: Final = 0.05


class Child:
    """A program and the process that runs it now."""

    def __init__(self, program: Program, log: LogFile) -> None:
        self.program = program
        self.log = log
        self.state: State = "starting"
        self.restarts = 0
        self.reason = ""
        self.failures = 0
        self.start_at = 0.0
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._since = ""
        self._probe_at = 0.0
        self._heard: dict[Path, tuple[float, float]] = {}

    @property
    def pid(self) -> int | None:
        """The running process."""
        return self._process.pid if self._process else None

    @property
    def is_running(self) -> bool:
        """Whether there is a process."""
        return self._process is not None

    @property
    def output(self) -> IO[bytes] | None:
        """The pipe that the process writes into."""
        return self._process.stdout if self._process else None

    def start(self) -> None:
        """Start the process in its own group, bound to the life of this one."""
        self._started = time.time()
        self._heard.clear()
        self.log.last_line = ""
        try:
            self._process = subprocess.Popen(
                self.program.command,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                env={**os.environ, **self.program.environment}, process_group=0,
                preexec_fn=partial(die_with, os.getpid()),
            )  # fmt: skip
        except OSError as error:
            self._ended(f"could not be started: {error.strerror}")
            return
        assert self._process.stdout
        os.set_blocking(self._process.stdout.fileno(), False)
        self._become("starting")

    def read(self) -> None:
        """Move what the process wrote into its log."""
        while self.output is not None:
            try:
                data = os.read(self.output.fileno(), 1 << 16)
            except BlockingIOError:
                return
            if not data:
                return
            self.log.feed(data)

    def poll(self) -> bool:
        """Note whether the process became ready, or ended; returns whether anything changed."""
        if self._process is None:
            return False
        status = self._process.poll()
        if status is None and self.state == "starting":
            return self._check_ready()
        if status is None and not self._hangs():
            return False
        self.read()
        self._kill_group()
        if status is None:
            self._process.wait()
        self._ended(_ending(status) if status is not None else f"said nothing for {self.program.silent_s:.0f} s")
        return True

    def request_stop(self) -> None:
        """Ask the process to end."""
        if self._process:
            self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the process and its group, now."""
        if self._process:
            self._kill_group()
            self._process.wait()
            self.read()
            self._close("killed")

    def is_due(self) -> bool:
        """Whether an ended process is to be started again now."""
        return self.state == "waiting" and time.monotonic() >= self.start_at

    def stopped(self) -> bool:
        """After a request to stop: whether the process has ended."""
        if self._process and self._process.poll() is not None:
            self.read()
            self._kill_group()
            self._close("")
        return self._process is None

    def status(self) -> ProcessStatus:
        """How the process is doing."""
        return ProcessStatus(
            self.program.name, self.state, self.pid, self.program.where, self._since, self.restarts, self.reason
        )

    def _check_ready(self) -> bool:
        if time.monotonic() < self._probe_at:
            return False
        ready = self.program.is_ready(self._started)
        self._probe_at = time.monotonic() + PROBE_S
        if not ready:
            return False
        self._become("ready")
        return True

    def _hangs(self) -> bool:
        """Whether a file was not touched for too long; a machine that slept, or a clock that was set, is no sign."""
        now = time.monotonic()
        for path in self.program.beats:
            touched = path.stat().st_mtime if path.exists() else 0.0
            if self._heard.get(path, (-1.0, now))[0] != touched:
                self._heard[path] = (touched, now)
        return any(now - since > self.program.silent_s for _, since in self._heard.values())

    def _ended(self, reason: str) -> None:
        sound = time.time() - self._started >= SOUND_S
        self.failures = 1 if sound else self.failures + 1
        pause = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** (self.failures - 1))
        self.start_at = time.monotonic() + pause
        self.restarts += 1
        self.reason = f"{reason}; {self.log.last_line}" if self.log.last_line else reason
        self.log.say(f"{self.program.name} {reason}; next start in {pause:.1f} s", "WARNING")
        self._release()
        self._become("waiting")

    def _close(self, reason: str) -> None:
        self._release()
        self.reason = reason
        self._become("stopped")

    def _release(self) -> None:
        if self._process and self._process.stdout:
            self._process.stdout.close()
        self._process = None

    def _become(self, state: State) -> None:
        self.state = state
        self._since = rfc3339(utc_now())

    def _kill_group(self) -> None:
        if self._process:
            try:
                os.killpg(self._process.pid, signal.SIGKILL)
            except ProcessLookupError:
                return


def _ending(status: int) -> str:
    if status < 0:
        return f"was ended by {signal.Signals(-status).name}"
    return f"ended by itself with status {status}"
