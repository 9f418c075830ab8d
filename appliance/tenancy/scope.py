"""The scope of a workspace: the proof that somebody may act there, and the way to everything in it.

A scope is made by ``Site`` alone, from an authenticated principal or, for jobs, from the workspace's row.  The audit
log, the object store and every query are opened from it.  Inside ``with scope:`` the models of a workspace read and
write this workspace's database; entering the scope of another one raises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType

from appliance.config.settings import Settings
from appliance.crypto.keystore import KeyStore
from appliance.db.engine import Engine
from appliance.db.models import WorkspaceModel
from appliance.queue.connection import Queue
from appliance.queue.outbox import take_emitted
from appliance.tenancy.records import Principal


@dataclass(frozen=True, eq=False)
class WorkspaceScope:
    """One principal in one workspace; may be used by several threads.

    ``data_key`` : 32 bytes, the root of every key that seals this workspace's objects
    """

    workspace_id: str
    slug: str
    principal: Principal
    database: Engine
    data_key: bytes = field(repr=False)
    settings: Settings
    keys: KeyStore = field(repr=False)
    queue: Queue = field(repr=False)

    @property
    def object_prefix(self) -> str:
        """The folder of this workspace's objects."""
        return self.workspace_id

    def __enter__(self) -> WorkspaceScope:
        self.database.enter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.database.leave()

    @contextmanager
    def transaction(self) -> Iterator[WorkspaceScope]:
        """The scope, and a transaction in it; inside another one, a savepoint.

        After the outermost commit the numbers of new events are told, and what ``after_commit`` was given runs.

        Raises
        ------
        Unavailable : other writers did not end in time, or the disk is full
        """
        outermost = not self.database.in_transaction
        try:
            with self.database.transaction(WorkspaceModel):
                if outermost:
                    self.database.after_commit(self._announce)
                yield self
        except BaseException:
            if outermost:
                take_emitted()
            raise

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` once the current transaction is durable, and never if it fails."""
        self.database.after_commit(callback)

    def _announce(self) -> None:
        seq = take_emitted()
        if seq is not None:
            self.queue.announce(self.workspace_id, seq)
