"""Whoever watches a running job: keeps its lease, writes its progress, hears that it shall stop.

The stations of the line report their progress from several threads; nothing of that waits for a database.  One
thread of the keeper's own writes what was said last, twice a second at most, and learns on the same occasion
whether the lease was lost or the job cancelled; the stations hear of it at their next report.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Final

from appliance.errors import Unavailable
from appliance.inspections.lease import Lease, LostLease

#: Seconds between two looks at the row.
PERIOD_S: Final = 0.5
#: The lease is renewed when this share of it has passed.
RENEWAL_SHARE: Final = 1 / 3
#: Step -> share of the line's time before it, and its own: for one figure from 0 to 1.
_SHARES: Final[Mapping[str, tuple[float, float]]] = {
    "read CAD": (0.0, 0.05), "read scan": (0.0, 0.12), "index CAD": (0.10, 0.02), "align": (0.12, 0.28),
    "neighbourhoods": (0.12, 0.28), "part frame": (0.40, 0.01), "deviation": (0.41, 0.22), "judge": (0.63, 0.08),
    "statistics": (0.71, 0.01), "field": (0.72, 0.10), "tiles": (0.63, 0.22), "report": (0.85, 0.15),
    "read first scan": (0.0, 0.15), "read second scan": (0.15, 0.15), "scales": (0.30, 0.10),
    "registration": (0.40, 0.15), "change": (0.55, 0.40), "write": (0.95, 0.05),
}  # fmt: skip


class Cancelled(Exception):
    """A user asked that this job stops."""


class Keeper:
    """A ``Watcher`` that stands between the line and its row.

    Parameters
    ----------
    ended : called in the thread of the line when a step ends, with its name
    writes_progress : whether the row has columns for it
    """

    def __init__(
        self, lease: Lease, ended: Callable[[str], None] | None = None, *, writes_progress: bool = True
    ) -> None:
        self._lease = lease
        self._writes_progress = writes_progress
        self._ended = ended
        self._said = ("", 0.0)
        self._written = self._said
        self._open: set[str] = set()
        self._stop: BaseException | None = None
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._keep, name=f"keeper-{lease.row_id}", daemon=True)

    def __enter__(self) -> Keeper:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    @property
    def open_steps(self) -> frozenset[str]:
        """Steps that began and did not end."""
        return frozenset(self._open)

    def begin(self, step: str) -> None:
        self._open.add(step)
        self.advance(step, 0.0)

    def advance(self, step: str, fraction: float) -> None:
        """Note the progress of a step.

        Raises
        ------
        Cancelled, LostLease : the job shall stop
        """
        before, own = _SHARES.get(step, (self._said[1], 0.0))
        self._said = (step, max(self._said[1], before + own * fraction))
        self.check()

    def end(self, step: str, seconds: float) -> None:
        self.advance(step, 1.0)
        self._open.discard(step)
        if self._ended:
            self._ended(step)

    def check(self) -> None:
        """Raise if the job shall stop."""
        if self._stop is not None:
            raise self._stop

    def _keep(self) -> None:
        renewed, span = time.monotonic(), self._lease.scope.settings.lease_seconds * RENEWAL_SHARE
        while not self._done.wait(PERIOD_S):
            try:
                due = time.monotonic() - renewed >= span
                self._look(due)
                renewed = time.monotonic() if due else renewed
            except (LostLease, Cancelled) as stop:
                self._stop = stop
                return
            except Unavailable:  # a busy or full disk: the lease lasts for several more looks
                continue

    def _look(self, due: bool) -> None:
        said = self._said
        columns: dict[str, Any] = {}
        if said != self._written and self._writes_progress:
            columns = {"step": said[0], "progress": round(said[1], 3)}
        if due:
            self._lease.renew(**columns)
        elif columns:
            self._lease.write(**columns)
        self._written = said
        if getattr(self._lease.row(), "cancel_requested", 0):
            raise Cancelled(self._lease.row_id)
