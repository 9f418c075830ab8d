"""The databases of all workspaces in one process, each opened at its first use.

An engine lasts as long as the process; the connections of the workspaces that were not used for longest are closed.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path
from typing import Final

from appliance.db.engine import Engine
from appliance.db.opening import open_database
from appliance.db.routing import WORKSPACE

#: Workspaces whose connections stay open while nobody uses them (at most four connections of three files each).
WARM_WORKSPACES: Final = 32


class WorkspaceDatabases:
    """Engines by workspace id; safe to use from many threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        self._lock = threading.Lock()

    def path(self, workspace_id: str) -> Path:
        """Where a workspace's database lies."""
        return self._folder / f"{workspace_id}.db"

    def engine(self, workspace_id: str) -> Engine:
        """The engine of a workspace; its schema is brought up to this program at its first use.

        Raises
        ------
        Misconfigured : the file is missing, damaged, or of another program
        """
        with self._lock:
            engine = self._engines.get(workspace_id)
            if engine is None:
                engine = self._engines[workspace_id] = open_database(self.path(workspace_id), workspace_id, WORKSPACE)
            self._engines.move_to_end(workspace_id)
            self._cool_down()
        return engine

    def close(self) -> None:
        """Close every connection that nobody uses."""
        with self._lock:
            for engine in self._engines.values():
                engine.close()

    def _cool_down(self) -> None:
        for engine in list(self._engines.values())[:-WARM_WORKSPACES]:
            engine.close()
