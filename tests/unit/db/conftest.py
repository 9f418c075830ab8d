"""Two small databases of one kind, with one table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from peewee import IntegerField, TextField

from appliance.db import backends, opening, provisioning
from appliance.db.engine import Engine
from appliance.db.migrations import Migration
from appliance.db.models import WorkspaceModel
from appliance.db.opening import create_database, open_database
from appliance.db.postgresql import connect
from appliance.db.provisioning import Administrator
from appliance.db.routing import WORKSPACE
from appliance.queue.outbox import emit
from tests.postgresql_cluster import ON_POSTGRESQL, cluster

SECRET = "canary-of-b"
THING = Migration(
    1,
    "thing",
    """CREATE TABLE thing (id TEXT PRIMARY KEY, n INTEGER NOT NULL);
    CREATE TABLE change_stamp (one INTEGER PRIMARY KEY, stamp INTEGER NOT NULL);
    INSERT INTO change_stamp (one, stamp) VALUES (1, 0);""",
)


class Thing(WorkspaceModel):
    """A row of these tests."""

    id = TextField(primary_key=True)
    n = IntegerField(default=0)

    class Meta:
        table_name = "thing"


@pytest.fixture
def thing() -> type[Thing]:
    return Thing


@pytest.fixture
def engines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Engine, Engine]:
    if ON_POSTGRESQL:
        return on_postgresql(monkeypatch)
    monkeypatch.setattr(opening, "steps", lambda kind: (THING,))
    made = []
    for name in ("a", "b"):
        create_database(tmp_path / f"{name}.db")
        made.append(open_database(tmp_path / f"{name}.db", name, WORKSPACE))
    return made[0], made[1]


def on_postgresql(monkeypatch: pytest.MonkeyPatch) -> tuple[Engine, Engine]:
    """Two schemas of one PostgreSQL database."""
    monkeypatch.setattr(provisioning, "steps", lambda kind: (THING,))
    monkeypatch.setattr(backends, "steps", lambda kind: (THING,))
    with provisioning.Administrator.at(cluster().new_database()) as administrator:
        administrator.confine()
        for name in ("a", "b"):
            administrator.make_schema(f"wsp_{name}", f"secret-{name}")
            administrator.migrate(f"wsp_{name}", "workspace")
        control = administrator.login("control", "")
        backend = backends.PostgresqlBackend(control, administrator.database, lambda wsp: f"secret-{wsp[-1]}")
    return backend.workspace("wsp_a"), backend.workspace("wsp_b")


@pytest.fixture
def a(engines: tuple[Engine, Engine]) -> Engine:
    return engines[0]


@pytest.fixture
def b(engines: tuple[Engine, Engine]) -> Engine:
    return engines[1]


@dataclass
class Pair:
    """Two workspaces of one appliance, the second of which holds a secret."""

    url: str
    database: str
    backend: backends.PostgresqlBackend
    a: Engine
    b: Engine


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    url = cluster().new_database()
    with Administrator.at(url) as administrator:
        administrator.confine()
        for schema, kind in (("control", "control"), ("wsp_a", "workspace"), ("wsp_b", "workspace")):
            administrator.make_schema(schema, f"secret-{schema}")
            administrator.migrate(schema, kind)
        control = administrator.login("control", "secret-control")
        database = administrator.database
    backend = backends.PostgresqlBackend(control, database, lambda schema: f"secret-{schema}")
    a, b = backend.workspace("wsp_a"), backend.workspace("wsp_b")
    with b.transaction(WorkspaceModel):
        emit("secret", {"value": SECRET})
    yield Pair(url, database, backend, a, b)
    a.close()
    b.close()


@pytest.fixture
def mine(pair: Pair) -> Iterator[psycopg.Connection[Any]]:
    """A bare connection with all that the running appliance has in workspace A."""
    with closing(connect(pair.backend.login("wsp_a"))) as connection:
        yield connection
