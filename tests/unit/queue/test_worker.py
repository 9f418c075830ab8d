"""Workers: what they run, what they refuse, how they stop, and that they pay for nothing twice."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from rq import Queue as LibraryQueue
from rq.serializers import JSONSerializer

from appliance.config.settings import Settings
from appliance.core.kernels import over_chunks
from appliance.errors import Unavailable
from appliance.queue import worker as worker_module
from appliance.queue.connection import Queue, connect
from appliance.queue.job import Handler
from appliance.queue.pool import WorkerPool
from appliance.queue.worker import run_worker


def eventually(question: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if answer := question():
            return answer
        time.sleep(0.01)
    raise AssertionError("it did not happen within 60 s")


def has_ended(pid: int) -> bool:
    return os.waitpid(pid, os.WNOHANG)[0] == pid


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def text_of(path: Path) -> str:
    return path.read_text() if path.exists() else ""


@contextmanager
def a_pool(settings: Settings, handlers: dict[str, Handler], count: int = 1) -> Iterator[int]:
    """A pool of workers in a process of its own; gives its id."""
    pid = os.fork()
    if pid == 0:
        try:
            WorkerPool(count, lambda number: run_worker(settings, handlers, str(number))).run()
        finally:
            os._exit(0)
    try:
        yield pid
    finally:
        if not is_gone(pid):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        # a killed worker that waited for a job would still be handed the next one
        connect(settings).client_kill_filter(_type="normal", skipme=True)


def write(folder: Path, workspace_id: str, subject_id: str) -> None:
    (folder / subject_id).write_text(f"{workspace_id} {os.getpid()} {os.getppid()}")


def sleep(folder: Path, workspace_id: str, subject_id: str) -> None:
    write(folder, workspace_id, subject_id)
    try:
        time.sleep(30)
    except Unavailable as error:
        (folder / f"{subject_id}.gave_back").write_text(error.code)


def stubborn(folder: Path, workspace_id: str, subject_id: str) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    write(folder, workspace_id, subject_id)
    time.sleep(30)


def fail(workspace_id: str, subject_id: str) -> None:
    raise RuntimeError("out of order")


def add_up(folder: Path, workspace_id: str, subject_id: str) -> None:
    sums = over_chunks(1000, lambda start, stop: sum(range(start, stop)), chunk=100)
    (folder / subject_id).write_text(str(sum(sums)))


def test_a_job_runs_in_a_process_of_its_own(settings: Settings, tmp_path: Path) -> None:
    with a_pool(settings, {"write": partial(write, tmp_path)}) as parent:
        queue = Queue(settings)
        queue.enqueue("write", "wsp_1", "a")
        queue.enqueue("write", "wsp_1", "b")
        eventually(lambda: text_of(tmp_path / "a") and text_of(tmp_path / "b"))
        workspace, first, worker = text_of(tmp_path / "a").split()
        assert workspace == "wsp_1"
        assert text_of(tmp_path / "b").split()[1:] != [first, worker]
        assert text_of(tmp_path / "b").split()[2] == worker != str(parent)


def test_urgent_jobs_come_first(settings: Settings, tmp_path: Path) -> None:
    queue = Queue(settings)
    for priority in ("low", "normal", "high"):
        queue.enqueue("write", "wsp_1", priority, priority=priority)
    with a_pool(settings, {"write": partial(write, tmp_path)}):
        eventually((tmp_path / "low").exists)
    made = {name: (tmp_path / name).stat().st_mtime_ns for name in ("high", "normal", "low")}
    assert made["high"] < made["normal"] < made["low"]


def test_code_that_is_named_in_the_queue_is_not_run(settings: Settings, tmp_path: Path) -> None:
    target = tmp_path / "made_by_the_queue"
    LibraryQueue("high", connection=connect(settings), serializer=JSONSerializer).enqueue(
        "os.mkdir", str(target), job_id="evil"
    )
    with a_pool(settings, {"write": partial(write, tmp_path)}):
        Queue(settings).enqueue("write", "wsp_1", "after", priority="low")
        eventually((tmp_path / "after").exists)
        assert not target.exists()
        eventually(lambda: connect(settings).hget("rq:job:evil", "status") == b"failed")
        assert not target.exists()


def test_a_job_that_fails_leaves_its_worker_whole(settings: Settings, tmp_path: Path) -> None:
    with a_pool(settings, {"fail": fail, "write": partial(write, tmp_path)}):
        queue = Queue(settings)
        queue.enqueue("fail", "wsp_1", "a")
        queue.enqueue("write", "wsp_1", "b")
        eventually((tmp_path / "b").exists)


def test_a_job_that_failed_is_taken_when_it_is_queued_again(settings: Settings, tmp_path: Path) -> None:
    with a_pool(settings, {"fail": fail}):
        Queue(settings).enqueue("fail", "wsp_1", "again")
        eventually(lambda: connect(settings).zcard("rq:failed:normal") == 1)
    with a_pool(settings, {"fail": partial(write, tmp_path)}):
        Queue(settings).enqueue("fail", "wsp_1", "again")
        eventually((tmp_path / "again").exists)


def test_told_to_stop_a_worker_finishes_its_job(settings: Settings, tmp_path: Path) -> None:
    def finish(workspace_id: str, subject_id: str) -> None:
        (tmp_path / "started").touch()
        time.sleep(1.0)
        (tmp_path / "finished").touch()

    with a_pool(settings, {"finish": finish}) as pool:
        Queue(settings).enqueue("finish", "wsp_1", "a")
        eventually((tmp_path / "started").exists)
        os.kill(pool, signal.SIGTERM)
        eventually(lambda: has_ended(pool))
    assert (tmp_path / "finished").exists()


def test_told_twice_its_job_gives_the_work_back(settings: Settings, tmp_path: Path) -> None:
    with a_pool(settings, {"sleep": partial(sleep, tmp_path)}) as pool:
        Queue(settings).enqueue("sleep", "wsp_1", "a")
        job = int(eventually(lambda: text_of(tmp_path / "a")).split()[1])
        os.kill(pool, signal.SIGTERM)
        time.sleep(0.2)
        os.kill(pool, signal.SIGTERM)
        eventually(lambda: has_ended(pool))
    assert text_of(tmp_path / "a.gave_back") == "worker.stopping"
    assert is_gone(job)


def test_a_job_that_does_not_give_back_is_killed(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "GIVE_BACK_S", 0.5)
    with a_pool(settings, {"stubborn": partial(stubborn, tmp_path)}) as pool:
        Queue(settings).enqueue("stubborn", "wsp_1", "a")
        job = int(eventually(lambda: text_of(tmp_path / "a")).split()[1])
        os.kill(pool, signal.SIGTERM)
        time.sleep(0.2)
        os.kill(pool, signal.SIGTERM)
        eventually(lambda: has_ended(pool))
    eventually(lambda: is_gone(job))


def test_a_killed_pool_takes_workers_and_jobs_with_it(settings: Settings, tmp_path: Path) -> None:
    with a_pool(settings, {"sleep": partial(sleep, tmp_path)}, count=2) as pool:
        Queue(settings).enqueue("sleep", "wsp_1", "a")
        _, job, worker = eventually(lambda: text_of(tmp_path / "a")).split()
        os.kill(pool, signal.SIGKILL)
        os.waitpid(pool, 0)
        eventually(lambda: is_gone(int(worker)) and is_gone(int(job)))


def test_two_workers_run_two_jobs_at_a_time(settings: Settings, tmp_path: Path) -> None:
    with a_pool(settings, {"sleep": partial(sleep, tmp_path)}, count=2):
        queue = Queue(settings)
        queue.enqueue("sleep", "wsp_1", "a")
        queue.enqueue("sleep", "wsp_1", "b")
        eventually(lambda: text_of(tmp_path / "a") and text_of(tmp_path / "b"))


def test_threads_of_kernels_in_the_parent_do_not_hang_its_jobs(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("D2R_THREADS", "2")
    pid = os.fork()
    if pid == 0:
        over_chunks(1000, lambda start, stop: None, chunk=10)  # the parent's pool has threads when it forks
        WorkerPool(1, lambda number: run_worker(settings, {"add": partial(add_up, tmp_path)}, "1")).run()
        os._exit(0)
    try:
        Queue(settings).enqueue("add", "wsp_1", "a")
        assert eventually(lambda: text_of(tmp_path / "a")) == "499500"
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
