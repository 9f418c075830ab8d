"""Every commit that changed anything leaves another stamp, and nothing else does."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

from appliance.db.engine import Engine
from appliance.db.models import WorkspaceModel


def stamp_of(engine: Engine) -> int | None:
    with engine.session():
        return engine.stamp()


def test_a_transaction_that_wrote_leaves_another_stamp(a: Engine, thing: Any) -> None:
    seen = [stamp_of(a)]
    with a.transaction(WorkspaceModel):
        thing.create(id="x")
        assert a.stamp() == seen[0], "that of the state before"
    seen.append(stamp_of(a))
    with a.transaction():
        a.run("UPDATE thing SET n = 5")
    seen.append(stamp_of(a))
    with a.transaction():
        a.write_rows("thing", {"id": "text", "n": "integer"}, [("y", 2)])
    seen.append(stamp_of(a))
    assert len(set(seen)) == 4


def test_a_savepoint_counts_with_its_transaction(a: Engine, thing: Any) -> None:
    before = stamp_of(a)
    with a.transaction(WorkspaceModel), a.transaction(WorkspaceModel):
        thing.create(id="x")
    assert stamp_of(a) != before


def test_a_statement_of_its_own_leaves_another_stamp(a: Engine, thing: Any) -> None:
    seen = [stamp_of(a)]
    with a.session(WorkspaceModel):
        thing.create(id="x")
        seen.append(a.stamp())
        thing.update(n=3).execute()
        seen.append(a.stamp())
        a.run("DELETE FROM thing WHERE n = ?", 3)
        seen.append(a.stamp())
    assert len(set(seen)) == 4


def test_what_changed_nothing_leaves_it(a: Engine, thing: Any) -> None:
    before = stamp_of(a)
    with a.transaction(WorkspaceModel):
        assert thing.select().count() == 0
    with a.transaction():
        a.run("DELETE FROM thing WHERE id = 'nobody'")
    with suppress(ZeroDivisionError), a.transaction(WorkspaceModel):
        thing.create(id="x")
        raise ZeroDivisionError
    assert stamp_of(a) == before


def test_others_see_change_and_stamp_together(a: Engine, thing: Any) -> None:
    """A reader that saw a row before it saw the stamp of it would remember an answer as that of the state before."""
    ended, wrong = threading.Event(), list[tuple[int, int]]()
    known = {stamp_of(a): 0}

    def read() -> None:
        with a.session(WorkspaceModel):
            while not ended.is_set():
                before = a.stamp()
                [(count,)] = a.look_up("SELECT COUNT(*) FROM thing")
                if a.stamp() == before and known.get(before, count) != count:
                    wrong.append((known[before], count))

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(1, 101):
        with a.transaction(WorkspaceModel):
            thing.create(id=f"x{number}")
        known[stamp_of(a)] = number
    ended.set()
    reader.join()
    assert wrong == []


def test_a_database_without_a_stamp_says_so(a: Engine, thing: Any) -> None:
    with a.transaction():
        a.run("DELETE FROM change_stamp")
    assert stamp_of(a) is None
    with a.transaction(WorkspaceModel):
        thing.create(id="x")
    assert stamp_of(a) is None
