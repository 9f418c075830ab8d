"""Answers remembered as long as nothing is changed: pages that are looked at ask the same again and again.

An answer is kept beside the stamp of the database (``appliance.db.stamps``) if that was the same before and after it
was computed; so it is that of one state, and is given only while this state is the newest.  Any commit in the
workspace, by any process, ends it.  Answers may not be changed by whom they are given to.

Where something was changed, who asks the same at the same time gets one answer (``trends.together``): when an
inspection is recorded, everybody who watches asks anew.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from appliance.tenancy.scope import WorkspaceScope
from appliance.trends.remembered import Remembered
from appliance.trends.together import Together

Answer = TypeVar("Answer")


class Unchanged(Generic[Answer]):
    """The answers to at most ``most`` questions, of all workspaces of this process."""

    def __init__(self, most: int) -> None:
        self._remembered, self._together = Remembered[Answer](most), Together[Answer]()

    def get(self, scope: WorkspaceScope, question: Hashable, compute: Callable[[], Answer]) -> Answer:
        """The answer to ``question``, from ``compute`` where something was changed since, and whatever it raises.

        Who has begun to change something asks for himself: no stamp tells of that.
        """
        if scope.database.in_transaction:
            return compute()
        key = scope.workspace_id, scope.settings.time_zone, question
        known = self._remembered.peek((self._stamp(scope), key))
        if known is not None:
            return known
        if scope.database.in_session:  # a thread that holds a connection waits for none that needs one
            return self._computed(scope, key, compute)
        return self._together.get(key, lambda: self._computed(scope, key, compute))

    def _computed(self, scope: WorkspaceScope, key: Hashable, compute: Callable[[], Answer]) -> Answer:
        before = self._stamp(scope)
        known = self._remembered.peek((before, key))
        if known is not None:  # since somebody else had the turn
            return known
        answer = compute()
        if before is not None and self._stamp(scope) == before:
            self._remembered.keep((before, key), answer)
        return answer

    @staticmethod
    def _stamp(scope: WorkspaceScope) -> int | None:
        with scope:
            return scope.database.stamp()
