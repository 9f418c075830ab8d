"""Transactions: whole or absent, savepoints inside, writers in line, failures with a meaning."""

from __future__ import annotations

import multiprocessing
import os
import resource
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from peewee import IntegrityError, OperationalError, ProgrammingError

from appliance.db import engine as engine_module
from appliance.db import sqlite as sqlite_module
from appliance.db.engine import Engine
from appliance.errors import Misconfigured, Unavailable


class _Oops(Exception):
    pass


def _fail_after(work: Callable[[], Any]) -> None:
    work()
    raise _Oops


def _count(engine: Engine, thing: Any) -> int:
    with engine.session():
        return int(thing.select().count())


def test_a_transaction_that_raises_leaves_nothing(a: Engine, thing: Any) -> None:
    with pytest.raises(_Oops), a.transaction():
        _fail_after(lambda: thing.create(id="x"))
    assert _count(a, thing) == 0


def test_a_savepoint_that_raises_takes_only_its_own_away(a: Engine, thing: Any) -> None:
    with a.transaction():
        thing.create(id="x")
        with pytest.raises(_Oops), a.transaction():
            _fail_after(lambda: thing.create(id="y"))
        thing.create(id="z")
    with a.session():
        assert [row.id for row in thing.select().order_by(thing.id)] == ["x", "z"]


def test_a_snapshot_sees_one_moment_while_others_write(a: Engine, thing: Any) -> None:
    def write(name: str) -> None:
        with a.transaction():
            thing.create(id=name)

    write("before")
    with a.snapshot():
        writer = threading.Thread(target=write, args=("meanwhile",))
        writer.start()
        writer.join()
        assert [row.id for row in thing.select()] == ["before"]
        with a.session(), pytest.raises(RuntimeError, match="session of its own"), a.snapshot():
            pass
    assert _count(a, thing) == 2


@pytest.mark.sqlite
def test_a_failed_statement_does_not_end_the_transaction(a: Engine, thing: Any) -> None:
    with a.transaction():
        thing.create(id="x")
        with pytest.raises(IntegrityError), a.transaction():
            thing.create(id="x")
        thing.create(id="y")
    assert _count(a, thing) == 2


@pytest.mark.sqlite
def test_what_waits_for_the_commit_runs_after_it_and_only_then(a: Engine, thing: Any) -> None:
    seen: list[tuple[str, int]] = []

    def note(name: str) -> None:
        reader = sqlite3.connect(a.database.path)
        seen.append((name, reader.execute("SELECT COUNT(*) FROM thing").fetchone()[0]))
        reader.close()

    with a.transaction():
        thing.create(id="x")
        a.after_commit(lambda: note("outer"))
        with a.transaction():
            thing.create(id="y")
            a.after_commit(lambda: note("inner"))
        with pytest.raises(_Oops), a.transaction():
            _fail_after(lambda: a.after_commit(lambda: note("undone")))
        assert seen == []
    assert seen == [("outer", 2), ("inner", 2)]
    with pytest.raises(_Oops), a.transaction():
        _fail_after(lambda: a.after_commit(lambda: note("failed")))
    a.after_commit(lambda: note("at once"))
    assert [name for name, _ in seen] == ["outer", "inner", "at once"]


def test_800_writers_at_once_all_succeed(a: Engine, thing: Any) -> None:
    failed: list[BaseException] = []

    def write(n: int) -> None:
        try:
            with a.transaction():
                before = thing.select().count()
                thing.create(id=f"t{n}", n=before)
        except Exception as error:  # noqa: BLE001  every failure counts
            failed.append(error)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(800)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    with a.session():
        assert sorted(row.n for row in thing.select()) == list(range(800))  # each saw all that came before it
    assert a.idle_connections <= a.database.idle_connections


_WRITER = """
import sys
from pathlib import Path
from appliance.db.engine import Engine
from appliance.db.routing import WORKSPACE
from appliance.db.sqlite import RoutedSqlite
engine = Engine(RoutedSqlite(Path(sys.argv[1]), "a", WORKSPACE))
for n in range(100):
    with engine.transaction():
        count = engine.database.execute_sql("SELECT COUNT(*) FROM thing").fetchone()[0]
        engine.database.execute_sql("INSERT INTO thing (id, n) VALUES (?, ?)", (f"{sys.argv[2]}-{n}", count))
"""


@pytest.mark.sqlite
def test_writers_of_four_processes_all_succeed(a: Engine, thing: Any) -> None:
    commands = [[sys.executable, "-c", _WRITER, str(a.database.path), name] for name in "abcd"]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for command in commands]
    errors = [process.communicate()[1] for process in running]
    assert [process.returncode for process in running] == [0, 0, 0, 0], errors
    with a.session():
        assert sorted(row.n for row in thing.select()) == list(range(400))


def test_a_reader_sees_the_last_commit_while_a_writer_writes(a: Engine, thing: Any) -> None:
    counted: list[int] = []
    with a.transaction():
        thing.create(id="x")
        thread = threading.Thread(target=lambda: counted.append(_count(a, thing)))
        thread.start()
        thread.join()
    assert counted == [0]
    assert _count(a, thing) == 1


def test_a_writer_that_never_ends_makes_others_give_up(a: Engine, thing: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "LINE_TIMEOUT_S", 0.05)
    raised: list[str] = []

    def write() -> None:
        try:
            with a.transaction():
                thing.create(id="y")
        except Unavailable as error:
            raised.append(error.code)

    with a.transaction():
        thread = threading.Thread(target=write)
        thread.start()
        thread.join()
    assert raised == ["database.busy"]


@pytest.mark.sqlite
def test_a_lock_of_another_process_is_told_as_unavailable(
    a: Engine, thing: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_module, "BUSY_TIMEOUT_S", 0.05)
    a.close()
    other = sqlite3.connect(a.database.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable) as refused, a.transaction():
        thing.create(id="x")
    assert refused.value.code == "database.busy"
    other.close()
    with a.transaction():
        thing.create(id="x")


@pytest.mark.sqlite
def test_a_full_disk_is_told_as_unavailable_and_leaves_nothing(a: Engine, thing: Any) -> None:
    with a.session():
        connection = a.database.connection()
        connection.set_authorizer(None)
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages}")  # SQLite answers as it does on a full disk
        with pytest.raises(Unavailable) as refused, a.transaction():
            thing.insert_many([{"id": f"{n:0100}", "n": n} for n in range(2000)]).execute()
        assert refused.value.code == "database.unwritable"
        assert thing.select().count() == 0
        connection.execute("PRAGMA max_page_count=100000")
        with a.transaction():
            thing.create(id="x")
    assert _count(a, thing) == 1


def _give_up(engine: Engine) -> None:
    """What SQLite does by itself on some failures of the disk."""
    engine.database.connection().execute("ROLLBACK")


@pytest.mark.sqlite
@pytest.mark.parametrize("nested", [False, True])
def test_after_sqlite_gave_a_transaction_up_nothing_more_is_written(a: Engine, thing: Any, nested: bool) -> None:
    def work() -> None:
        with a.transaction():
            thing.create(id="before")
            if nested:
                with pytest.raises(_Oops), a.transaction():
                    _fail_after(lambda: _give_up(a))
            else:
                _give_up(a)
            with pytest.raises(Unavailable):
                thing.create(id="after")

    with pytest.raises(Unavailable) as refused:
        work()
    assert refused.value.code == "database.gave_up"
    assert _count(a, thing) == 0
    with a.transaction():
        thing.create(id="x")
    assert _count(a, thing) == 1


@pytest.mark.sqlite
def test_the_error_of_a_transaction_that_sqlite_gave_up_is_told(a: Engine, thing: Any) -> None:
    with pytest.raises(_Oops), a.transaction(), a.transaction():
        _fail_after(lambda: _give_up(a))


def test_a_fault_of_the_query_stays_what_it_is(a: Engine) -> None:
    with a.session(), pytest.raises((OperationalError, ProgrammingError)):
        a.database.execute_sql("SELECT nothing FROM nowhere")


@pytest.mark.sqlite
def test_a_missing_file_is_told(a: Engine) -> None:
    a.close()
    a.database.path.unlink()
    with pytest.raises(Unavailable), a.session():
        pytest.fail("entered")
    with pytest.raises(Unavailable), a.session():  # and the failure left no scope open
        pytest.fail("entered")


@pytest.mark.sqlite
def test_a_file_that_is_none_is_told(a: Engine) -> None:
    a.close()
    a.database.path.write_bytes(b"not a database" * 1000)
    with pytest.raises(Misconfigured) as refused, a.session():
        a.database.execute_sql("SELECT * FROM thing")
    assert refused.value.code == "database.damaged"


@pytest.mark.sqlite
def test_connections_are_kept_few_and_have_the_protections(a: Engine) -> None:
    barrier = threading.Barrier(12)

    def hold() -> None:
        with a.session():
            barrier.wait(10)

    threads = [threading.Thread(target=hold) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert a.idle_connections == a.database.idle_connections == 8
    with a.session():
        pragmas = ("synchronous", "foreign_keys", "recursive_triggers", "journal_mode")
        assert [a.database.execute_sql(f"PRAGMA {name}").fetchone()[0] for name in pragmas] == [2, 1, 1, "wal"]
    a.close()
    assert a.idle_connections == 0


def _child_writes(engine: Engine) -> None:
    try:
        with engine.transaction():
            engine.database.execute_sql("INSERT INTO thing (id, n) VALUES ('child', 1)")
    except RuntimeError:
        os._exit(7)
    os._exit(0)


def _exit_code_of_child(engine: Engine) -> int | None:
    child = multiprocessing.get_context("fork").Process(target=_child_writes, args=(engine,))
    child.start()
    child.join(20)
    return child.exitcode


def test_a_forked_child_opens_connections_of_its_own(a: Engine, thing: Any) -> None:
    with a.transaction():
        thing.create(id="parent")
    assert a.idle_connections == 1
    assert _exit_code_of_child(a) == 0
    assert _count(a, thing) == 2


@pytest.mark.sqlite
def test_commits_of_a_forked_child_outlive_the_parents_connections(a: Engine, thing: Any) -> None:
    """The parent's last close removes the write-ahead log unless the child holds a lock of its own."""
    with a.transaction():
        thing.create(id="parent")
    ready, go = multiprocessing.get_context("fork").Event(), multiprocessing.get_context("fork").Event()

    def work() -> None:
        with a.session():
            a.database.execute_sql("SELECT COUNT(*) FROM thing").fetchone()
            ready.set()
            go.wait(10)
            with a.transaction():
                a.database.execute_sql("INSERT INTO thing (id, n) VALUES ('child', 1)")
            os._exit(0)

    child = multiprocessing.get_context("fork").Process(target=work)
    child.start()
    ready.wait(10)
    with a.transaction():
        thing.create(id="second")
    a.close()
    go.set()
    child.join(20)
    assert child.exitcode == 0
    assert _count(a, thing) == 3


def test_a_child_forked_inside_a_session_is_refused(a: Engine, thing: Any) -> None:
    with a.transaction():
        thing.create(id="x")
        assert _exit_code_of_child(a) == 7
    assert _count(a, thing) == 1
    started, release = threading.Event(), threading.Event()

    def write() -> None:
        with a.transaction():
            thing.create(id="slow")
            started.set()
            release.wait(10)

    writer = threading.Thread(target=write)
    writer.start()
    started.wait(10)
    assert _exit_code_of_child(a) == 7
    release.set()
    writer.join()
    assert _count(a, thing) == 2
    assert _exit_code_of_child(a) == 0


def test_a_session_costs_little(a: Engine, thing: Any) -> None:
    """Entering a scope is no query: far below the 2 ms that scope and authentication may take together."""
    with a.session():
        pass
    best = min(_seconds_of_100_sessions(a) for _ in range(5))
    assert best / 100 < 200e-6


def _seconds_of_100_sessions(engine: Engine) -> float:
    begin = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    for _ in range(100):
        with engine.session():
            pass
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime - begin


@pytest.mark.sqlite
def test_the_file_is_for_its_owner_alone(a: Engine) -> None:
    path: Path = a.database.path
    assert path.stat().st_mode & 0o777 == 0o600
