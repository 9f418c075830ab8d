"""The databases of all workspaces in one process, each opened at its first use.

An engine lasts as long as the process; the connections of the workspaces that were not used for longest are closed.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path

from appliance.db.backends import Backend, SqliteBackend
from appliance.db.engine import Engine


class WorkspaceDatabases:
    """Engines by workspace id; safe to use from many threads."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        self._lock = threading.Lock()

    def path(self, workspace_id: str) -> Path:
        """Where a workspace's database lies, where databases are files."""
        if not isinstance(self.backend, SqliteBackend):
            raise TypeError("the databases of this appliance are no files")
        return self.backend.path(workspace_id)

    def engine(self, workspace_id: str) -> Engine:
        """The engine of a workspace.

        Raises
        ------
        Misconfigured : the database is missing, damaged, or of another program
        """
        with self._lock:
            engine = self._engines.get(workspace_id)
            if engine is None:
                engine = self._engines[workspace_id] = self.backend.workspace(workspace_id)
            self._engines.move_to_end(workspace_id)
            self._cool_down()
        return engine

    def forget(self, workspace_id: str) -> None:
        """Open this workspace's database no more; whoever is in a session of it ends that first."""
        with self._lock:
            engine = self._engines.pop(workspace_id, None)
        if engine is not None:
            engine.close()

    def drop(self, workspace_id: str) -> None:
        """Remove the rows of a workspace, as far as this process may."""
        self.forget(workspace_id)
        self.backend.drop(workspace_id)

    def close(self) -> None:
        """Close every connection that nobody uses."""
        with self._lock:
            for engine in self._engines.values():
                engine.close()

    def _cool_down(self) -> None:
        for engine in list(self._engines.values())[: -self.backend.warm_workspaces]:
            engine.close()
