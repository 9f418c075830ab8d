"""Workers: one parent that imports and compiles everything once, a child that takes jobs, a grandchild a job.

Each job runs in a fork of a process that is ready to work: it pays neither imports nor compilation, and whatever it
does to its memory ends with it.  The parent has no threads and no connections while it forks.  A worker that dies
takes its running job with it (the kernel sees to that); the job's lease runs out, and its row is taken up again.

A Redis that goes away costs nothing but time: a running job goes on, and the worker waits for Redis to come back.

Told to stop (SIGTERM), a worker finishes its job; told twice, it asks the job to give its lease back, and kills it
if that takes longer than ``GIVE_BACK_S``.
"""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn

from redis.exceptions import RedisError
from rq import Worker
from rq.exceptions import StopRequested
from rq.executions import Execution
from rq.job import Job
from rq.serializers import JSONSerializer

from appliance.config.settings import Settings
from appliance.core.process import die_with
from appliance.errors import Unavailable
from appliance.queue.connection import connect, queues
from appliance.queue.job import Handler, NamedJob

log = logging.getLogger(__name__)

#: An idle worker says at least this often that it lives, and a busy one too.
HEARTBEAT_S: Final = 10
#: How long a job may take to give its lease back before it is killed.
GIVE_BACK_S: Final = 10.0
#: Pause between two attempts to reach a Redis that is away.
RECONNECT_S: Final = 0.5
_POLL_S: Final = 0.05
#: The queue's library waits 15 s less than a worker's time to live for a job, and asks Redis for 10 s more.
_WORKER_TTL_S: Final = HEARTBEAT_S + 15


class QueueWorker(Worker):
    """The library's worker, made to outlast Redis and to die with its parent.

    Parameters
    ----------
    name : the worker's number; Redis knows it with its process id, since a killed one stays registered for a while
    beat : called whenever the worker shows that it lives
    """

    max_connection_wait_time = 1.0

    def __init__(self, settings: Settings, name: str, beat: Callable[[], None]) -> None:
        client = connect(settings, answer_timeout_s=None)
        super().__init__(
            queues(client), name=f"{name}-{os.getpid()}", connection=client, serializer=JSONSerializer,
            job_class=NamedJob, log_job_description=False, worker_ttl=_WORKER_TTL_S,
            job_monitoring_interval=HEARTBEAT_S,
        )  # fmt: skip
        self._beat = beat

    @property
    def is_told_to_stop(self) -> bool:
        """Whether somebody asked this worker to stop."""
        return self._shutdown_requested_date is not None

    def subscribe(self) -> None:
        """Commands over Redis are not taken: no thread runs while jobs are forked."""

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """Show that the worker lives: to the supervisor in any case, to Redis where it is there."""
        self._beat()
        super().heartbeat(timeout, pipeline)

    def maintain_heartbeats(self, job: Job, execution: Execution) -> None:
        """While a job runs; a Redis that is away does not end it."""
        try:
            super().maintain_heartbeats(job, execution)
        except (RedisError, OSError) as error:
            log.warning("job %s goes on without Redis: %s", job.id, error)

    def execute_job(self, job: Job, queue: Any) -> None:
        """Run the job in a fork; what the databases say about it counts, not what Redis heard."""
        began = time.monotonic()
        log.info("job %s begins", job.id)
        try:
            super().execute_job(job, queue)
        except (RedisError, OSError) as error:
            log.warning("job %s ended while Redis was away: %s", job.id, error)
        log.info("job %s ended after %.3f s", job.id, time.monotonic() - began)

    def main_work_horse(self, job: Job, queue: Any) -> NoReturn:
        """The first instructions of a job's own process."""
        die_with(self.pid or os.getppid())
        super().main_work_horse(job, queue)
        os._exit(0)

    def setup_work_horse_signals(self) -> None:
        """A job that is told to stop gives its lease back, as for any resource that is not there now."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, _give_back)

    def request_force_stop(self, signum: int, frame: Any) -> None:
        """The second request to stop: the job gives its lease back, or is killed."""
        if self.horse_pid:
            self.kill_horse(signal.SIGTERM)
            if not self._horse_ends_within(GIVE_BACK_S):
                self.kill_horse()
                self.wait_for_horse()
        raise SystemExit

    def _horse_ends_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                if os.waitpid(self.horse_pid, os.WNOHANG)[0]:
                    return True
            except ChildProcessError:
                return True
            time.sleep(_POLL_S)
        return False


def _give_back(signum: int, frame: Any) -> NoReturn:
    raise Unavailable("worker.stopping", "The worker is being stopped.", "The job is taken up again.")


def run_worker(
    settings: Settings, handlers: Mapping[str, Handler], name: str, beat: Callable[[], None] = lambda: None
) -> None:
    """Take jobs until told to stop; where Redis is away, wait for it.

    Everything that ``handlers`` need is imported and compiled when this is called.
    """
    NamedJob.handlers = handlers
    logging.getLogger("rq.worker").setLevel(logging.WARNING)  # it says each thing four times
    log.info("worker %s takes jobs", name)
    while True:
        beat()
        try:
            worker = QueueWorker(settings, name, beat)
            worker.work()
            if worker.is_told_to_stop:
                return
        except (RedisError, OSError) as error:
            log.warning("waiting for Redis: %s", error)
        except StopRequested:
            return
        time.sleep(RECONNECT_S)
