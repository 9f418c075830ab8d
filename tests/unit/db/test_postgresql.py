"""PostgreSQL: what the role of one workspace cannot do to another, and what failures of the server mean."""

from __future__ import annotations

import os
import threading
import time
from contextlib import closing
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from appliance.db import backends, provisioning
from appliance.db.migrations import steps
from appliance.db.models import WorkspaceModel
from appliance.db.postgresql import connect
from appliance.db.provisioning import Administrator, role_of
from appliance.db.rights import excess_rights, server_version, weak_settings
from appliance.errors import InvalidInput, Misconfigured, Unavailable
from appliance.measurements.recording import key_of
from appliance.queue.outbox import Event, emit
from tests.postgresql_cluster import cluster
from tests.unit.db.conftest import SECRET, Pair

#: Whatever a careless or injected statement could try from inside A; {b} is B's schema, {role} its role.
ATTEMPTS = {
    "name the other schema": "SELECT body FROM {b}.outbox",
    "join the other schema": "SELECT x.body FROM outbox o FULL JOIN {b}.outbox x ON true",
    "count its rows": "SELECT count(*) FROM {b}.audit_entry",
    "write into it": "INSERT INTO {b}.outbox (at, kind, body) VALUES ('', '', '')",
    "delete from it": "DELETE FROM {b}.outbox",
    "truncate it": "TRUNCATE {b}.outbox",
    "lock it": "LOCK TABLE {b}.writer IN EXCLUSIVE MODE",
    "refer to it": "CREATE TABLE mine (x BIGINT REFERENCES {b}.outbox (seq))",
    "look at it through XML": "SELECT query_to_xml('SELECT body FROM {b}.outbox', true, false, '')",
    "take the whole schema as XML": "SELECT schema_to_xml('{b}', true, false, '')",
    "take the whole table as XML": "SELECT table_to_xml('{b}.outbox', true, false, '')",
    "take the whole database as XML": "SELECT database_to_xml(true, false, '')",
    "set its role": "SET ROLE {role}",
    "set its owner": "SET ROLE {role}_owner",
    "set its own owner": "SET ROLE {mine}_owner",
    "set the role through a function": (
        "SELECT set_config('role', '{role}', false), query_to_xml('SELECT body FROM {b}.outbox', true, false, '')"
    ),
    "become another user": "SET SESSION AUTHORIZATION {role}",
    "become the administrator": "SET SESSION AUTHORIZATION postgres",
    "grant itself the other role": "GRANT {role} TO {mine}",
    "grant itself the other schema": "GRANT USAGE ON SCHEMA {b} TO {mine}",
    "give the other role a password": "ALTER ROLE {role} PASSWORD 'known'",
    "make itself a superuser": "ALTER ROLE {mine} SUPERUSER",
    "make a role": "CREATE ROLE another",
    "make a table": "CREATE TABLE another (x BIGINT)",
    "make a temporary table": "CREATE TEMPORARY TABLE another (x BIGINT)",
    "make a schema": "CREATE SCHEMA another",
    "make a table in public": "CREATE TABLE public.another (x BIGINT)",
    "make a function": "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "make an extension": "CREATE EXTENSION dblink",
    "drop its log": "DROP TABLE audit_entry",
    "alter its log": "ALTER TABLE audit_entry ADD COLUMN x BIGINT",
    "switch its triggers off": "ALTER TABLE audit_entry DISABLE TRIGGER ALL",
    "pass by its triggers": "SET session_replication_role = replica",
    "change its log": "UPDATE audit_entry SET entry = 'x'",
    "delete its log": "DELETE FROM audit_entry",
    "truncate its log": "TRUNCATE audit_entry",
    "change its ledger": "DELETE FROM schema_migration",
    "read passwords": "SELECT rolpassword FROM pg_authid",
    "read a file": "SELECT pg_read_file('/etc/passwd')",
    "read a file by copying": "COPY outbox FROM '/etc/passwd'",
    "run a program": "COPY outbox TO PROGRAM 'cat'",
    "read a file as a large object": "SELECT lo_import('/etc/passwd')",
    "look at statistics of the other": "SELECT most_common_vals::text FROM pg_stats WHERE schemaname = '{b}' LIMIT 1",
    "run a block of code": "DO $$ BEGIN PERFORM body FROM {b}.outbox; END $$",
    "end the other's sessions": "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}'",
    "reach the control plane": "SELECT * FROM control.api_key",
    "hold a lock that the other may want": "SELECT pg_advisory_lock(7)",
    "try such a lock": "SELECT pg_try_advisory_xact_lock(7)",
    "call out to the other": "SELECT pg_notify('d2r', 'x')",
    "read its keys": "SELECT data_key FROM control.workspace",
}  # fmt: skip
#: These are answered, without anything of the other's.
ANSWERED = {"look at statistics of the other", "take the whole database as XML"}


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_what_is_tried_from_inside_one_workspace_is_refused_by_the_server(
    pair: Pair, mine: psycopg.Connection[Any], attempt: str
) -> None:
    names = {"b": "wsp_b", "role": role_of(pair.database, "wsp_b"), "mine": role_of(pair.database, "wsp_a")}
    with closing(connect(pair.backend.login("wsp_b"))) as other:  # somebody works there meanwhile
        other.execute("SELECT 1")
        if attempt in ANSWERED:
            assert SECRET not in str(mine.execute(ATTEMPTS[attempt].format(**names)).fetchall())
        else:
            with pytest.raises(psycopg.Error) as refused:
                mine.execute(ATTEMPTS[attempt].format(**names)).fetchall()
            assert SECRET not in str(refused.value)
        other.execute("SELECT 1")
    with pair.b.session(WorkspaceModel):
        assert [SECRET in event.body for event in Event.select()] == [True]
    assert excess_rights(pair.backend.login("wsp_a")) == []


def test_the_queries_of_another_role_are_not_seen(pair: Pair, mine: psycopg.Connection[Any]) -> None:
    with closing(connect(pair.backend.login("wsp_b"))) as other:
        other.execute(f"SELECT '{SECRET}'")
        seen = mine.execute("SELECT query FROM pg_stat_activity").fetchall()
        assert len(seen) > 1
        assert not any(SECRET in (query or "") for (query,) in seen)


def test_a_large_object_of_one_role_is_not_read_by_another(pair: Pair, mine: psycopg.Connection[Any]) -> None:
    with closing(connect(pair.backend.login("wsp_b"))) as other:
        [(number,)] = other.execute("SELECT lo_from_bytea(0, %s)", (SECRET.encode(),)).fetchall()
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        mine.execute("SELECT lo_get(%s)", (number,))


def test_what_a_session_changes_for_itself_does_not_reach_the_next(pair: Pair) -> None:
    """A role may set its own session's search path: it leads nowhere, and unqualified names of B stay closed."""
    with closing(connect(pair.backend.login("wsp_a"))) as connection:
        connection.execute("SET search_path = wsp_b")
        with pytest.raises(psycopg.Error):
            connection.execute("SELECT body FROM outbox")


def test_a_careless_query_in_the_scope_of_one_cannot_read_the_other(pair: Pair) -> None:
    def careless(term: str) -> list[Any]:
        return list(pair.a.database.execute_sql(f"SELECT body FROM outbox WHERE kind = '{term}'"))

    with pair.a.session(WorkspaceModel), pytest.raises(Exception, match="permission denied"):
        careless("x' UNION SELECT body FROM wsp_b.outbox --")


def test_a_schema_that_is_behind_is_told(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    later = [*steps("workspace"), replace(steps("workspace")[-1], number=9999)]
    monkeypatch.setattr(backends, "steps", lambda kind: tuple(later))
    with pytest.raises(Misconfigured) as refused:
        pair.backend.workspace("wsp_a")
    assert refused.value.code == "schema.behind"
    assert "d2r database migrate" in refused.value.hint
    monkeypatch.setattr(backends, "steps", lambda kind: steps("workspace")[:-1])
    with pytest.raises(Misconfigured) as refused:
        pair.backend.workspace("wsp_a")
    assert refused.value.code == "schema.newer"


def test_a_wrong_password_and_a_missing_server_are_told_apart(pair: Pair) -> None:
    login = pair.backend.login("wsp_a")
    with pytest.raises(Misconfigured, match="refuses"):
        connect(replace(login, password="wrong"))
    with pytest.raises(Unavailable, match="does not serve"):
        connect(replace(login, url="host=/nowhere dbname=x"))


def test_a_text_that_cannot_be_stored_is_bad_input(pair: Pair) -> None:
    with pair.a.session(WorkspaceModel):
        with pytest.raises(InvalidInput) as refused:
            pair.a.fetch("SELECT body FROM outbox WHERE kind = ?", "a\0b")
        assert refused.value.code == "database.text"
        with pytest.raises(InvalidInput):
            Event.get_or_none(Event.kind == "a\0b")
        assert pair.a.fetch("SELECT 1") == [(1,)]


def test_a_connection_that_the_server_ended_is_replaced(pair: Pair) -> None:
    with pair.a.session():
        [(pid,)] = pair.a.fetch("SELECT pg_backend_pid()")
    assert pair.a.idle_connections
    with psycopg.connect(pair.url, autocommit=True) as administrator:
        administrator.execute("SELECT pg_terminate_backend(%s)", (pid,))
    time.sleep(0.2)
    with pair.a.session():
        assert pair.a.fetch("SELECT 1") == [(1,)]


def test_a_connection_that_breaks_in_a_transaction_leaves_nothing(pair: Pair) -> None:
    def write() -> None:
        with pair.a.transaction(WorkspaceModel):
            emit("lost", {})
            with psycopg.connect(pair.url, autocommit=True) as administrator:
                [(pid,)] = pair.a.fetch("SELECT pg_backend_pid()")
                administrator.execute("SELECT pg_terminate_backend(%s)", (pid,))
            time.sleep(0.2)
            emit("lost too", {})

    with pytest.raises(Unavailable):
        write()
    with pair.a.session(WorkspaceModel):
        assert not Event.select().where(Event.kind.startswith("lost")).exists()


def test_a_failed_statement_gives_the_transaction_up_aloud(pair: Pair) -> None:
    def write() -> None:
        with pair.a.transaction(WorkspaceModel):
            emit("spoilt", {})
            with pytest.raises(Exception, match="does not exist"):
                pair.a.database.execute_sql("SELECT * FROM nowhere")

    with pytest.raises(Unavailable) as refused:
        write()
    assert refused.value.code == "database.gave_up"
    with pair.a.session(WorkspaceModel):
        assert not Event.select().where(Event.kind == "spoilt").exists()


def test_writers_of_two_processes_follow_one_another(pair: Pair) -> None:
    """Another process holds the writers' lock: this one waits for it, and sees what it wrote."""
    seen: list[int] = []

    def write() -> None:
        with pair.a.transaction(WorkspaceModel):
            seen.append(Event.select().where(Event.kind == "first").count())

    with closing(connect(pair.backend.login("wsp_a"))) as other:
        other.execute("BEGIN")
        other.execute("LOCK TABLE writer IN EXCLUSIVE MODE")
        waiting = threading.Thread(target=write)
        waiting.start()
        time.sleep(0.3)
        assert not seen
        other.execute("INSERT INTO outbox (at, kind, body) VALUES ('', 'first', '{}')")
        other.execute("COMMIT")
        waiting.join(20)
    assert seen == [1]


def test_a_lock_that_is_never_given_up_is_told(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(connect(pair.backend.login("wsp_a"))) as other, pair.a.session(WorkspaceModel):
        pair.a.fetch("SELECT set_config('lock_timeout', '100', false)")
        other.execute("BEGIN")
        other.execute("LOCK TABLE writer IN EXCLUSIVE MODE")
        with pytest.raises(Unavailable) as refused, pair.a.transaction(WorkspaceModel):
            pytest.fail("entered")
        assert refused.value.code == "database.busy"
        other.execute("ROLLBACK")
        pair.a.fetch("SELECT set_config('lock_timeout', '30000', false)")


def test_readers_use_a_bounded_number_of_connections_and_writers_do_not_wait_for_them(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More threads than permits, each of which reads and then writes inside its session: none blocks the others."""
    most, failed = [0], []

    def work() -> None:
        try:
            with pair.a.session(WorkspaceModel):
                most[0] = max(most[0], len(pair.a._used))
                Event.select().count()
                with pair.a.transaction(WorkspaceModel):
                    emit("counted", {})
        except Exception as error:  # noqa: BLE001  every failure counts
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
    assert 0 < most[0] <= pair.a.database.most_connections + 1
    assert pair.a.idle_connections <= pair.a.database.idle_connections


def test_a_forked_child_opens_connections_of_its_own(pair: Pair) -> None:
    with pair.a.session():
        [(parent,)] = pair.a.fetch("SELECT pg_backend_pid()")
    pid = os.fork()
    if pid == 0:
        with pair.a.session():
            [(child,)] = pair.a.fetch("SELECT pg_backend_pid()")
        os._exit(0 if child != parent else 1)
    assert os.waitpid(pid, 0)[1] == 0


def test_migrating_again_changes_nothing_and_heals_rights(pair: Pair) -> None:
    role = role_of(pair.database, "wsp_a")
    with psycopg.connect(pair.url, autocommit=True) as administrator:
        administrator.execute(f"GRANT DELETE ON wsp_a.audit_entry TO {role}")
    assert excess_rights(pair.backend.login("wsp_a")) == ["may change audit_entry, which only grows"]
    with Administrator.at(pair.url) as administrator:
        assert administrator.migrate("wsp_a", "workspace") == []
    assert excess_rights(pair.backend.login("wsp_a")) == []


def test_rights_beyond_a_schema_are_named(pair: Pair) -> None:
    role, other = role_of(pair.database, "wsp_a"), role_of(pair.database, "wsp_b")
    with psycopg.connect(pair.url, autocommit=True) as administrator:
        administrator.execute(f"GRANT {other} TO {role}")
        administrator.execute(f"GRANT USAGE ON SCHEMA wsp_b TO {role}")
        found = excess_rights(pair.backend.login("wsp_a"))
        administrator.execute(f"REVOKE {other} FROM {role}")
        administrator.execute(f"REVOKE USAGE ON SCHEMA wsp_b FROM {role}")
    assert found == [f"is a member of {other}", "may look into the schema wsp_b"]


def test_a_server_that_does_not_sync_is_named(pair: Pair) -> None:
    assert weak_settings(pair.backend.login("wsp_a")) == ["fsync = off", "full_page_writes = off"]
    assert int(server_version(pair.backend.login("wsp_a")).split(".")[0]) >= 15


def test_measurements_from_before_characteristics_keep_their_figures_here_too(monkeypatch: pytest.MonkeyPatch) -> None:
    url = cluster().new_database()
    with Administrator.at(url) as administrator:
        administrator.make_schema("wsp_d", "secret")
        with monkeypatch.context() as earlier:
            earlier.setattr(provisioning, "steps", lambda kind: [step for step in steps(kind) if step.number < 21])
            administrator.migrate("wsp_d", "workspace")
        with psycopg.connect(url, autocommit=True) as rows:
            rows.execute("SET search_path = wsp_d")
            for statement in _BEFORE_CHARACTERISTICS:
                rows.execute(statement)
        assert administrator.migrate("wsp_d", "workspace")[0] == "0021_characteristics"
        with psycopg.connect(url) as rows:
            found = rows.execute("SELECT m.value, m.unit, c.key FROM wsp_d.measurement m, wsp_d.characteristic c")
            assert found.fetchall() == [(0.25, "mm", key_of("wear", "Wände", "mean"))]
            assert rows.execute("SELECT scan_id FROM wsp_d.inspection").fetchall() == [("scn_1",)]


_BEFORE_CHARACTERISTICS = (
    "INSERT INTO part (id, name, created_at, created_by, updated_at) VALUES ('prt_1', 'p', 't', 'x', 't')",
    "INSERT INTO cad_revision (id, part_id, label, sha256, object, format, unit, zone_names, triangles, diagonal_mm, "
    "findings, created_at, created_by) "
    "VALUES ('cad_1', 'prt_1', 'A', 'h', 'o', 'stl', 'mm', '[]', 12, 1.0, '[]', 't', 'x')",
    "INSERT INTO characteristic_set (id, part_id, version, sha256, object, characteristics, notes, created_at, "
    "created_by) VALUES ('chr_1', 'prt_1', 1, 'h', 'o', 1, '[]', 't', 'x')",
    "INSERT INTO asset (id, name, part_id, serial, created_at, created_by, updated_at) "
    "VALUES ('ast_1', 'a', 'prt_1', '0007', 't', 'x', 't')",
    "INSERT INTO scan (id, encoding, stored_sha256, stored_bytes, object, format, asset_id, captured_at, received_at, "
    "received_by, manifest, receipt, state) "
    "VALUES ('scn_1', 'identity', 'h', 7, 'o', 'e57', 'ast_1', 't', 't', 'x', '{}', '', 'stored')",
    "INSERT INTO inspection (id, scan_id, asset_id, part_id, cad_revision_id, characteristic_set_id, parameters, "
    "context, priority, inspected_at, created_at, created_by, state) VALUES "
    "('ins_1', 'scn_1', 'ast_1', 'prt_1', 'cad_1', 'chr_1', '{}', '{}', 'normal', 't', 't', 'x', 'recorded')",
    "INSERT INTO measurement (id, inspection_id, asset_id, position, name, zone, quantity, value_mm, coverage, "
    "coverage_required, decision, measured_at) "
    "VALUES ('mea_1', 'ins_1', 'ast_1', 0, 'wear', 'Wände', 'mean', 0.25, 1, 0.9, 'pass', 't')",
)


def test_a_dropped_schema_takes_its_roles_with_it() -> None:
    with Administrator.at(cluster().new_database()) as administrator:
        administrator.confine()
        login = administrator.make_schema("wsp_c", "secret")
        administrator.migrate("wsp_c", "workspace")
        administrator.drop("wsp_c")
        assert administrator.schemas() == set()
        with pytest.raises(Misconfigured):
            connect(login)
        administrator.drop("wsp_c")  # once more is nothing


@pytest.mark.parametrize("url", ["nonsense=", "postgresql://[", "mysql://x/y"])
def test_a_url_that_is_none_is_told(url: str) -> None:
    with pytest.raises((Misconfigured, Unavailable)), Administrator.at(url):
        pytest.fail("connected")


def test_a_public_url_names_no_user_and_no_password() -> None:
    said = provisioning.public_url("postgresql://admin:secret@db.plant:5433/d2r?sslmode=require")
    assert "secret" not in said
    assert "admin" not in said
    assert "db.plant" in said
    assert "sslmode" in said
