"""Sessions on PostgreSQL: nothing of one is left to the next, and lookups leave nothing at all."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest
from psycopg.pq import TransactionStatus

from appliance.db import postgresql
from appliance.db.bulk import Asked, Kind
from appliance.db.lookups import SchemaConnection
from appliance.db.models import WorkspaceModel
from appliance.db.provisioning import Administrator, role_of
from appliance.db.routing import ScopeMissing
from appliance.errors import InvalidInput
from appliance.queue.outbox import Event, emit
from tests.postgresql_cluster import cluster
from tests.unit.db.conftest import Pair


def test_nothing_that_a_session_sets_is_left_to_the_next(pair: Pair) -> None:
    """Whoever ran a statement in one session does not decide how durably the next one commits, or where it looks."""
    pair.a.close()
    with pair.a.session():
        for statement in ("SET synchronous_commit = off", "SET search_path = public", "SET statement_timeout = 1",
                          "LISTEN d2r"):  # fmt: skip
            pair.a.database.connection().execute(statement)
    with pair.a.session():
        names = ("synchronous_commit", "search_path", "statement_timeout", "lock_timeout")
        assert [pair.a.fetch(f"SHOW {name}")[0][0] for name in names] == ["on", "wsp_a", "0", "30s"]
        assert pair.a.fetch("SELECT * FROM pg_listening_channels()") == []


def test_a_role_that_changed_its_own_defaults_is_led_home_all_the_same(pair: Pair) -> None:
    role = role_of(pair.database, "wsp_a")
    pair.a.close()
    with pair.a.session():
        pair.a.database.connection().execute(f"ALTER ROLE {role} IN DATABASE {pair.database} SET search_path = public")
    pair.a.close()
    try:
        with pair.a.session(WorkspaceModel):
            assert pair.a.fetch("SHOW search_path") == [("wsp_a",)]
            Event.select().count()
    finally:
        with psycopg.connect(pair.url, autocommit=True) as administrator:
            administrator.execute(f"ALTER ROLE {role} IN DATABASE {pair.database} SET search_path = wsp_a")


def test_several_statements_in_one_are_refused(pair: Pair) -> None:
    with pair.a.session(WorkspaceModel), pytest.raises(Exception, match="multiple commands"):
        pair.a.database.execute_sql("SELECT 1; COMMIT")


def test_a_write_outside_of_a_transaction_waits_for_the_writers_too(pair: Pair) -> None:
    """Else an event's number could be seen before a smaller one is committed."""
    done: list[int] = []

    def write() -> None:
        with pair.a.session(WorkspaceModel):
            done.append(emit("alone", {}))

    with pair.a.transaction(WorkspaceModel):
        first = emit("first", {})
        late = threading.Thread(target=write)
        late.start()
        time.sleep(0.3)
        assert done == []
    late.join(20)
    assert done == [first + 1]


def test_text_is_ordered_byte_by_byte_as_in_files(pair: Pair) -> None:
    """Lists are paged by it: a server of another language would order, and page, in another way."""
    with pair.a.session():
        found = pair.a.fetch(
            "SELECT DISTINCT collation_name FROM information_schema.columns"
            " WHERE table_schema = 'wsp_a' AND data_type = 'text' AND table_name <> 'schema_migration'"
        )
    assert found == [("C",)]


def test_the_server_is_never_told_a_password() -> None:
    """Its log may hold every statement that changes a role."""
    url, said = cluster().new_database(), []
    with Administrator.at(url) as administrator:
        execute = administrator._connection.execute
        administrator._connection.execute = lambda query, *rest: said.append(query) or execute(query, *rest)  # type: ignore
        administrator.make_schema("wsp_c", "the password itself")
        texts = [each if isinstance(each, str) else each.as_string() for each in said]
    assert any("SCRAM-SHA-256$" in text for text in texts)
    assert not any("the password itself" in text for text in texts)


def test_a_session_of_lookups_is_given_back_as_it_is_and_any_other_is_discarded(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    send = SchemaConnection.send

    def noted(self: Any, query: str, *more: Any) -> None:
        said.append(query)
        send(self, query, *more)

    monkeypatch.setattr(SchemaConnection, "send", noted)
    with pair.a.session():
        assert pair.a.look_up("SELECT 1 WHERE 1 = ?", 1) == [(1,)]
    assert said == []
    with pair.a.session():
        pair.a.look_up("SELECT 1")
        pair.a.fetch("SELECT 1")
    with pair.a.session():
        Event.select().count()
    assert said == ["DISCARD ALL"] * 2


def test_a_lookup_outlives_a_discarded_session_and_tells_what_its_failure_means(pair: Pair) -> None:
    for _ in range(4):
        with pair.a.session():
            pair.a.fetch("SELECT 1")
        with pair.a.session():
            assert pair.a.look_up("SELECT 2 WHERE 1 = ?", 1) == [(2,)]
            pair.a.fetch("SELECT 1")
    with pytest.raises(ScopeMissing):
        pair.a.look_up("SELECT 1")
    with pair.a.session(), pytest.raises(InvalidInput):
        pair.a.look_up("SELECT 1 WHERE 'x' = ?", "a\0b")


def test_every_answer_to_a_lookup_is_read_as_what_it_is(pair: Pair) -> None:
    """How its columns are read is found out once a connection."""
    asked = "SELECT n, n::text, n::float8 / 2, n = 2, x FROM generate_series(1, ?::int) n"
    question = f"{asked} LEFT JOIN (SELECT 2 AS x) s ON x = n"
    rows = [(1, "1", 0.5, False, None), (2, "2", 1.0, True, 2), (3, "3", 1.5, False, None)]
    for _ in range(2):
        with pair.a.session():
            for number in (0, 1, 3, 0, 2):
                assert sorted(pair.a.look_up(question, number)) == rows[:number]
    with pair.a.session(), pytest.raises(psycopg.Error):
        pair.a.look_up("SELECT 1 / ?::int", 0)
    with pair.a.session():
        assert pair.a.look_up("SELECT 1 / ?::int", 1) == [(1,)]


def test_a_connection_is_looked_at_before_it_is_used_again_unless_it_was_in_use_just_now(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each look lets another thread go first."""
    looked: list[int] = []
    select = postgresql.select.select

    def noted(readable: Any, *more: Any) -> Any:
        looked.append(1)
        return select(readable, *more)

    monkeypatch.setattr(postgresql.select, "select", noted)
    for _ in range(3):
        with pair.a.session():
            assert pair.a.look_up("SELECT 1 WHERE 1 = ?", 1) == [(1,)]
    assert looked == []
    monkeypatch.setattr(postgresql, "TRUSTED_S", 0.0)
    with pair.a.session():
        pass
    assert looked


def connection_of(pair: Pair) -> SchemaConnection:
    """That of the open session."""
    found: SchemaConnection = pair.a.database._state.conn
    return found


#: Takes the server half a second, or more.
SLOW = "DO $$ BEGIN PERFORM pg_sleep(0.5); END $$"
STATES: dict[str, Kind] = {"one": "integer", "version": "integer", "time_zone": "text", "built_at": "text"}
STATE = (1, 2, "UTC", "2026-01-01T00:00:00.000000Z")


def test_the_server_works_while_the_program_goes_on(pair: Pair) -> None:
    with pair.a.transaction(WorkspaceModel):
        connection = connection_of(pair)
        connection.send(SLOW)
        assert connection.pgconn.transaction_status == TransactionStatus.ACTIVE
        assert pair.a.look_up("SELECT 1") == [(1,)], "which waits for it"
        connection.send(SLOW)
        connection.send(SLOW)
        assert pair.a.fetch("SELECT 2") == [(2,)]
        assert connection.pgconn.transaction_status == TransactionStatus.INTRANS
        connection.send(SLOW)


@pytest.mark.parametrize("comes_next", ["look_up", "fetch", "write", "commit", "inner commit"])
def test_what_failed_while_the_program_went_on_is_raised_by_what_comes_next(pair: Pair, comes_next: str) -> None:
    """And nothing of the transaction stays."""

    def write_twice() -> None:
        with pair.a.transaction(WorkspaceModel), ExitStack() as inner:
            if comes_next == "inner commit":
                inner.enter_context(pair.a.transaction(WorkspaceModel))
            for _ in range(2):
                pair.a.write_rows("rollup_state", STATES, [STATE])
            if comes_next == "look_up":
                pair.a.look_up("SELECT 1")
            elif comes_next == "fetch":
                pair.a.fetch("SELECT 1")
            elif comes_next == "write":
                pair.a.write_rows("rollup_state", STATES, [STATE])

    with pytest.raises(Exception, match="duplicate key"):
        write_twice()
    with pair.a.session(WorkspaceModel):
        assert pair.a.look_up("SELECT one FROM rollup_state") == []
    with pair.a.transaction(WorkspaceModel):
        emit("after it", {})


def test_whoever_is_interrupted_in_the_middle_of_an_answer_leaves_none_of_it_to_others(pair: Pair) -> None:
    """A job that takes too long is ended by a signal."""
    used: list[SchemaConnection] = []

    class Enough(Exception):
        pass

    def stop(*_: object) -> None:
        raise Enough

    def wait_too_long() -> None:
        with pair.a.transaction(WorkspaceModel):
            used.append(connection_of(pair))
            used[0].send(SLOW.replace("0.5", "3"))
            signal.setitimer(signal.ITIMER_REAL, 0.5)
            pair.a.look_up("SELECT 1")

    before = signal.signal(signal.SIGALRM, stop)
    try:
        with pytest.raises(Enough):
            wait_too_long()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
    with pair.a.session():
        assert connection_of(pair) is not used[0]
        assert pair.a.look_up("SELECT 2") == [(2,)]


def test_nothing_behind_a_statement_that_failed_is_begun(pair: Pair) -> None:
    def write_and_go_on() -> None:
        with pair.a.transaction(WorkspaceModel):
            pair.a.run("SELECT 1 / 0")
            pair.a.run("UPDATE rollup_state SET version = 3")
            pair.a.write_rows("rollup_state", STATES, [STATE])

    with pytest.raises(Exception, match="division by zero"):
        write_and_go_on()


def test_a_question_that_cannot_be_asked_leaves_the_connection_as_it_was(pair: Pair) -> None:
    keys: dict[str, Kind] = {"time_zone": "text"}
    good = Asked("rollup_state", keys, [["UTC"]], ("version",))
    with pair.a.transaction(WorkspaceModel):
        pair.a.write_rows("rollup_state", STATES, [STATE])
        with pytest.raises(InvalidInput):
            pair.a.read_tables(good, Asked("rollup_state", keys, [["U\0TC"]], ("version",)))
        assert pair.a.read_tables(good, good) == [[("UTC", 2)]] * 2
    with pair.a.session(), pytest.raises(psycopg.Error, match="no_such"):
        pair.a.read_tables(good, Asked("rollup_state", keys, [["UTC"]], ("no_such",)), good)
    with pair.a.transaction():
        assert pair.a.read_tables(good) == [[("UTC", 2)]]
        pair.a.run("DELETE FROM rollup_state")


def test_what_fails_when_the_transaction_is_given_up_hides_nothing(pair: Pair) -> None:
    def write_twice_and_fail() -> None:
        with pair.a.transaction(WorkspaceModel):
            pair.a.write_rows("rollup_state", STATES, [STATE, STATE])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_twice_and_fail()
    with pair.a.transaction(WorkspaceModel):
        pair.a.write_rows("rollup_state", STATES, [STATE])
        assert pair.a.look_up("SELECT version, time_zone FROM rollup_state") == [(2, "UTC")]


def test_a_connection_that_the_server_has_not_cleared_yet_is_used_again(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql, "TRUSTED_S", 0.0)
    with pair.a.session():
        pair.a.fetch("SELECT 1")
        first = connection_of(pair)
    time.sleep(0.05)
    with pair.a.session():
        assert connection_of(pair) is first
