"""Whoever is denied something is noted in the control log, and waits for that a few milliseconds at the most.

What a caller tries for the first time in a while is on the disk before the answer goes, unless the database is slow;
repetitions are counted here and handed over together, so that a flood costs two transactions a second.  A process that
is killed takes the repetitions of its last half second with it, and no first attempt that was answered in time.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import replace
from functools import partial
from typing import Final

from flask import Response

from appliance.core.aside import Aside
from appliance.identity.denials import MOST_NAMED, SEVERAL, WINDOW, Attempt, note_denied
from appliance.tenancy.records import STRANGER
from appliance.tenancy.site import Site
from web.here import here

#: Refusals of somebody who is known, beside those of whoever is not.
REASONS: Final = frozenset(
    {
        "role.denied", "scope.denied", "scope.wider", "scope.personal", "workspace.unknown", "workspace.suspended",
        "form.foreign", "form.token", "key.other",
    }
)  # fmt: skip
#: Statuses of a denial to somebody who showed nothing that is known.
_UNKNOWN: Final = (401, 403)
#: How long an answer waits for its entry.
_PATIENCE_S: Final = 0.005
_PAUSE_S: Final = 0.5
_MOST_CALLERS: Final = 1_000


class Denials:
    """Notes what one process denies; safe to use from many threads."""

    def __init__(self, site: Site) -> None:
        self._site, self._counting = site, Aside("denied attempts")
        self._repeats: Counter[Attempt] = Counter()
        #: By caller: what is known to be noted, and until when (monotonic seconds).
        self._noted: dict[str, dict[Attempt, float]] = {}
        self._lock = threading.Lock()

    def note(self, response: Response) -> Response:
        """Note the request, if it was denied; all who are not known are one caller: no number of them fills the log."""
        request, kept = here()
        principal, reason = kept.get("principal"), kept.get("problem")
        if principal is None and response.status_code in _UNKNOWN:
            principal = STRANGER
        if principal is STRANGER or (principal is not None and reason in REASONS):
            slug = (request.view_args or {}).get("slug") or ""
            self.add(Attempt(principal, request.endpoint or "unknown", reason, slug))
        return response

    def add(self, attempt: Attempt) -> None:
        """Note an attempt: at once, or together with others like it."""
        first = self._first(attempt)
        if first is not None:
            done = self._site.aside.do(partial(self._write, {first: 1}))
            if done is not None:
                done.wait(_PATIENCE_S)

    def settle(self) -> None:
        """Wait until everything is noted."""
        self._site.aside.settle()
        self._counting.settle()

    def _first(self, attempt: Attempt) -> Attempt | None:
        """The attempt as it is noted where it is a first one; None: it is counted."""
        now = time.monotonic()
        with self._lock:
            noted = self._noted_of(attempt.principal.id, now)
            if attempt not in noted and len(noted) >= MOST_NAMED:
                attempt = replace(attempt, route=SEVERAL, slug="")
            if attempt not in noted:
                noted[attempt] = now + WINDOW.total_seconds()
                return attempt
            if not self._repeats:
                self._counting.do(self._hand_over)
            self._repeats[attempt] += 1
        return None

    def _noted_of(self, principal_id: str, now: float) -> dict[Attempt, float]:
        if len(self._noted) >= _MOST_CALLERS:
            self._noted.clear()
        known = self._noted.get(principal_id, {})
        self._noted[principal_id] = {attempt: until for attempt, until in known.items() if until > now}
        return self._noted[principal_id]

    def _hand_over(self) -> None:
        time.sleep(_PAUSE_S)
        with self._lock:
            repeats, self._repeats = self._repeats, Counter()
        self._write(repeats)

    def _write(self, attempts: dict[Attempt, int]) -> None:
        try:
            note_denied(self._site, attempts)
        except BaseException:
            with self._lock:
                for attempt in attempts:  # the next one tries to be an entry again
                    self._noted.get(attempt.principal.id, {}).pop(attempt, None)
            raise
