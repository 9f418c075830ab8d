"""Jobs into the queue and events out of it, with a Redis that is there, gone, hung, or full."""

from __future__ import annotations

import json
import socket
import threading
import time
import zlib
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.config.settings import Settings
from appliance.errors import InvalidInput
from appliance.queue.connection import Queue, connect, events_channel
from appliance.queue.job import job_id

WORKSPACE, SUBJECT = "wsp_01", "ins_01"


def test_a_job_holds_names_and_nothing_else(settings: Settings) -> None:
    Queue(settings).enqueue("inspect_scan", WORKSPACE, SUBJECT, priority="high")
    client = connect(settings)
    assert client.lrange("rq:queue:high", 0, -1) == [b"inspect_scan-wsp_01-ins_01"]
    data = client.hget("rq:job:inspect_scan-wsp_01-ins_01", "data")
    assert json.loads(zlib.decompress(data)) == ["inspect_scan", None, [WORKSPACE, SUBJECT], {}]


def test_a_waiting_job_is_not_queued_again_at_any_priority(settings: Settings) -> None:
    queue = Queue(settings)
    for priority in ("normal", "normal", "high", "low"):
        queue.enqueue("inspect_scan", WORKSPACE, SUBJECT, priority=priority)
    assert queue.depth() == {"high": 0, "normal": 1, "low": 0}


def test_a_job_that_a_dead_worker_took_is_queued_again(settings: Settings) -> None:
    queue = Queue(settings)
    queue.enqueue("inspect_scan", WORKSPACE, SUBJECT)
    connect(settings).lpop("rq:queue:normal")  # taken, and never heard of again: its record still says "queued"
    queue.enqueue("inspect_scan", WORKSPACE, SUBJECT)
    assert queue.depth() == {"high": 0, "normal": 1, "low": 0}


def test_a_long_queue_takes_no_more_for_now(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.queue.connection.LONGEST_QUEUE", 2)
    queue = Queue(settings)
    for subject in ("a", "b", "c"):
        queue.enqueue("inspect_scan", WORKSPACE, subject)
    queue.enqueue("inspect_scan", WORKSPACE, "urgent", priority="high")
    assert queue.depth() == {"high": 1, "normal": 2, "low": 0}
    connect(settings).lpop("rq:queue:normal")
    queue.enqueue("inspect_scan", WORKSPACE, "c")
    assert connect(settings).lrange("rq:queue:normal", 0, -1) == [b"inspect_scan-wsp_01-b", b"inspect_scan-wsp_01-c"]


def test_the_record_of_a_lost_job_does_not_stay(settings: Settings) -> None:
    Queue(settings).enqueue("inspect_scan", WORKSPACE, SUBJECT)
    connect(settings).lpop("rq:queue:normal")
    assert 0 < connect(settings).ttl("rq:job:inspect_scan-wsp_01-ins_01") <= 24 * 3600


def test_a_delayed_job_waits_for_its_time(settings: Settings) -> None:
    queue = Queue(settings)
    queue.enqueue("inspect_scan", WORKSPACE, "soon", delay_s=0.5)
    queue.enqueue("inspect_scan", WORKSPACE, "much_later", delay_s=3600)
    assert queue.depth() == {"high": 0, "normal": 0, "low": 0}
    time.sleep(1.0)
    assert queue.release_due() == 1
    assert connect(settings).lrange("rq:queue:normal", 0, -1) == [b"inspect_scan-wsp_01-soon"]
    assert queue.release_due() == 0


@pytest.mark.parametrize("name", ["os.system", "", "a-b", "a b", "ä"])
def test_what_is_no_name_is_refused(settings: Settings, name: str) -> None:
    with pytest.raises(InvalidInput, match="name no job"):
        Queue(settings).enqueue(name, WORKSPACE, SUBJECT)


def test_an_unknown_priority_is_refused(settings: Settings) -> None:
    with pytest.raises(InvalidInput, match="'urgent' is no priority"):
        Queue(settings).enqueue("inspect_scan", WORKSPACE, SUBJECT, priority="urgent")


def test_ids_of_different_parts_never_meet() -> None:
    assert job_id("a", "b_c", "d") != job_id("a_b", "c", "d")


def test_events_are_announced_by_number(settings: Settings) -> None:
    listener = connect(settings).pubsub()
    listener.subscribe(events_channel(WORKSPACE))
    listener.get_message(timeout=1)
    Queue(settings).announce(WORKSPACE, 17)
    heard = listener.get_message(timeout=1)
    assert heard is not None
    assert (heard["channel"], heard["data"]) == (b"d2r:events:wsp_01", b"17")


def test_without_redis_nothing_fails_and_the_log_says_so(lost: Settings, caplog: pytest.LogCaptureFixture) -> None:
    queue = Queue(lost)
    queue.enqueue("inspect_scan", WORKSPACE, SUBJECT)
    queue.announce(WORKSPACE, 1)
    assert queue.release_due() == 0
    assert queue.depth() is None
    assert queue.answers() is False
    assert "job.not_queued inspect_scan-wsp_01-ins_01" in caplog.text


def test_a_hung_redis_slows_one_request_and_not_the_next(tmp_path: Path) -> None:
    path = Path("/tmp") / f"d2r-hung-{threading.get_native_id()}.sock"
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(path))
        deaf.listen()
        try:
            queue = Queue(replace(Settings(data=tmp_path), redis_url=f"unix://{path}"))
            queue.enqueue("inspect_scan", WORKSPACE, SUBJECT)
            began = time.monotonic()
            for number in range(100):
                queue.enqueue("inspect_scan", WORKSPACE, f"ins_{number}")
            assert time.monotonic() - began < 0.1
        finally:
            path.unlink()


def test_after_its_pause_a_redis_that_is_back_is_used(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    queue = Queue(settings)
    monkeypatch.setattr("appliance.queue.connection.PAUSE_S", 0.05)
    good, queue._client.connection_pool.connection_kwargs["path"] = (
        queue._client.connection_pool.connection_kwargs["path"], "/nowhere",
    )  # fmt: skip
    queue._client.connection_pool.disconnect()
    queue.enqueue("inspect_scan", WORKSPACE, SUBJECT)
    queue._client.connection_pool.connection_kwargs["path"] = good
    queue._client.connection_pool.reset()
    time.sleep(0.06)
    queue.enqueue("inspect_scan", WORKSPACE, SUBJECT)
    assert queue.depth() == {"high": 0, "normal": 1, "low": 0}


def test_a_full_redis_costs_a_job_and_no_error(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    client = connect(settings)
    client.config_set("maxmemory", "1")
    try:
        Queue(settings).enqueue("inspect_scan", WORKSPACE, SUBJECT)
        assert "job.not_queued" in caplog.text
    finally:
        client.config_set("maxmemory", "64mb")
