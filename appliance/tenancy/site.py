"""One appliance, opened: its keys, its control database, its queue, and the only way into its workspaces."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Literal

from appliance.config.settings import Settings
from appliance.core.aside import Aside
from appliance.crypto.keystore import KeyStore
from appliance.crypto.master import MasterKey
from appliance.crypto.private import refuse_open_to_others
from appliance.db.backends import Backend, SqliteBackend
from appliance.db.commits import Commits
from appliance.db.engine import Engine
from appliance.db.glance import Glances
from appliance.db.models import ControlModel
from appliance.errors import Denied, Misconfigured, NotFound
from appliance.queue.connection import Queue
from appliance.tenancy import founding, postgresql
from appliance.tenancy.databases import WorkspaceDatabases
from appliance.tenancy.models import WorkspaceRow
from appliance.tenancy.records import ACTIVE, SYSTEM, Principal, Workspace
from appliance.tenancy.scope import WorkspaceScope

_ENTERABLE: Final = "state = 'active' AND destroyed_at IS NULL"
_HIDDEN: Final = "state = 'creating' AND destroyed_at IS NULL"
_ENTRANCE: Final = "SELECT id, slug, data_key, suspended_at FROM workspace"


@dataclass(frozen=True)
class _Entrance:
    """What a scope needs of a workspace's row."""

    workspace_id: str
    slug: str
    data_key: bytes = field(repr=False)
    suspended_at: str | None = None


@dataclass(eq=False)
class Site:
    """One appliance in one process; safe to use from many threads.

    ``recovery_key`` is there once: on the site that made the master key.
    """

    settings: Settings
    keys: KeyStore = field(repr=False)
    master: MasterKey = field(repr=False)
    control: Engine
    queue: Queue = field(repr=False)
    databases: WorkspaceDatabases = field(repr=False)
    recovery_key: str | None = field(default=None, repr=False)
    _data_keys: dict[bytes, bytes] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self.control.commits = Commits(self.settings.commits_file)
        self.glances = Glances(self.control)
        self.aside = Aside("beside the requests")

    @classmethod
    def open(cls, settings: Settings, *, create: bool = False, administrator_url: str | None = None) -> Site:
        """Open the appliance in ``settings.data``; with ``create``, make what is missing.

        ``administrator_url`` : with ``create``, a connection that may make roles and schemas in PostgreSQL; the
        databases of a new appliance are then there, and not in files

        Raises
        ------
        Misconfigured : there is none, others may read it, or a database is damaged or of another program
        Denied : the passphrase is missing or wrong
        Unavailable : it cannot be written
        """
        if create:
            founding.make_folders(settings)
            founding.make_keys(settings)
        elif not (settings.control_db.exists() or settings.database_file.exists()):
            raise Misconfigured("site.missing", f"There is no appliance in {settings.data}.", "Run d2r init.")
        refuse_open_to_others(settings.data)
        keys = KeyStore.open(settings.keys_folder, settings.passphrase)
        recovery = founding.make_master_key(settings) if create else None
        master = MasterKey.open(settings.master_key_file, settings.passphrase)
        if create:
            founding.make_control(settings, master, administrator_url)
        known: list[Site] = []
        backend = _backend(settings, master, lambda workspace_id: postgresql.password_of(known[0], workspace_id))
        site = cls(settings, keys, master, backend.control(), Queue(settings), WorkspaceDatabases(backend), recovery)
        known.append(site)
        if create and administrator_url:
            postgresql.provision(site, administrator_url)
        return site

    def close(self) -> None:
        """Close connections; sessions that are open in other threads keep theirs until they end."""
        self.aside.close()
        self.databases.close()
        self.control.close()
        self.queue.close()

    def __enter__(self) -> Site:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def check_databases(self) -> None:
        """Return if every database is whole: pages, indexes, references.  Reads all of them.

        Raises
        ------
        Misconfigured : one is missing or damaged
        """
        self.databases.backend.check(None)
        for workspace in self.workspaces():
            self.databases.backend.check(workspace.id)

    @contextmanager
    def control_session(self) -> Iterator[Engine]:
        """Send queries of the control plane to its database while the block runs."""
        with self.control.session(ControlModel) as engine:
            yield engine

    @contextmanager
    def control_transaction(self) -> Iterator[Engine]:
        """A transaction in the control database; inside another one, a savepoint."""
        with self.control.transaction(ControlModel) as engine:
            yield engine

    def workspaces(self) -> tuple[Workspace, ...]:
        """All workspaces that can be entered, the oldest first."""
        return tuple(one for one in self.all_workspaces() if one.condition == ACTIVE)

    def workspaces_of(self, principal: Principal) -> tuple[Workspace, ...]:
        """The workspaces that ``principal`` can enter, the oldest first."""
        return tuple(one for one in self.workspaces() if principal.within(one.id) is not None)

    def all_workspaces(self) -> tuple[Workspace, ...]:
        """All workspaces, those that are suspended or destroyed too, the oldest first."""
        with self.control_session():
            rows = WorkspaceRow.select().where(WorkspaceRow.state == "active").order_by(WorkspaceRow.id)
            return tuple(row.record() for row in rows)

    def scope(self, principal: Principal, slug: str) -> WorkspaceScope:
        """The scope of ``principal`` in the workspace ``slug``, with the role that it has there.

        Raises
        ------
        NotFound : there is no such workspace, or not for this principal
        Denied : it is suspended (on another machine: within a second)
        """
        entrance = self.glances.at(("slug", slug), lambda: self._active("slug", slug))
        acting = None if entrance is None else principal.within(entrance.workspace_id)
        if entrance is None or acting is None:
            raise NotFound("workspace.unknown", f"There is no workspace '{slug}'.")
        return self._scope(_open(entrance), acting)

    def system_scope(self, workspace_id: str) -> WorkspaceScope:
        """The scope of the appliance itself in a workspace: for jobs.

        Raises
        ------
        NotFound : there is no such workspace
        Denied : it is suspended
        """
        return self._scope(_open(self._known(workspace_id)), SYSTEM)

    def sealed_scope(self, workspace_id: str) -> WorkspaceScope:
        """The scope of the appliance itself in a workspace, suspended or not: to take leave of it.

        Raises
        ------
        NotFound : there is no such workspace
        """
        return self._scope(self._known(workspace_id), SYSTEM)

    def hidden_scope(self, workspace_id: str) -> WorkspaceScope:
        """The scope of the appliance itself in a workspace that nobody can enter yet: to fill it.

        Raises
        ------
        NotFound : there is no such workspace, or people can enter it
        """
        with self.control_session() as control:
            rows = control.fetch(f"{_ENTRANCE} WHERE id = ? AND {_HIDDEN}", workspace_id)
        if not rows:
            raise NotFound("workspace.unknown", f"There is no hidden workspace '{workspace_id}'.")
        return self._scope(_Entrance(*rows[0]), SYSTEM)

    def is_open(self, workspace_id: str) -> bool:
        """Whether people and jobs may enter a workspace now."""
        entrance = self._active("id", workspace_id)
        return entrance is not None and entrance.suspended_at is None

    def forget(self, workspace_id: str) -> None:
        """Drop what this process remembers of a workspace that was destroyed: its key above all."""
        self._data_keys.clear()
        self.databases.forget(workspace_id)

    def create_workspace(
        self, slug: str, name: str, by: Principal, record: Callable[[Workspace], None] | None = None
    ) -> Workspace:
        """Make a workspace; one that a crash left half made is finished.

        ``record`` runs in the transaction that opens the workspace, to write what belongs to it.

        Raises
        ------
        InvalidInput : the slug or the name cannot be used
        Conflict : there is one with this slug
        """
        return founding.create_workspace(self, slug, name, by, record)

    def _known(self, workspace_id: str) -> _Entrance:
        entrance = self._active("id", workspace_id)
        if entrance is None:
            raise NotFound("workspace.unknown", f"There is no workspace '{workspace_id}'.")
        return entrance

    def _active(self, column: Literal["id", "slug"], value: str) -> _Entrance | None:
        """The way into a workspace; asked anew every time, because another process may have closed it."""
        with self.control_session() as control:
            rows = control.look_up(f"{_ENTRANCE} WHERE {column} = ? AND {_ENTERABLE}", value)
        return _Entrance(*rows[0]) if rows else None

    def _scope(self, entrance: _Entrance, principal: Principal) -> WorkspaceScope:
        return WorkspaceScope(
            workspace_id=entrance.workspace_id,
            slug=entrance.slug,
            principal=principal,
            database=self.databases.engine(entrance.workspace_id),
            data_key=self._data_key(entrance.workspace_id, bytes(entrance.data_key)),
            settings=self.settings,
            keys=self.keys,
            queue=self.queue,
        )

    def _data_key(self, workspace_id: str, wrapped: bytes) -> bytes:
        """The unwrapped key; remembered by its wrapping, so that another wrapping is opened anew."""
        key = self._data_keys.get(wrapped)
        if key is None:
            key = self._data_keys[wrapped] = self.master.unwrap(wrapped, founding.key_context(workspace_id))
        return key


def _backend(settings: Settings, master: MasterKey, password_of: Callable[[str], str]) -> Backend:
    if settings.database_file.exists():
        return postgresql.backend_of(settings.database_file, master, password_of)
    return SqliteBackend(settings.control_db, settings.workspaces_folder)


def _open(entrance: _Entrance) -> _Entrance:
    if entrance.suspended_at is not None:
        hint = "The owner of the appliance resumes it."
        raise Denied("workspace.suspended", f"The workspace '{entrance.slug}' is suspended.", hint)
    return entrance
