"""A job as it stands in the queue: the name of a handler, a workspace and a subject.  Names only, never code.

Whoever writes into the queue chooses among the handlers that the worker was started with; the library's own
dotted paths, which would import and call anything, are not followed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final

from rq.job import Job

from appliance.errors import InvalidInput

#: Does the work of one job; its arguments are the ids of the workspace and of the subject.
Handler = Callable[[str, str], object]

#: Queues in the order in which a worker empties them.
PRIORITIES: Final = ("high", "normal", "low")
#: The longest that a job may run; a hung one is then killed, and its row taken up again.
JOB_TIMEOUT_S: Final = 4 * 3600
#: A job's record lasts this long while it waits: that of one that was lost on its way goes.
WAIT_LIMIT_S: Final = 24 * 3600
#: A failed job is kept in Redis this long, to be looked at.
FAILURE_KEPT_S: Final = 24 * 3600


def job_id(name: str, workspace_id: str, subject_id: str) -> str:
    """The one id that a handler's job for a subject can have: queueing it twice is queueing it once.

    Raises
    ------
    InvalidInput : a part is empty or holds anything but letters, digits and underscores
    """
    parts = (name, workspace_id, subject_id)
    if not all(part.replace("_", "").isalnum() and part.isascii() for part in parts):
        raise InvalidInput("job.name", f"These name no job: {', '.join(map(repr, parts))}.")
    return "-".join(parts)


class NamedJob(Job):
    """A job whose function is looked up among the worker's handlers."""

    handlers: ClassVar[Mapping[str, Handler]] = {}

    @property
    def func(self) -> Any:
        """The handler of this job.

        Raises
        ------
        InvalidInput : this worker has no handler of that name
        """
        name = str(self.func_name)
        if name not in self.handlers:
            raise InvalidInput("job.unknown", f"This worker has no handler '{name}'.")
        return self.handlers[name]
