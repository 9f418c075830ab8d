"""Where in the log stands what happened at a known moment: found by halves, since entries stand in order of time."""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

from appliance.audit.database_log import DatabaseLog
from appliance.audit.entry import read_entry
from appliance.tenancy.scope import WorkspaceScope

#: Entries from the moment on that are looked at: more are not written within one second.
_LOOKED_AT: Final = 1_000


def index_of(scope: WorkspaceScope, kind: str, moment: str, **facts: str) -> int | None:
    """The index of the first entry of ``kind`` with these ``facts`` that was written at ``moment`` or soon after.

    None where there is none among the entries that follow.  It reads about twenty entries of a million.

    Parameters
    ----------
    moment : RFC 3339, UTC; a part of a second is left out, as in entries
    """
    log = DatabaseLog.of(scope)
    size, second = log.size, f"{moment[:19]}Z"
    first = bisect_left(range(size), second, key=lambda index: read_entry(log.entry(index)).time)
    for index in range(first, min(size, first + _LOOKED_AT)):
        entry = read_entry(log.entry(index))
        if entry.kind == kind and facts.items() <= entry.facts.items():
            return index
    return None
