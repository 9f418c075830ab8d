"""Isolation: a query goes to the database of its scope, or nowhere."""

from __future__ import annotations

import contextvars
import threading
from typing import Any

import pytest
from peewee import DatabaseError, ForeignKeyField

from appliance.db.engine import Engine
from appliance.db.models import ControlModel, WorkspaceModel
from appliance.db.routing import ScopeConflict, ScopeMissing


def test_a_query_outside_of_a_scope_raises(a: Engine, thing: Any) -> None:
    for question in (
        lambda: thing.select().count(),
        lambda: thing.get_or_none(thing.id == "x"),
        lambda: list(thing.select()),
        lambda: thing.create(id="x"),
        lambda: thing(id="x").save(force_insert=True),
        lambda: thing.update(n=1).execute(),
        lambda: thing.delete().execute(),
        lambda: thing.raw("SELECT * FROM thing").execute(),
        lambda: thing(id="x").delete_instance(),
        lambda: thing.table_exists(),
        lambda: a.database.execute_sql("SELECT 1"),
    ):
        with pytest.raises(ScopeMissing):
            question()


def test_two_databases_hold_their_own_rows(a: Engine, b: Engine, thing: Any) -> None:
    with a.transaction():
        thing.create(id="x", n=1)
    with b.session():
        assert thing.select().count() == 0
    with a.session():
        assert thing.get_by_id("x").n == 1


def test_the_scope_of_one_inside_that_of_another_raises(a: Engine, b: Engine, thing: Any) -> None:
    with a.session():
        for enter in (b.session, b.transaction):
            with pytest.raises(ScopeConflict), enter():
                pytest.fail("entered")
        assert thing.select().count() == 0
    with b.session():
        assert thing.select().count() == 0


def test_a_scope_may_be_entered_again(a: Engine, thing: Any) -> None:
    with a.session(), a.session():
        with a.transaction():
            thing.create(id="x")
        assert thing.select().count() == 1


def test_an_engine_has_no_rows_of_another_kind(a: Engine) -> None:
    with pytest.raises(TypeError, match="ControlModel"), a.session(ControlModel):
        pytest.fail("entered")


def test_a_row_is_saved_and_deleted_in_its_own_scope_only(a: Engine, b: Engine, thing: Any) -> None:
    with a.transaction():
        row = thing.create(id="x", n=1)
        loaded = thing.get_by_id("x")
        unsaved = thing(id="y")
    with b.transaction():
        for stranger in (row, loaded, unsaved):
            with pytest.raises(ScopeConflict):
                stranger.save(force_insert=stranger is unsaved)
            with pytest.raises(ScopeConflict):
                stranger.delete_instance()
        assert thing.select().count() == 0
    with a.transaction():
        row.n = 2
        row.save()
        assert thing.get_by_id("x").n == 2


def test_a_row_made_outside_belongs_where_it_is_saved_first(a: Engine, b: Engine, thing: Any) -> None:
    row = thing(id="x")
    with a.transaction():
        row.save(force_insert=True)
    with b.transaction(), pytest.raises(ScopeConflict):
        row.save()


def test_a_lazy_query_of_one_scope_runs_neither_outside_nor_in_another(a: Engine, b: Engine, thing: Any) -> None:
    with a.transaction():
        thing.create(id="x")
        query = thing.select()
    with pytest.raises(ScopeMissing):
        list(query)
    with b.session(), pytest.raises(ScopeMissing):
        list(query)


def test_a_half_read_query_gives_no_more_rows_outside(a: Engine, b: Engine, thing: Any) -> None:
    with a.transaction():
        for n in range(5):
            thing.create(id=str(n))
        rows = thing.select().iterator()
        cached = iter(thing.select())
        next(rows)
        next(cached)
    for stale in (rows, cached):
        with pytest.raises(ScopeMissing):
            next(stale)
    with b.session(), pytest.raises(ScopeMissing):
        next(thing_rows_of(a, b, thing))


def thing_rows_of(a: Engine, b: Engine, thing: Any) -> Any:
    """A cursor of ``a`` that its session left unread, seen from inside ``b``."""
    found: list[Any] = []

    def read() -> None:
        with a.session():
            rows = a.database.execute_sql("SELECT id FROM thing")
            rows.fetchone()
            found.append(rows)

    contextvars.Context().run(read)
    return found[0]


@pytest.mark.sqlite
def test_an_unfinished_read_does_not_hold_the_file_after_its_session(a: Engine, thing: Any) -> None:
    with a.transaction():
        for n in range(500):
            thing.create(id=str(n))
    with a.session():
        rows = iter(thing.select())
        next(rows)
    with a.session():
        blocked, _, _ = a.database.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    assert blocked == 0


def test_two_threads_in_two_scopes_see_their_own_rows(a: Engine, b: Engine, thing: Any) -> None:
    barrier, found = threading.Barrier(2), {}

    def work(engine: Engine, n: int) -> None:
        with engine.transaction():
            thing.create(id="x", n=n)
        for _ in range(200):
            with engine.session():
                barrier.wait(10)
                found.setdefault(engine.name, set()).add(thing.get_by_id("x").n)

    threads = [threading.Thread(target=work, args=pair) for pair in ((a, 1), (b, 2))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {a.name: {1}, b.name: {2}}


def test_a_new_thread_starts_outside_of_every_scope(a: Engine, thing: Any) -> None:
    raised: list[BaseException] = []

    def ask() -> None:
        try:
            thing.select().count()
        except ScopeMissing as error:
            raised.append(error)

    with a.session():
        for target in (ask, lambda: contextvars.Context().run(ask)):
            thread = threading.Thread(target=target)
            thread.start()
            thread.join()
        copied = contextvars.copy_context()
        thread = threading.Thread(target=lambda: copied.run(ask))  # the route came along, the connection did not
        thread.start()
        thread.join()
    assert len(raised) == 3


def test_another_context_of_the_same_thread_is_outside_too(a: Engine, b: Engine, thing: Any) -> None:
    def enter_b_and_read(query: Any) -> None:
        with b.session():
            list(query)

    with a.session():
        query = thing.select()
        for read in (list, enter_b_and_read):
            with pytest.raises(ScopeMissing):
                contextvars.Context().run(read, query)


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "statement",
    [
        "ATTACH DATABASE ':memory:' AS other",
        "ATTACH DATABASE '{other}' AS other",
        "VACUUM INTO '{other}.copy'",
        "DETACH DATABASE main",
        "CREATE TABLE z (a)",
        "CREATE TEMP TABLE z (a)",
        "CREATE TRIGGER t AFTER INSERT ON thing BEGIN SELECT 1; END",
        "CREATE VIEW v AS SELECT 1",
        "CREATE INDEX i ON thing (n)",
        "ALTER TABLE thing RENAME TO other",
        "DROP TABLE thing",
        "PRAGMA writable_schema=ON",
        "PRAGMA foreign_keys=OFF",
        "PRAGMA recursive_triggers=OFF",
        "PRAGMA synchronous=OFF",
        "PRAGMA journal_mode=DELETE",
        "PRAGMA user_version=7",
        "UPDATE sqlite_master SET sql=''",
    ],
)
def test_what_reaches_other_files_or_changes_the_schema_is_refused(a: Engine, b: Engine, statement: str) -> None:
    with a.session(), pytest.raises(DatabaseError):
        a.database.execute_sql(statement.format(other=b.database.path))
    assert not b.database.path.with_suffix(".db.copy").exists()


@pytest.mark.sqlite
def test_even_without_the_authorizer_nothing_can_be_attached(a: Engine, b: Engine) -> None:
    with a.session():
        a.database.connection().set_authorizer(None)
        with pytest.raises(DatabaseError, match="too many attached"):
            a.database.execute_sql(f"ATTACH DATABASE '{b.database.path}' AS other")


def test_models_are_never_bound_to_a_database(a: Engine, thing: Any) -> None:
    with pytest.raises(ScopeConflict), thing.bind_ctx(a.database):
        pytest.fail("bound")
    with a.session():
        assert thing.select().count() == 0


def test_a_lazy_foreign_key_is_refused_when_the_model_is_written(thing: Any) -> None:
    with pytest.raises(TypeError, match="REFERENCES"):
        type("Bad", (WorkspaceModel,), {"thing": ForeignKeyField(thing)})


def test_a_model_may_be_defined_inside_a_scope(a: Engine, b: Engine, thing: Any) -> None:
    with a.transaction():
        thing.create(id="x")
        late = type("Late", (thing,), {"Meta": type("Meta", (), {"table_name": "thing"})})
        assert late.select().count() == 1
    with b.session():
        assert late.select().count() == 0
    with pytest.raises(ScopeMissing):
        late.select().count()


def test_a_query_that_ran_gives_its_rows_to_its_own_scope_only(a: Engine, b: Engine, thing: Any) -> None:
    with a.transaction():
        thing.create(id="x", n=1)
    unbound = thing.select()
    with a.session():
        kept = thing.select()
        assert [row.id for row in kept] == [row.id for row in kept] == ["x"]
    for ask in (list, len, lambda query: query[0], lambda query: query.execute()):
        with pytest.raises(ScopeMissing):
            ask(kept)
        with b.session(), pytest.raises(ScopeConflict):
            ask(kept)
    with a.session():
        assert [row.id for row in unbound] == ["x"]
    with b.session(), pytest.raises(ScopeConflict):
        list(unbound)
