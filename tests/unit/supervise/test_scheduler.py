"""The scheduler: each task when it is due, whatever became of the others; one of several schedulers works."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, cast

import pytest

from appliance.audit.database_log import DatabaseLog
from appliance.audit.recording import record
from appliance.config.settings import Settings
from appliance.errors import Conflict, Unavailable
from appliance.supervise.lock import RunLock, holder
from appliance.supervise.scheduler import Scheduler
from appliance.supervise.tasks import Task, clean_scratch, in_every_workspace, sign_checkpoints, tasks, watch_disk
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.site import Site


def run_for(seconds: float, *todo: Task) -> int:
    """Run a scheduler on no site; returns how often it said that it lives."""
    rounds: list[float] = []
    scheduler = Scheduler(cast(Site, None), todo, lambda: rounds.append(time.monotonic()), first_round_s=0.0)
    threading.Timer(seconds, scheduler.stop).start()
    scheduler.run()
    return len(rounds)


def test_each_task_runs_at_its_own_pace() -> None:
    quick: list[float] = []
    slow: list[float] = []
    run_for(
        1.0,
        Task("quick", 0.1, lambda site: quick.append(time.monotonic())),
        Task("slow", 60.0, lambda site: slow.append(time.monotonic())),
    )
    assert 5 <= len(quick) <= 11
    assert len(slow) == 1


def test_a_task_that_fails_is_said_and_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    done: list[int] = []

    def fail(site: Site) -> None:
        raise RuntimeError("out of order")

    run_for(0.3, Task("break", 0.1, fail), Task("work", 0.1, lambda site: done.append(1)))
    assert done
    assert "could not break" in caplog.text
    assert "out of order" in caplog.text


def test_it_says_that_it_lives_even_with_nothing_to_do() -> None:
    assert run_for(0.1, Task("never", 3600.0, lambda site: None)) >= 1


def test_all_tasks_run_on_an_appliance_without_a_complaint(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with Site.open(settings) as site:
        for task in tasks(settings):
            task.run(site)
    assert [entry for entry in caplog.records if "Redis does not serve" not in entry.getMessage()] == []


def test_logs_that_grew_are_signed(settings: Settings) -> None:
    with Site.open(settings) as site:
        scope = site.system_scope(site.workspaces()[0].id)
        with scope.transaction():
            record(scope, "test.happened")
        assert not DatabaseLog.of(scope).is_signed()
        assert sign_checkpoints(site) == 1
        assert DatabaseLog.of(scope).is_signed()
        assert sign_checkpoints(site) == 0


def test_what_fails_in_one_workspace_is_done_in_the_others(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[str] = []

    def work(scope: Any) -> None:
        seen.append(scope.slug)
        if scope.slug == "plant":
            raise Unavailable("disk.full", "The disk is full.")

    monkeypatch.setattr("appliance.ingest.housekeeping.expire", work)
    with Site.open(settings) as site:
        site.create_workspace("annex", "Annex", SYSTEM)
        assert in_every_workspace("appliance.ingest.housekeeping", "expire")(site) == 1
    assert seen == ["plant", "annex"]
    assert "expire in plant: The disk is full. [disk.full]" in caplog.text


def test_only_working_files_that_nobody_touches_are_removed(tmp_path: Path) -> None:
    for name in ("old", "used"):
        (tmp_path / name / "deep").mkdir(parents=True)
        (tmp_path / name / "deep" / "file").touch()
    long_ago = time.time() - 1000
    for path in (tmp_path / "old/deep/file", tmp_path / "old/deep", tmp_path / "old", tmp_path / "used"):
        os.utime(path, (long_ago, long_ago))
    assert clean_scratch(tmp_path, kept_s=900) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["used"]


def test_a_disk_that_fills_is_said_before_uploads_are_refused(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    watch_disk(settings)
    assert caplog.text == ""
    monkeypatch.setattr("shutil.disk_usage", lambda path: (0, 0, 0) and type("Usage", (), {"free": (3 << 30) // 2}))
    watch_disk(settings)
    assert "1536 MB free" in caplog.text
    assert "refused below 1024 MB" in caplog.text


def test_a_lock_has_one_holder_and_names_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert holder(path) is None
    with RunLock(path) as lock:
        assert holder(path) == os.getpid()
        assert not RunLock(path).take()
        assert lock.path == path
    assert holder(path) is None


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    program = "import sys, time; from pathlib import Path; from appliance.supervise.lock import RunLock\n"
    program += "RunLock(Path(sys.argv[1])).take(); print('taken', flush=True); time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE)
    assert process.stdout
    assert process.stdout.readline() == b"taken\n"
    assert holder(path) == process.pid
    with pytest.raises(Conflict, match="running already"), RunLock(path):
        pass
    process.kill()
    process.communicate()
    with RunLock(path):
        assert holder(path) == os.getpid()


def test_a_lock_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="Check free space and permissions"):
        RunLock(tmp_path / "missing" / "lock").take()
