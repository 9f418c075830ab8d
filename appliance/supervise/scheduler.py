"""The scheduler: does each task when it is due, one after the other.  ``python -m appliance.supervise.scheduler``.

Any number may run; the one that holds the lock works, the others wait for it.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Final

from appliance.config.settings import Settings, load_settings
from appliance.core.logs import write_logs
from appliance.supervise.lock import RunLock
from appliance.supervise.programs import scheduler_beat
from appliance.supervise.readiness import beat
from appliance.supervise.tasks import Task, tasks
from appliance.tenancy.site import Site

log = logging.getLogger(__name__)

LOCK_FILE: Final = "scheduler.lock"
#: A sign of life at least this often.
BEAT_S: Final = 2.0
FIRST_ROUND_S: Final = 3.0


class Scheduler:
    """Runs tasks of a site until told to stop.

    Parameters
    ----------
    alive : called at every round
    first_round_s : until the first round; the processes that start beside it need the cores more
    """

    def __init__(
        self, site: Site, todo: Sequence[Task], alive: Callable[[], None], first_round_s: float = FIRST_ROUND_S
    ) -> None:
        self._site = site
        self._due = dict.fromkeys(todo, time.monotonic() + first_round_s)
        self._alive = alive
        self._stop = threading.Event()

    def stop(self) -> None:
        """Let the running task end, and begin no other."""
        self._stop.set()

    def run(self) -> None:
        """Work until told to stop."""
        while not self._stop.is_set():
            self._alive()
            for task in self._due:
                if not self._stop.is_set() and time.monotonic() >= self._due[task]:
                    self._do(task)
                    self._due[task] = time.monotonic() + task.period_s
            self._stop.wait(max(0.0, min(BEAT_S, min(self._due.values()) - time.monotonic())))

    def _do(self, task: Task) -> None:
        try:
            task.run(self._site)
        except Exception:  # whatever one task cannot do now (a full disk, a locked file), the others still can
            log.exception("could not %s; it is tried again in %.0f s", task.name, task.period_s)


def main(settings: Settings) -> None:
    """Open the site, wait for the lock, work."""
    with Site.open(settings) as site:
        path = scheduler_beat(settings)
        scheduler = Scheduler(site, tasks(settings), lambda: beat(path))
        told = threading.Event()

        def stop(signum: int, frame: FrameType | None) -> None:
            told.set()
            scheduler.stop()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        lock = RunLock(settings.run_folder / LOCK_FILE)
        while not lock.take():
            beat(path)
            if told.wait(BEAT_S):
                return
        scheduler.run()


if __name__ == "__main__":
    _settings = load_settings()
    write_logs("scheduler", _settings.log_level)
    main(_settings)
