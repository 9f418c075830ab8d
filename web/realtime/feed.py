"""The events of one workspace, read once for all of its viewers.

A feed reads the outbox when Redis announces something, and every second whatever Redis does.  It keeps the latest
events in memory; a viewer takes from there what it has not seen, or from the outbox what is older.  A viewer counts by
sequence number alone, so that it misses nothing and gets nothing twice, however slow it is.

Progress of running inspections is no event: the latest figure counts, and one that is missed is not repeated.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from appliance.core.canonical import loads_strict
from appliance.errors import D2RError
from appliance.inspections.repository import under_way
from appliance.inspections.scan_changes import changes_under_way
from appliance.queue.listening import Announcements
from appliance.queue.outbox import PAGE, events_since, last_seq
from appliance.tenancy.scope import WorkspaceScope
from appliance.tenancy.site import Site

log = logging.getLogger(__name__)

#: The longest time that an event waits for a feed that Redis does not wake.
POLL_S: Final = 1.0
#: Events in memory.
KEPT: Final = 2_000
#: A feed that nobody watches goes on for this long, for those who come back.
_LINGER_S: Final = 30.0


@dataclass(frozen=True)
class Said:
    """One event as viewers get it."""

    seq: int
    at: str
    kind: str
    body: Any

    def message(self) -> dict[str, Any]:
        """The message that carries it."""
        return {"type": "event", "seq": self.seq, "at": self.at, "kind": self.kind, "body": self.body}


Progress = dict[str, tuple[str, str, float]]


class Feed:
    """The events of a workspace, followed by a thread of its own."""

    def __init__(self, scope: WorkspaceScope) -> None:
        self.scope = scope
        self._lock = threading.Lock()
        self._viewers: set[int] = set()
        self._left_at = time.monotonic()
        self._stopped = threading.Event()
        with scope:
            self.last = last_seq()
        self._base = self.last
        self._ring: deque[Said] = deque()
        self._progress: Progress = {}
        self._thread = threading.Thread(target=self._follow, name=f"d2r-feed-{scope.slug}", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether it still follows; one that was given up is replaced."""
        return not self._stopped.is_set()

    @property
    def progress(self) -> Progress:
        """State, step and progress of running inspections and changes, by id; a new mapping where one moved."""
        return self._progress

    def join(self) -> int:
        """A file descriptor that can be read when there is something new."""
        with self._lock:
            self._viewers.add(bell := os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC))
        return bell

    def leave(self, bell: int) -> None:
        """Wake this viewer no more."""
        with self._lock:
            self._viewers.discard(bell)
            self._left_at = time.monotonic()
        os.close(bell)

    def after(self, seq: int) -> Sequence[Said]:
        """The next events behind ``seq``, a page at most; none when there are none."""
        with self._lock:
            if seq >= self._base:
                return [said for said in self._ring if said.seq > seq][:PAGE] if seq < self.last else []
        with self.scope:
            return [_said(row) for row in events_since(seq)]

    def stop(self) -> None:
        """End it, and wake everybody to see that."""
        self._stopped.set()
        self._ring_bells()

    def _follow(self) -> None:
        announcements = Announcements(self.scope.settings, self.scope.workspace_id)
        try:
            while not self._stopped.is_set() and not self._is_deserted():
                announcements.wait(POLL_S)
                self._look()
        finally:
            self._stopped.set()
            announcements.close()

    def _look(self) -> None:
        try:
            with self.scope:
                rows = events_since(self.last)
            open_rows = [*under_way(self.scope), *changes_under_way(self.scope)]
            running = {row.id: (row.state, row.step, row.progress) for row in open_rows}
        except D2RError as error:
            log.warning("events of %s are not read: %s [%s]", self.scope.slug, error, error.code)
            return
        if rows or running != self._progress:
            with self._lock:
                self._keep([_said(row) for row in rows])
                self._progress = running
            self._ring_bells()

    def _keep(self, said: Sequence[Said]) -> None:
        self._ring.extend(said)
        self.last = said[-1].seq if said else self.last
        while len(self._ring) > KEPT:
            self._base = self._ring.popleft().seq

    def _ring_bells(self) -> None:
        with self._lock:
            for bell in self._viewers:
                os.eventfd_write(bell, 1)

    def _is_deserted(self) -> bool:
        with self._lock:
            return not self._viewers and time.monotonic() - self._left_at > _LINGER_S


class Feeds:
    """The feeds of an appliance: one for each workspace that somebody watches."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._lock = threading.Lock()
        self._feeds: dict[str, Feed] = {}
        self.is_closing = False

    def join(self, workspace_id: str) -> tuple[Feed, int]:
        """The feed of a workspace, and the bell of a new viewer."""
        with self._lock:
            feed = self._feeds.get(workspace_id)
            if feed is None or not feed.is_alive:
                feed = self._feeds[workspace_id] = Feed(self._site.system_scope(workspace_id))
            return feed, feed.join()

    def close(self) -> None:
        """Send every viewer away."""
        self.is_closing = True
        for feed in list(self._feeds.values()):
            feed.stop()


def _said(row: Any) -> Said:
    return Said(int(row.seq), row.at, row.kind, loads_strict(row.body))
