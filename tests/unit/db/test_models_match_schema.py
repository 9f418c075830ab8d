"""Models and migrated schema agree, column by column."""

from __future__ import annotations

import importlib
import pkgutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

import appliance
from appliance.db.migrations import migrate, prepare_ledger, steps
from appliance.db.models import ControlModel, WorkspaceModel
from appliance.db.opening import create_database, schema_connection

BASES = {"control": ControlModel, "workspace": WorkspaceModel}
#: Kind of peewee field -> affinity that SQLite gives the column (https://www.sqlite.org/datatype3.html, 3.1).
AFFINITY = {"TEXT": "TEXT", "INT": "INTEGER", "AUTO": "INTEGER", "FLOAT": "REAL", "BLOB": "BLOB", "BIGINT": "INTEGER"}


def _all_models() -> dict[str, list[Any]]:
    for module in pkgutil.walk_packages(appliance.__path__, "appliance."):
        if module.name.endswith((".models", ".outbox")):
            importlib.import_module(module.name)
    return {kind: [model for model in _below(base) if model.__module__.startswith("appliance.")]
            for kind, base in BASES.items()}  # fmt: skip


def _below(model: Any) -> list[Any]:
    return [below for child in model.__subclasses__() for below in (child, *_below(child))]


MODELS = [(kind, model) for kind, models in _all_models().items() for model in models]


def _affinity(declared: str) -> str:
    upper = declared.upper()
    for word, affinity in (("INT", "INTEGER"), ("CHAR", "TEXT"), ("TEXT", "TEXT"), ("BLOB", "BLOB"), ("DOUB", "REAL")):
        if word in upper:
            return affinity
    return upper


@pytest.fixture(scope="module")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> dict[str, sqlite3.Connection]:
    found = {}
    for kind in BASES:
        path: Path = tmp_path_factory.mktemp("schema") / f"{kind}.db"
        create_database(path)
        with schema_connection(path) as connection:
            prepare_ledger(connection)
            migrate(connection, steps(kind))
        found[kind] = sqlite3.connect(path)
    return found


def test_there_are_models_of_both_kinds() -> None:
    assert {kind for kind, _ in MODELS} == {"control", "workspace"}
    assert len(MODELS) >= 10


@pytest.mark.parametrize(("kind", "model"), MODELS, ids=lambda value: getattr(value, "__name__", value))
def test_a_model_has_the_columns_of_its_table(kind: str, model: Any, schemas: dict[str, sqlite3.Connection]) -> None:
    table = model._meta.table_name
    columns = {
        name: (_affinity(declared), bool(required), bool(key))
        for _, name, declared, required, _, key in schemas[kind].execute(f"PRAGMA table_info('{table}')")
    }
    assert columns, f"no migration makes the table {table}"
    key_names = {field.name for field in model._meta.get_primary_keys()}
    fields = {field.column_name: field for field in model._meta.sorted_fields}
    assert set(fields) == set(columns)
    for name, field in fields.items():
        affinity, required, is_key = columns[name]
        assert AFFINITY[field.field_type] == affinity, name
        assert (field.name in key_names) == is_key, name
        assert field.null == (not required and not is_key), name
    assert [field.column_name for field in model._meta.sorted_fields if field.name in key_names]


@pytest.mark.parametrize("kind", BASES)
def test_references_lead_to_tables_that_exist(kind: str, schemas: dict[str, sqlite3.Connection]) -> None:
    tables = [name for (name,) in schemas[kind].execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    for table in tables:
        for row in schemas[kind].execute(f"PRAGMA foreign_key_list('{table}')"):
            assert row[2] in tables, f"{table} refers to {row[2]}"
