"""A feed: what is in memory and what is in the outbox join without a gap."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.inspections.models import ScanChange
from appliance.inspections.scan_changes import cancel_change, request_change
from appliance.queue.outbox import emit
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.scope import WorkspaceScope
from tests.change_samples import two_scans
from tests.web.conftest import Cast
from web.realtime import feed as feeding
from web.realtime.feed import Feed, Feeds
from web.realtime.viewer import _changes


@pytest.fixture
def scope(cast: Cast) -> WorkspaceScope:
    return cast.site.scope(SYSTEM, "main")


@pytest.fixture
def feed(scope: WorkspaceScope, monkeypatch: pytest.MonkeyPatch) -> Iterator[Feed]:
    """A feed that keeps three events in memory, begun behind two older ones."""
    monkeypatch.setattr(feeding, "KEPT", 3)
    monkeypatch.setattr(feeding, "POLL_S", 0.05)
    happen(scope, 2)
    feed = Feed(scope)
    yield feed
    feed.stop()


def happen(scope: WorkspaceScope, count: int) -> None:
    with scope.transaction():
        for number in range(count):
            emit("test.happened", {"number": number})


def caught_up(feed: Feed, last: int) -> None:
    until = time.monotonic() + 10
    while feed.last < last:
        assert time.monotonic() < until
        time.sleep(0.01)


def test_what_lies_before_memory_comes_from_the_outbox(scope: WorkspaceScope, feed: Feed) -> None:
    start = feed.last
    happen(scope, 7)
    caught_up(feed, start + 7)
    for seen in range(start - 2, start + 8):
        said = feed.after(seen)
        assert [one.seq for one in said] == list(range(seen + 1, start + 8))


def test_viewers_are_woken_and_one_that_left_is_not(scope: WorkspaceScope, feed: Feed) -> None:
    bell, gone = feed.join(), feed.join()
    feed.leave(gone)
    start = feed.last
    happen(scope, 1)
    caught_up(feed, start + 1)
    until = time.monotonic() + 10
    while True:
        try:
            assert os.eventfd_read(bell) >= 1
            break
        except BlockingIOError:
            assert time.monotonic() < until
            time.sleep(0.01)
    feed.leave(bell)


def test_a_feed_that_was_given_up_is_replaced(cast: Cast, scope: WorkspaceScope) -> None:
    feeds = Feeds(cast.site)
    first, bell = feeds.join(scope.workspace_id)
    first.leave(bell)
    first.stop()
    second, bell = feeds.join(scope.workspace_id)
    assert second is not first
    assert second.is_alive
    second.leave(bell)
    feeds.close()
    assert not second.is_alive


def test_the_progress_of_a_change_is_told_as_that_of_an_inspection(
    scope: WorkspaceScope, feed: Feed, tmp_path: Path
) -> None:
    first, second = two_scans(scope, tmp_path)
    change = request_change(scope, first.id, second.id, {})
    with scope.transaction():
        ScanChange.update(step="change", progress=0.5).execute()
    told = [{"type": "progress", "change": change.id, "state": "requested", "step": "change", "progress": 0.5}]
    until = time.monotonic() + 10
    while list(_changes({}, feed.progress)) != told:
        assert time.monotonic() < until
        time.sleep(0.01)
    cancel_change(scope, change.id)
    while feed.progress:
        assert time.monotonic() < until
        time.sleep(0.01)
