"""The outbox: events are there exactly when the change is, in the order of the commits, without gaps."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import peewee
import pytest

from appliance.config.settings import Settings
from appliance.db.routing import ScopeMissing
from appliance.errors import InvalidInput
from appliance.queue.outbox import PAGE, Event, emit, events_since, last_seq
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.scope import WorkspaceScope
from appliance.tenancy.site import Site


@pytest.fixture
def scope(tmp_path: Path) -> Iterator[WorkspaceScope]:
    with Site.open(Settings(data=tmp_path / "data"), create=True) as site:
        workspace = site.create_workspace("plant", "Plant", SYSTEM)
        yield site.system_scope(workspace.id)


def emit_and_fail(scope: WorkspaceScope) -> None:
    with scope.transaction():
        emit("scan.received", {})
        raise KeyError


def test_events_are_read_in_their_order_after_a_number(scope: WorkspaceScope) -> None:
    with scope.transaction():
        first, second, third = (emit("scan.received", {"scan": str(number)}) for number in range(3))
    with scope:
        assert [event.seq for event in events_since(first)] == [second, third]
        assert [event.seq for event in events_since(0, limit=2)] == [first, second]
        assert events_since(third) == []
        assert last_seq() == third


def test_the_body_has_one_spelling(scope: WorkspaceScope) -> None:
    with scope.transaction():
        emit("scan.received", {"b": 1, "a": "ü"})
    with scope:
        assert events_since(0)[0].body == '{"a":"ü","b":1}'


def test_an_event_of_a_failed_transaction_never_was(scope: WorkspaceScope) -> None:
    with pytest.raises(KeyError):
        emit_and_fail(scope)
    with scope:
        assert events_since(0) == []
        assert last_seq() == 0


def test_after_the_commit_the_last_number_is_announced_and_only_then(
    scope: WorkspaceScope, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, int]] = []
    monkeypatch.setattr(scope.queue, "announce", lambda workspace, seq: told.append((workspace, seq)))
    with scope.transaction():
        emit("a", {})
        last = emit("b", {})
        assert told == []
    assert told == [(scope.workspace_id, last)]
    with pytest.raises(KeyError):
        emit_and_fail(scope)
    with scope.transaction():
        pass
    assert len(told) == 1


def test_writers_of_many_threads_leave_numbers_without_gaps_that_fill_later(scope: WorkspaceScope) -> None:
    seen: list[int] = []
    done = threading.Event()

    def write() -> None:
        for _ in range(25):
            with scope.transaction():
                emit("a", {})
                emit("b", {})

    def watch() -> None:
        while not done.is_set() or (seen[-1] if seen else 0) < 200:
            with scope:
                seen.extend(event.seq for event in events_since(seen[-1] if seen else 0))

    writers = [threading.Thread(target=write) for _ in range(4)]
    watcher = threading.Thread(target=watch)
    for thread in (*writers, watcher):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    watcher.join(timeout=20)
    assert seen == list(range(1, 201))


def test_one_question_returns_a_page_at_most(scope: WorkspaceScope) -> None:
    with scope.transaction():
        for _ in range(PAGE + 1):
            emit("a", {})
    with scope:
        assert len(events_since(0, limit=10 * PAGE)) == PAGE


def test_an_event_is_never_changed(scope: WorkspaceScope) -> None:
    with scope.transaction():
        emit("a", {})
    with pytest.raises(peewee.DatabaseError, match=r"never changed|permission denied"), scope.transaction():
        Event.update(kind="b").execute()


def test_a_number_that_was_told_is_not_given_again(scope: WorkspaceScope) -> None:
    with scope.transaction():
        told = emit("a", {})
    with scope.transaction():
        Event.delete().execute()
    with scope.transaction():
        assert emit("a", {}) > told


def test_outside_of_a_workspace_there_is_no_outbox() -> None:
    with pytest.raises(ScopeMissing):
        emit("a", {})


def test_what_has_no_canonical_json_is_refused(scope: WorkspaceScope) -> None:
    with scope.transaction(), pytest.raises(InvalidInput):
        emit("a", {"value": float("nan")})
