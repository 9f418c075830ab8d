"""Two small databases of one kind, with one table."""

from __future__ import annotations

from pathlib import Path

import pytest
from peewee import IntegerField, TextField

from appliance.db import opening
from appliance.db.engine import Engine
from appliance.db.migrations import Migration
from appliance.db.models import WorkspaceModel
from appliance.db.opening import create_database, open_database
from appliance.db.routing import WORKSPACE

THING = Migration(1, "thing", "CREATE TABLE thing (id TEXT PRIMARY KEY, n INTEGER NOT NULL);")


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
    monkeypatch.setattr(opening, "steps", lambda kind: (THING,))
    made = []
    for name in ("a", "b"):
        create_database(tmp_path / f"{name}.db")
        made.append(open_database(tmp_path / f"{name}.db", name, WORKSPACE))
    return made[0], made[1]


@pytest.fixture
def a(engines: tuple[Engine, Engine]) -> Engine:
    return engines[0]


@pytest.fixture
def b(engines: tuple[Engine, Engine]) -> Engine:
    return engines[1]
