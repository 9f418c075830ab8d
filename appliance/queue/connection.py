"""Jobs into the queue, events to whoever listens: best effort by design.

Every call here comes after a commit, so a Redis that is down, hung or emptied is noted in the log and forgotten: the
reconciler queues again what the rows say, and listeners ask the outbox for what they missed.
"""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from typing import Any, Final

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue as RedisQueue
from rq.serializers import JSONSerializer

from appliance.config.settings import Settings
from appliance.errors import InvalidInput
from appliance.queue.job import FAILURE_KEPT_S, JOB_TIMEOUT_S, PRIORITIES, WAIT_LIMIT_S, NamedJob, job_id

log = logging.getLogger(__name__)

#: A Redis on this machine answers within this time, or it hangs.
ANSWER_TIMEOUT_S: Final = 1.0
#: Whoever has nothing else to do waits this long for a connection.
PATIENT_TIMEOUT_S: Final = 10.0
#: After a failure Redis is left alone this long, so that a hung one does not slow every request down.
PAUSE_S: Final = 1.0
#: More than this do not wait in Redis, whose memory is small, but in their rows alone: the reconciler brings them.
LONGEST_QUEUE: Final = 5_000


def connect(settings: Settings, *, answer_timeout_s: float | None = ANSWER_TIMEOUT_S) -> Redis:
    """A client of the appliance's Redis; it connects at its first command, and again after a fork.

    One that waits for answers without end (a worker) is as patient when it connects: on a busy machine, a job that was
    taken from the queue would else be dropped before it began.
    """
    return Redis.from_url(
        settings.effective_redis_url,
        socket_timeout=answer_timeout_s,
        socket_connect_timeout=answer_timeout_s or PATIENT_TIMEOUT_S,
        retry=Retry(NoBackoff(), 1),
    )


def queues(client: Redis) -> list[RedisQueue]:
    """The queues, the most urgent first."""
    return [RedisQueue(name, connection=client, serializer=JSONSerializer, job_class=NamedJob) for name in PRIORITIES]


def events_channel(workspace_id: str) -> str:
    """Where the sequence numbers of a workspace's events are told."""
    return f"d2r:events:{workspace_id}"


class Queue:
    """The queue as the appliance sees it; safe to use from many threads."""

    def __init__(self, settings: Settings) -> None:
        self._client = connect(settings)
        self._queues = {queue.name: queue for queue in queues(self._client)}
        self._paused_until = 0.0

    def enqueue(
        self, name: str, workspace_id: str, subject_id: str, *, priority: str = "normal", delay_s: float = 0
    ) -> None:
        """Ask that ``name`` carries the subject, in ``delay_s`` seconds at the earliest; once, however often asked.

        Raises
        ------
        InvalidInput : an unknown priority, or ids that are none.  A Redis that is down raises nothing.
        """
        identity = job_id(name, workspace_id, subject_id)
        if priority not in self._queues:
            raise InvalidInput("job.priority", f"'{priority}' is no priority.", "Use high, normal or low.")
        if self._is_paused():
            return
        try:
            self._put(self._queues[priority], identity, name, (workspace_id, subject_id), delay_s)
        except (RedisError, OSError) as error:
            self._pause("job.not_queued", identity, error)

    def announce(self, workspace_id: str, seq: int) -> None:
        """Tell listeners that events up to ``seq`` can be read from the workspace's outbox."""
        if self._is_paused():
            return
        try:
            self._client.publish(events_channel(workspace_id), str(seq))
        except (RedisError, OSError) as error:
            self._pause("event.not_announced", workspace_id, error)

    def release_due(self) -> int:
        """Move delayed jobs whose time has come into their queues; returns how many.  The scheduler calls it."""
        try:
            return sum(self._release(queue) for queue in self._queues.values())
        except (RedisError, OSError) as error:
            self._pause("job.not_released", "delayed jobs", error)
            return 0

    def depth(self) -> dict[str, int] | None:
        """How many jobs wait at each priority; None where Redis does not answer."""
        try:
            return {name: int(queue.count) for name, queue in self._queues.items()}
        except (RedisError, OSError):
            return None

    def answers(self) -> bool:
        """Whether Redis answers."""
        try:
            return bool(self._client.ping())
        except (RedisError, OSError):
            return False

    def close(self) -> None:
        """Drop the connections."""
        self._client.close()

    def _put(self, queue: RedisQueue, identity: str, name: str, ids: tuple[str, str], delay_s: float) -> None:
        """The list itself says whether the job waits already: a dead worker's job record says nothing."""
        with self._client.pipeline(transaction=False) as questions:
            for other in self._queues.values():
                questions.lpos(other.key, identity)
            questions.llen(queue.key)
            *places, waiting = questions.execute()
        if waiting >= LONGEST_QUEUE or any(place is not None for place in places):
            return
        options: dict[str, Any] = {
            "job_id": identity, "job_timeout": JOB_TIMEOUT_S, "ttl": WAIT_LIMIT_S + int(delay_s), "result_ttl": 0,
            "failure_ttl": FAILURE_KEPT_S,
        }  # fmt: skip
        if delay_s > 0:
            queue.enqueue_in(timedelta(seconds=delay_s), name, *ids, **options)
        else:
            queue.enqueue(name, *ids, **options)

    def _release(self, queue: RedisQueue) -> int:
        due = queue.scheduled_job_registry.get_jobs_to_schedule()
        for identity in due:
            queue.scheduled_job_registry.remove(identity)
            name, workspace_id, subject_id = identity.split("-")
            self._put(queue, identity, name, (workspace_id, subject_id), 0)
        return len(due)

    def _is_paused(self) -> bool:
        return time.monotonic() < self._paused_until

    def _pause(self, code: str, subject: str, error: Exception) -> None:
        self._paused_until = time.monotonic() + PAUSE_S
        log.warning("%s %s: Redis does not serve: %s", code, subject, error)
