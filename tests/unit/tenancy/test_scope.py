"""A scope: rows, events and jobs, told only after they are durable."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest

from appliance.queue.outbox import Event, emit, last_seq
from appliance.tenancy.scope import WorkspaceScope


class _Oops(Exception):
    pass


class _Listener:
    """Stands in for the queue: notes what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int]] = []

    def announce(self, workspace_id: str, seq: int) -> None:
        self.told.append((workspace_id, seq))


def _queue_and_fail(scope: WorkspaceScope, done: list[str]) -> None:
    scope.after_commit(lambda: done.append("never"))
    raise _Oops


@pytest.fixture
def listener() -> _Listener:
    return _Listener()


@pytest.fixture
def heard(scope: WorkspaceScope, listener: _Listener) -> WorkspaceScope:
    changed: Any = listener
    return replace(scope, queue=changed)


def _emit_and_fail() -> None:
    emit("never", {})
    raise _Oops


def test_the_last_event_of_a_transaction_is_told_once_after_the_commit(
    heard: WorkspaceScope, listener: _Listener
) -> None:
    with heard.transaction():
        emit("one", {})
        with heard.transaction():
            seq = emit("two", {})
        assert listener.told == []
    assert listener.told == [(heard.workspace_id, seq)]


def test_nothing_is_told_of_what_never_happened(heard: WorkspaceScope, listener: _Listener) -> None:
    with pytest.raises(_Oops), heard.transaction():
        _emit_and_fail()
    with heard.transaction():
        pass
    assert listener.told == []
    with heard:
        assert last_seq() == 0


def test_a_transaction_without_events_tells_nothing(heard: WorkspaceScope, listener: _Listener) -> None:
    with heard.transaction():
        Event.select().count()
    assert listener.told == []


def test_jobs_are_queued_after_the_commit_and_never_if_it_fails(heard: WorkspaceScope) -> None:
    done: list[str] = []
    with heard.transaction():
        heard.after_commit(lambda: done.append("queued"))
        assert done == []
    assert done == ["queued"]
    with pytest.raises(_Oops), heard.transaction():
        _queue_and_fail(heard, done)
    assert done == ["queued"]


def test_a_scope_is_entered_again_and_left_in_order(scope: WorkspaceScope) -> None:
    with scope, scope, scope.transaction(), scope:
        assert last_seq() == 0
    with scope:
        assert last_seq() == 0


def test_many_threads_share_one_scope(scope: WorkspaceScope) -> None:
    def write() -> None:
        for _ in range(20):
            with scope.transaction():
                emit("x", {})

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with scope:
        assert [event.seq for event in Event.select().order_by(Event.seq)] == list(range(1, 161))
