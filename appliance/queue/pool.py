"""A pool of workers, forked from one parent that has everything in memory already.

The library's own pool starts each worker with a scheduler process beside it and looks after them once a second; this
one shares the parent's memory, starts a new worker in milliseconds, and lets none outlive it.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import time
from collections.abc import Callable
from types import FrameType
from typing import Final

from appliance.core.process import die_with

log = logging.getLogger(__name__)

#: A worker that ends sooner than this after its start is started again only after this time.
_PAUSE_S: Final = 1.0
_POLL_S: Final = 0.2


class WorkerPool:
    """``count`` forked children, each in ``work(number)``; ended ones are replaced until the pool is told to stop.

    Parameters
    ----------
    work : runs in the child until the child is told to stop (SIGTERM); a second SIGTERM hurries it
    beat : called in the parent while it watches
    """

    def __init__(self, count: int, work: Callable[[int], None], beat: Callable[[], None] = lambda: None) -> None:
        self._count = count
        self._work = work
        self._beat = beat
        self._children: dict[int, tuple[int, float]] = {}
        self._stopping = False

    def run(self) -> None:
        """Keep the workers going; returns when all have ended after a request to stop."""
        signal.signal(signal.SIGTERM, self._pass_on)
        signal.signal(signal.SIGINT, self._pass_on)
        gc.collect()
        gc.freeze()  # what is loaded now is never looked at again, so its pages stay shared
        gc.enable()
        for number in range(1, self._count + 1):
            self._start(number)
        while self._children:
            self._beat()
            self._replace_ended()
            time.sleep(_POLL_S)

    def _start(self, number: int) -> None:
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._be_worker(number, parent)
        self._children[pid] = (number, time.monotonic())
        if self._stopping:  # told to stop while forking: the child has not heard of it
            os.kill(pid, signal.SIGTERM)

    def _be_worker(self, number: int, parent: int) -> None:
        status = 1
        try:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            die_with(parent)
            self._children.clear()
            self._work(number)
            status = 0
        except SystemExit:
            status = 0
        except Exception:  # the child's last words: a traceback in its log
            log.exception("worker %d ended", number)
        finally:
            os._exit(status)

    def _replace_ended(self) -> None:
        for pid, (number, started) in list(self._children.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if not ended:
                continue
            del self._children[pid]
            if self._stopping:
                continue
            log.warning("worker %d (pid %d) ended with status %d: replaced", number, pid, status)
            time.sleep(max(0.0, _PAUSE_S - (time.monotonic() - started)))
            self._start(number)

    def _pass_on(self, signum: int, frame: FrameType | None) -> None:
        self._stopping = True
        for pid in list(self._children):
            os.kill(pid, signal.SIGTERM)
