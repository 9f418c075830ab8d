"""A real PostgreSQL of the tests' own: one server a test process, on a private socket, and new databases on demand."""

from __future__ import annotations

import atexit
import json
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from functools import cache
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import conninfo

from tests.services import require

if TYPE_CHECKING:
    from appliance.db.postgresql import Login
    from appliance.db.provisioning import Administrator
    from appliance.tenancy.site import Site

#: ``D2R_TEST_DATABASE=postgresql``: the same tests, on the other backend.
ON_POSTGRESQL = os.environ.get("D2R_TEST_DATABASE") == "postgresql"

_NAMES = count(1)
#: Schemas that are ready in an appliance that a test founds in a database of its own choice.
_SPARE = 4
#: The database is thrown away: it need not survive the loss of power.
_SETTINGS = {
    "listen_addresses": "''", "fsync": "off", "max_connections": "400", "shared_buffers": "64MB", "autovacuum": "off",
    "full_page_writes": "off", "log_min_messages": "panic",
}  # fmt: skip

_DURABLE = {"fsync": "on", "full_page_writes": "on", "autovacuum": "on", "shared_buffers": "1GB"}


def binaries() -> Path | None:
    """Where the newest server of this machine lies."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


class Cluster:
    """A running server."""

    def __init__(self, folder: Path, password: str) -> None:
        self.folder, self.password = folder, password
        self._thrown_away: list[str] = []

    def url(self, database: str = "postgres", user: str = "postgres", password: str | None = None) -> str:
        """A connection of the administrator, or of somebody else."""
        return f"postgresql://{user}:{password or self.password}@/{database}?host={self.folder}"

    def new_database(self, copied: str = "template0") -> str:
        """Make a database, by default an empty one; returns the administrator's connection to it."""
        name = f"t{os.getpid()}_{next(_NAMES)}"
        self._run(f"CREATE DATABASE {name} TEMPLATE {copied} STRATEGY file_copy")
        self._thrown_away.append(name)
        return self.url(name)

    def keep(self, database: str) -> None:
        """Let a database outlive the file of tests that made it."""
        self._thrown_away.remove(database)

    def throw_away(self) -> None:
        """Drop the databases that were made since the last call, whoever may still be connected."""
        while self._thrown_away:
            self._run(f"DROP DATABASE IF EXISTS {self._thrown_away.pop()} WITH (FORCE)")

    def _run(self, statement: str) -> None:
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[arg-type]


@cache
def cluster(*, is_durable: bool = False) -> Cluster:
    """The server of this process; the test is skipped where there is none to start.

    Benchmarks ask for a durable one, with what a server has that an appliance is put beside: tests do not end with the
    power.
    """
    place = binaries()
    require("PostgreSQL", place is not None, "install postgresql")
    assert place is not None
    folder = Path(tempfile.mkdtemp(prefix="d2r-pg-"))
    user: dict[str, Any] = {}
    if os.getuid() == 0:
        known = [entry.pw_name for entry in pwd.getpwall()]
        require("PostgreSQL", "postgres" in known, "it does not run as root and there is no user 'postgres'")
        shutil.chown(folder, "postgres", "postgres")
        user = {"user": "postgres", "group": "postgres", "extra_groups": []}
    secret = folder / "password"
    secret.write_text("administrator")
    secret.chmod(0o644)
    make = [place / "initdb", "-D", folder / "data", "-U", "postgres", "-A", "scram-sha-256", "--pwfile", secret, "-N"]
    subprocess.run(make, check=True, stdout=subprocess.DEVNULL, cwd="/", **user)
    settings = _SETTINGS | (_DURABLE if is_durable else {})
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value.strip(chr(39))}")]
    command = [place / "postgres", "-D", folder / "data", "-k", folder, *options]
    server = subprocess.Popen(command, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **user)
    parent = os.getpid()
    atexit.register(lambda: _stop(server, folder) if os.getpid() == parent else None)
    started = Cluster(folder, "administrator")
    _wait(started, server)
    return started


def _wait(started: Cluster, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until and server.poll() is None:
        try:
            psycopg.connect(started.url(), connect_timeout=2).close()
            return
        except psycopg.OperationalError:
            time.sleep(0.05)
    raise RuntimeError("PostgreSQL does not start")


def _stop(server: subprocess.Popen[bytes], folder: Path) -> None:
    server.send_signal(signal.SIGQUIT)
    server.wait(10)
    shutil.rmtree(folder, ignore_errors=True)


def throw_databases_away() -> None:
    """Drop what tests made in this process's server, if it has one."""
    if cluster.cache_info().currsize:
        cluster().throw_away()


def make_ready(site: Site, schemas: int) -> None:
    """On PostgreSQL, have ``schemas`` ready: for workspaces that other processes will make."""
    from appliance.tenancy import postgresql

    if ON_POSTGRESQL:
        database = json.loads(site.settings.database_file.read_bytes())["database"]
        postgresql.provision(site, cluster().url(database), schemas)


class Mould:
    """A database with a schema of each kind, built step by step: its copies need only new names and new owners.

    The first control schema and the first workspace of a copy are the copied ones; further ones are built.
    """

    def __init__(self, server: Cluster) -> None:
        from appliance.db.provisioning import Administrator

        with Administrator.at(server.new_database()) as administrator:
            self.database = administrator.database
            for kind in ("control", "workspace"):
                administrator.make_schema(f"mould_{kind}", "nobody enters here")
                administrator.migrate(f"mould_{kind}", kind)
        server.keep(self.database)

    def take(self, administrator: Administrator, schema: str) -> str | None:
        """In a copy, give the copied schema of the kind of ``schema`` that name; returns its owner, if it was left."""
        copied = "mould_control" if schema == "control" else "mould_workspace"
        there = "SELECT 1 FROM pg_namespace WHERE nspname = %s"
        if not administrator._connection.execute(there, (copied,)).fetchone():
            return None
        role = f"{self.database}_{copied}"
        administrator._run("ALTER SCHEMA {} RENAME TO {}", copied, schema)
        administrator._run("DROP OWNED BY {}", role)
        return f"{role}_owner"


def use_for_new_sites() -> None:
    """Let every appliance that tests found from now on have its databases in this server, each in one of its own.

    A schema takes a fifth of a second to build: such an appliance has one ready, and each further one when it is
    needed.
    """
    from appliance.config.settings import Settings
    from appliance.db.provisioning import Administrator
    from appliance.tenancy import postgresql
    from appliance.tenancy.site import Site

    bare = Site.open.__func__  # type: ignore[attr-defined]
    take, given = postgresql.take_slot, set[Path]()
    build, mould, copies = Administrator.make_schema, cache(lambda: Mould(cluster())), set[str]()

    def open_site(
        cls: type[Site], settings: Settings, *, create: bool = False, administrator_url: str | None = None
    ) -> Site:
        if create and not administrator_url and not settings.database_file.exists():
            administrator_url = cluster().new_database(mould().database)
            copies.add(conninfo.conninfo_to_dict(administrator_url)["dbname"])
            given.add(settings.database_file)
        postgresql.provision.__defaults__ = (1 if settings.database_file in given else _SPARE,)
        site: Site = bare(cls, settings, create=create, administrator_url=administrator_url)
        return site

    def make_schema(administrator: Administrator, schema: str, password: str) -> Login:
        owner = mould().take(administrator, schema) if administrator.database in copies else None
        login = build(administrator, schema, password)
        if owner:
            administrator._run("REASSIGN OWNED BY {} TO {}", owner, f"{login.role}_owner")
        return login

    def take_slot(site: Site) -> str:
        if site.settings.database_file in given and not postgresql.spare_slots(site):
            database = json.loads(site.settings.database_file.read_bytes())["database"]
            with Administrator.at(cluster().url(database)) as administrator:
                postgresql._make_slot(site, administrator)
        return take(site)

    Site.open = classmethod(open_site)  # type: ignore[method-assign, assignment]
    Administrator.make_schema = make_schema  # type: ignore[method-assign]
    postgresql.take_slot = take_slot
