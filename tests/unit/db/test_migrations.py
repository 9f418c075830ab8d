"""Migrations: from every earlier version, whole or not at all, and by nobody's other steps."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from appliance.db.migrations import Migration, migrate, prepare_ledger, statements, steps
from appliance.db.opening import create_database, schema_connection, use_write_ahead_log
from appliance.errors import Misconfigured
from appliance.measurements.recording import key_of

KINDS = ("control", "workspace")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    create_database(tmp_path / "x.db")
    return tmp_path / "x.db"


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    with schema_connection(path) as connection:
        prepare_ledger(connection)
        yield connection


def _schema(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    return list(connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name"))


def _step(number: int, sql: str) -> Migration:
    return Migration(number, f"step_{number}", sql)


@pytest.mark.parametrize("kind", KINDS)
def test_the_steps_are_numbered_in_their_order(kind: str) -> None:
    numbers = [step.number for step in steps(kind)]
    assert numbers == sorted(set(numbers))
    assert numbers[:3] == [1, 2, 3]


@pytest.mark.parametrize("kind", KINDS)
def test_every_earlier_version_comes_to_the_same_schema(kind: str, tmp_path: Path) -> None:
    schemas = []
    for version in range(len(steps(kind)) + 1):
        create_database(tmp_path / f"{version}.db")
        with schema_connection(tmp_path / f"{version}.db") as connection:
            prepare_ledger(connection)
            assert len(migrate(connection, steps(kind)[:version])) == version
            assert len(migrate(connection, steps(kind))) == len(steps(kind)) - version
            assert migrate(connection, steps(kind)) == []
            schemas.append(_schema(connection))
    assert all(schema == schemas[0] for schema in schemas)


def test_rows_survive_the_steps_that_follow(connection: sqlite3.Connection) -> None:
    first, second = _step(1, "CREATE TABLE t (a TEXT);"), _step(2, "ALTER TABLE t ADD COLUMN b TEXT DEFAULT 'new';")
    migrate(connection, [first])
    connection.execute("INSERT INTO t VALUES ('old')")
    migrate(connection, [first, second])
    assert list(connection.execute("SELECT a, b FROM t")) == [("old", "new")]


def test_a_step_that_fails_leaves_nothing_and_is_tried_again(connection: sqlite3.Connection) -> None:
    bad = _step(1, "CREATE TABLE t (a TEXT);\nINSERT INTO nowhere VALUES (1);")
    with pytest.raises(sqlite3.OperationalError):
        migrate(connection, [bad])
    assert [name for name, _ in _schema(connection)] == ["schema_migration"]
    assert migrate(connection, [_step(1, "CREATE TABLE t (a TEXT);")]) == ["0001_step_1"]


_KILLED = """
import sys
from pathlib import Path
from typing import Any
from appliance.db.migrations import Migration, migrate, prepare_ledger
from appliance.db.opening import schema_connection
with schema_connection(Path(sys.argv[1])) as connection:
    connection.execute("PRAGMA journal_mode=WAL")
    prepare_ledger(connection)
    migrate(connection, [Migration(1, "one", "CREATE TABLE a (x);"),
                         Migration(2, "two", "CREATE TABLE b (x);\\nINSERT INTO a VALUES (1);\\nCREATE TABLE c (x);")])
"""


@pytest.mark.parametrize("fault", ["migration.statement:2", "migration.statement:4", "migration.applied:2"])
def test_a_step_that_was_killed_half_way_is_not_there_and_is_done_by_the_next_start(path: Path, fault: str) -> None:
    command = [sys.executable, "-c", _KILLED, str(path)]
    died = subprocess.run(command, env=os.environ | {"D2R_FAULT": fault, "D2R_ALLOW_FAULTS": "1"})
    assert died.returncode == -signal.SIGKILL
    with schema_connection(path) as connection:
        assert [name for name, _ in _schema(connection)] == ["a", "schema_migration"]
        assert list(connection.execute("SELECT COUNT(*) FROM a")) == [(0,)]
    assert subprocess.run(command).returncode == 0
    with schema_connection(path) as connection:
        assert [name for name, _ in _schema(connection)] == ["a", "b", "c", "schema_migration"]
        assert list(connection.execute("SELECT COUNT(*) FROM a")) == [(1,)]


def test_a_database_of_a_newer_program_is_refused(connection: sqlite3.Connection) -> None:
    first, second = _step(1, "CREATE TABLE t (a TEXT);"), _step(2, "CREATE TABLE u (a TEXT);")
    migrate(connection, [first, second])
    with pytest.raises(Misconfigured) as refused:
        migrate(connection, [first])
    assert refused.value.code == "schema.newer"
    assert "0002_step_2" in refused.value.message


def test_a_step_that_was_changed_after_its_use_is_refused(connection: sqlite3.Connection) -> None:
    migrate(connection, [_step(1, "CREATE TABLE t (a TEXT);")])
    with pytest.raises(Misconfigured) as refused:
        migrate(connection, [_step(1, "CREATE TABLE t (a TEXT, b TEXT);")])
    assert refused.value.code == "schema.changed"


def test_a_step_before_one_that_is_done_is_refused(connection: sqlite3.Connection) -> None:
    first, second = _step(1, "CREATE TABLE t (a TEXT);"), _step(2, "CREATE TABLE u (a TEXT);")
    migrate(connection, [second])
    with pytest.raises(Misconfigured) as refused:
        migrate(connection, [first, second])
    assert refused.value.code == "schema.gap"


def test_processes_that_migrate_at_once_do_it_once(path: Path) -> None:
    wanted = [_step(n, f"CREATE TABLE t{n} (a TEXT);") for n in range(1, 9)]

    def work(_: int) -> list[str]:
        with schema_connection(path) as connection:
            use_write_ahead_log(connection, path)
            prepare_ledger(connection)
            return migrate(connection, wanted)

    with ThreadPoolExecutor(6) as pool:
        done = [name for names in pool.map(work, range(6)) for name in names]
    assert sorted(done) == [f"{n:04}_step_{n}" for n in range(1, 9)]


def test_write_ahead_logging_waits_for_whoever_holds_a_new_file(path: Path) -> None:
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("CREATE TABLE t (a TEXT)")
    with schema_connection(path) as connection:
        connection.execute("PRAGMA busy_timeout=0")  # as SQLite does of itself where several switch at once
        other.execute("BEGIN EXCLUSIVE")
        threading.Timer(0.3, other.rollback).start()
        use_write_ahead_log(connection, path)
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    other.close()


def test_a_trigger_with_its_body_is_one_statement() -> None:
    trigger = "CREATE TRIGGER x BEFORE UPDATE ON t\nBEGIN\n    SELECT RAISE(ABORT, 'a; b');\nEND;"
    assert list(statements(f"CREATE TABLE t (a);\n-- why; not\n{trigger}\n-- the end\n")) == [
        "CREATE TABLE t (a);",
        f"-- why; not\n{trigger}",
    ]


def test_a_script_that_ends_inside_a_statement_is_refused() -> None:
    with pytest.raises(Misconfigured):
        list(statements("CREATE TABLE t (a)\n"))


def test_a_folder_with_two_steps_of_one_number_is_refused(tmp_path: Path) -> None:
    (tmp_path / "k").mkdir()
    (tmp_path / "k" / "0001_a.sql").write_text("SELECT 1;")
    assert [step.name for step in steps("k", tmp_path)] == ["a"]
    (tmp_path / "k" / "0001_b.sql").write_text("SELECT 1;")
    with pytest.raises(Misconfigured):
        steps("k", tmp_path)


def test_measurements_from_before_characteristics_keep_their_figures(connection: sqlite3.Connection) -> None:
    migrate(connection, [step for step in steps("workspace") if step.number < 21])
    inspection = {"scan_id": "scn_1", "asset_id": "ast_1", "part_id": "prt_1", "state": "recorded"}
    measured = {"asset_id": "ast_1", "name": "wear", "zone": "Wände", "quantity": "mean", "measured_at": "t"}
    connection.execute("PRAGMA foreign_keys=OFF")
    _insert(connection, "asset", id="ast_1", serial="0007")
    _insert(connection, "scan", id="scn_1", operator_person_id="per_1")
    _insert(connection, "instrument", id="itm_1", revision=1, statement_object="statement")
    _insert(connection, "inspection", id="ins_1", instrument_object="statement", **inspection)
    _insert(connection, "inspection", id="ins_2", amends_id="ins_1", **inspection)
    _insert(connection, "measurement", id="mea_1", inspection_id="ins_1", value_mm=0.25, **measured)
    _insert(connection, "measurement", id="mea_2", inspection_id="ins_2", value_mm=0.5, **measured)
    migrate(connection, steps("workspace"))
    rows = connection.execute(
        "SELECT m.id, c.key, m.part_id, m.serial, m.instrument_id, m.operator_id, m.unit, m.value, m.superseded_by "
        "FROM measurement m JOIN characteristic c ON c.id = m.characteristic_id ORDER BY m.id"
    ).fetchall()
    key = key_of("wear", "Wände", "mean")
    assert rows == [
        ("mea_1", key, "prt_1", "0007", "itm_1", "per_1", "mm", 0.25, "ins_2"),
        ("mea_2", key, "prt_1", "0007", None, "per_1", "mm", 0.5, None),
    ]
    assert connection.execute("SELECT COUNT(*) FROM characteristic").fetchone() == (1,)
    assert connection.execute("SELECT DISTINCT laboratory FROM inspection").fetchall() == [("",)]
    inspections = connection.execute("SELECT id, instrument_id, measured_at FROM inspection ORDER BY id").fetchall()
    assert inspections == [("ins_1", "itm_1", "t"), ("ins_2", None, "t")]


def test_inspections_from_before_laboratories_have_that_of_their_file(connection: sqlite3.Connection) -> None:
    migrate(connection, [step for step in steps("workspace") if step.number < 39])
    connection.execute("PRAGMA foreign_keys=OFF")
    _insert(connection, "results_file", id="res_1", laboratory="NIST")
    _insert(connection, "inspection", id="ins_1", results_file_id="res_1", file_position=1)
    _insert(connection, "inspection", id="ins_2")
    migrate(connection, steps("workspace"))
    kept = connection.execute("SELECT id, laboratory FROM inspection ORDER BY id").fetchall()
    assert kept == [("ins_1", "NIST"), ("ins_2", "")]


def _insert(connection: sqlite3.Connection, table: str, **values: Any) -> None:
    """A row whose other columns are whatever the table demands."""
    for _, name, kind, demanded, default, _ in connection.execute(f"PRAGMA table_info({table})").fetchall():
        if demanded and default is None:
            values.setdefault(name, "x" if kind == "TEXT" else 1)
    marks = ", ".join("?" * len(values))
    connection.execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})", tuple(values.values()))
