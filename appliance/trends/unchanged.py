"""Answers remembered as long as nothing is changed: pages that are looked at ask the same again and again.

An answer is kept beside the stamp of the database (``appliance.db.stamps``) if that was the same before and after it
was computed; so it is that of one state, and is given only while this state is the newest.  Any commit in the
workspace, by any process, ends it.  Answers may not be changed by whom they are given to.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from appliance.tenancy.scope import WorkspaceScope
from appliance.trends.remembered import Remembered

Answer = TypeVar("Answer")


class Unchanged(Generic[Answer]):
    """The answers to at most ``most`` questions, of all workspaces of this process."""

    def __init__(self, most: int) -> None:
        self._remembered = Remembered[Answer](most)

    def get(self, scope: WorkspaceScope, question: Hashable, compute: Callable[[], Answer]) -> Answer:
        """The answer to ``question``, from ``compute`` where something was changed since, and whatever it raises.

        Who has begun to change something asks for himself: no stamp tells of that.
        """
        if scope.database.in_transaction:
            return compute()
        before = self._stamp(scope)
        key = scope.workspace_id, scope.settings.time_zone, question
        known = self._remembered.peek((before, key))
        if known is not None:
            return known
        answer = compute()
        if before is not None and self._stamp(scope) == before:
            self._remembered.keep((before, key), answer)
        return answer

    @staticmethod
    def _stamp(scope: WorkspaceScope) -> int | None:
        with scope:
            return scope.database.stamp()
