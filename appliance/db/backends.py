"""Where the databases of an appliance are: files in its data folder, or schemas of one PostgreSQL database.

A backend opens the control database and those of workspaces, and looks them over; everything above meets engines only.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final, Protocol

from appliance.core.files import sync_folder
from appliance.db.engine import Engine
from appliance.db.integrity import check_file
from appliance.db.migrations import steps
from appliance.db.opening import create_database, open_database
from appliance.db.postgresql import Login, RoutedPostgresql, connect, delete_rows
from appliance.db.provisioning import ReadOnlyLedger, role_of
from appliance.db.routing import CONTROL, WORKSPACE, Route

CONTROL_NAME: Final = "control"


class Backend(Protocol):
    """The databases of one appliance."""

    #: Workspaces whose connections stay open while nobody uses them.
    warm_workspaces: int

    def control(self) -> Engine:
        """The control database, its schema that of this program.

        Raises
        ------
        Misconfigured : it is missing, damaged, or of another program
        Unavailable : it cannot be reached or written now
        """

    def workspace(self, workspace_id: str) -> Engine:
        """The database of a workspace; raises as ``control`` does."""

    def where(self) -> dict[str, str]:
        """The place, as an operator reads it."""

    def make_workspace(self, workspace_id: str) -> None:
        """Make the empty database of a workspace, where it is not there yet."""

    def drop(self, workspace_id: str) -> None:
        """Remove the rows of a workspace, as far as the running appliance may; once more is nothing."""

    def check(self, workspace_id: str | None) -> None:
        """Return if a database (None: the control database) is whole; raises as ``control`` does."""


class SqliteBackend:
    """Files: ``control.db``, and one a workspace in a folder."""

    warm_workspaces = 32  # at most four connections of three files each

    def __init__(self, control: Path, folder: Path) -> None:
        self._control, self._folder = control, folder

    def path(self, workspace_id: str) -> Path:
        """Where a workspace's database lies."""
        return self._folder / f"{workspace_id}.db"

    def where(self) -> dict[str, str]:
        """The folder, as an operator reads it."""
        return {"folder": str(self._control.parent)}

    def control(self) -> Engine:
        """The control database."""
        return open_database(self._control, CONTROL_NAME, CONTROL)

    def workspace(self, workspace_id: str) -> Engine:
        """The database of a workspace, brought up to this program."""
        return open_database(self.path(workspace_id), workspace_id, WORKSPACE)

    def make_workspace(self, workspace_id: str) -> None:
        """Make an empty file."""
        create_database(self.path(workspace_id))

    def drop(self, workspace_id: str) -> None:
        """Remove the file."""
        path = self.path(workspace_id)
        for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
            path.with_name(name).unlink(missing_ok=True)
        sync_folder(self._folder)

    def check(self, workspace_id: str | None) -> None:
        """Read the whole file: pages, indexes, references."""
        check_file(self._control if workspace_id is None else self.path(workspace_id))


class PostgresqlBackend:
    """Schemas of one PostgreSQL database, each entered as a role of its own.

    Parameters
    ----------
    control : how to log into the schema of the control plane
    database : the name of the PostgreSQL database
    password_of : the password of a workspace's login role; it stands, wrapped, in the control database
    """

    warm_workspaces = 4  # with eight idle connections each at most: a server takes a hundred by default

    def __init__(self, control: Login, database: str, password_of: Callable[[str], str]) -> None:
        self._login, self._database, self._password_of = control, database, password_of

    def where(self) -> dict[str, str]:
        """Server and database, as an operator reads them."""
        return {"server": self._login.url, "database": self._database}

    def login(self, workspace_id: str | None) -> Login:
        """How to log into the schema of a workspace (None: of the control plane)."""
        return self._login if workspace_id is None else self._workspace_login(workspace_id)

    def control(self) -> Engine:
        """The schema of the control plane."""
        return _open(self._login, CONTROL_NAME, CONTROL)

    def workspace(self, workspace_id: str) -> Engine:
        """The schema of a workspace."""
        return _open(self._workspace_login(workspace_id), workspace_id, WORKSPACE)

    def make_workspace(self, workspace_id: str) -> None:
        """Nothing: an administrator made the schema ahead."""

    def drop(self, workspace_id: str) -> None:
        """Delete all rows but those that only grow; the schema goes when an administrator next provisions."""
        login = self._workspace_login(workspace_id)
        with closing(connect(login)) as connection:
            delete_rows(connection)

    def check(self, workspace_id: str | None) -> None:
        """Ask the schema which steps built it; the server looks after its own pages (checksums)."""
        _require_current(self.login(workspace_id), CONTROL if workspace_id is None else WORKSPACE)

    def _workspace_login(self, workspace_id: str) -> Login:
        role = role_of(self._database, workspace_id)
        return Login(self._login.url, workspace_id, role, self._password_of(workspace_id))


def _open(login: Login, name: str, route: Route) -> Engine:
    _require_current(login, route)
    return Engine(RoutedPostgresql(login, name, route))


def _require_current(login: Login, route: Route) -> None:
    with closing(connect(login)) as connection:
        ReadOnlyLedger(connection).require(steps(route.kind), login.schema)
