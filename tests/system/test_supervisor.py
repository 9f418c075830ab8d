"""The supervisor with real processes: Redis, two gunicorns, worker, scheduler, in a folder of their own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.config.settings import Settings, load_settings
from appliance.core.process import parent_of, with_descendants
from appliance.queue.connection import Queue, connect
from appliance.supervise.records import ApplianceStatus
from appliance.supervise.status import read_status
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.site import Site

STANDIN = Path(__file__).resolve().parent / "standin"
NAMES = ("redis", "web", "realtime", "worker", "scheduler")
PATIENCE_S = 20.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(question: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if answer := question():
            return answer
        time.sleep(0.02)
    raise AssertionError(f"not within {PATIENCE_S:.0f} s: {what}")


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Appliance:
    """One appliance as an operator has it: a data folder, and ``d2r up`` in a process of its own."""

    def __init__(self, folder: Path) -> None:
        ports = {"D2R_PORT": str(free_port()), "D2R_REALTIME_PORT": str(free_port())}
        self.environment = {**os.environ, **ports, "D2R_DATA": str(folder), "PYTHONPATH": str(STANDIN)}
        self.settings: Settings = load_settings(folder, self.environment)
        self.folder = folder
        with Site.open(self.settings, create=True) as site:
            site.create_workspace("plant", "Plant", SYSTEM)
        self.process: subprocess.Popen[str] | None = None

    def d2r(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "appliance.cli.main", *arguments]
        return subprocess.run(
            command, env=self.environment, cwd=self.folder, capture_output=True, text=True, timeout=60, check=False
        )

    def up(self) -> ApplianceStatus:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "appliance.cli.main", "up"], env=self.environment, cwd=self.folder,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        return self.ready()

    def ready(self) -> ApplianceStatus:
        eventually(lambda: self.process is None or self.process.poll() is not None or self.is_ready(), "ready")
        assert self.is_ready(), self.process and self.process.communicate()
        return read_status(self.settings)

    def is_ready(self) -> bool:
        status = read_status(self.settings)
        return status.ready_s is not None and all(process.state == "ready" for process in status.processes)

    def pid(self, name: str) -> int:
        return next(process.pid or 0 for process in read_status(self.settings).processes if process.name == name)

    def everyone(self) -> list[int]:
        assert self.process
        return with_descendants(self.process.pid)

    def clean_up(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.communicate()
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture(scope="module")
def short_folder() -> Iterator[Callable[[], Path]]:
    """Folders whose path leaves room for a socket's name."""
    made: list[Path] = []

    def make() -> Path:
        made.append(Path(tempfile.mkdtemp(prefix="d2r-")))
        return made[-1]

    yield make
    for folder in made:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def running(short_folder: Callable[[], Path]) -> Iterator[Appliance]:
    appliance = Appliance(short_folder())
    try:
        appliance.up()
        yield appliance
    finally:
        appliance.clean_up()


@pytest.fixture
def stopped(short_folder: Callable[[], Path]) -> Iterator[Appliance]:
    appliance = Appliance(short_folder())
    try:
        yield appliance
    finally:
        appliance.clean_up()


def test_everything_that_an_appliance_needs_runs_and_says_where(running: Appliance) -> None:
    status = running.ready()
    assert tuple(process.name for process in status.processes) == NAMES
    assert status.url.endswith(str(running.settings.port))
    shown = running.d2r("status")
    assert shown.returncode == 0
    assert all(name in shown.stdout for name in NAMES)


def test_redis_is_reachable_by_its_owner_through_a_socket_alone_and_keeps_nothing(running: Appliance) -> None:
    client = connect(running.settings)
    assert running.settings.redis_socket.stat().st_mode & 0o777 == 0o600
    told = client.config_get("*")
    assert (told["port"], told["save"], told["appendonly"]) == ("0", "", "no")
    assert told["maxmemory-policy"] == "noeviction"
    assert int(told["maxmemory"]) == 64 << 20


@pytest.mark.parametrize("name", NAMES)
def test_a_killed_process_is_started_again(running: Appliance, name: str) -> None:
    running.ready()
    before = running.pid(name)
    os.kill(before, signal.SIGKILL)
    eventually(lambda: running.is_ready() and running.pid(name) not in (0, before), f"{name} is back")
    status = read_status(running.settings)
    reason = next(process.reason for process in status.processes if process.name == name)
    assert reason.startswith("was ended by SIGKILL")
    eventually(lambda: not is_alive(before), "the old one is gone")


def is_replaced(killed: int, before: list[int], after: list[int]) -> bool:
    return killed not in after and len(after) == len(before)


@pytest.mark.parametrize("name", ["web", "realtime", "worker"])
def test_a_killed_inner_process_is_replaced_by_its_own_parent(running: Appliance, name: str) -> None:
    running.ready()
    parent = running.pid(name)
    before = with_descendants(parent)[1:]
    assert len(before) == (running.settings.web_processes if name == "web" else 1)
    os.kill(before[0], signal.SIGKILL)
    eventually(lambda: is_replaced(before[0], before, with_descendants(parent)[1:]), "another one")
    assert running.pid(name) == parent


def test_a_waiting_job_runs_once_though_it_was_queued_twice(running: Appliance) -> None:
    running.ready()
    queue = Queue(running.settings)
    queue.enqueue("nap", "wsp_1", "first")
    eventually((running.settings.scratch_folder / "first.started").exists, "the worker is busy")
    for _ in range(2):
        queue.enqueue("nap", "wsp_1", "twice", priority="low")
    eventually((running.settings.scratch_folder / "twice.started").exists, "the job runs")
    assert queue.depth() == {"high": 0, "normal": 0, "low": 0}
    eventually((running.settings.scratch_folder / "twice").exists, "the job has run")


def test_an_emptied_redis_takes_jobs_as_before(running: Appliance) -> None:
    running.ready()
    connect(running.settings).flushall()
    Queue(running.settings).enqueue("nap", "wsp_1", "after_flush")
    eventually((running.settings.scratch_folder / "after_flush").exists, "the job has run")


def test_a_running_job_survives_the_end_of_redis(running: Appliance) -> None:
    running.ready()
    Queue(running.settings).enqueue("nap", "wsp_1", "orphan")
    started = running.settings.scratch_folder / "orphan.started"
    eventually(started.exists, "the job runs")
    os.kill(running.pid("redis"), signal.SIGKILL)
    done = running.settings.scratch_folder / "orphan"
    eventually(done.exists, "the job has ended")
    assert done.read_text() == started.read_text(), "the same process ended it"
    running.ready()
    Queue(running.settings).enqueue("nap", "wsp_1", "later")
    eventually((running.settings.scratch_folder / "later").exists, "the worker found the new Redis")


def test_a_killed_worker_takes_its_job_with_it(running: Appliance) -> None:
    running.ready()
    Queue(running.settings).enqueue("nap", "wsp_1", "widow")
    started = running.settings.scratch_folder / "widow.started"
    horse = int(eventually(lambda: started.exists() and started.read_text(), "the job runs"))
    os.kill(parent_of(horse) or 0, signal.SIGKILL)
    eventually(lambda: not is_alive(horse), "the job's process is gone")
    assert not (running.settings.scratch_folder / "widow").exists()


def test_a_second_supervisor_is_refused_in_one_line(running: Appliance) -> None:
    refused = running.d2r("up")
    assert refused.returncode == 3
    assert refused.stderr.count("\n") == 1
    assert "is running already" in refused.stderr


def test_down_leaves_no_process_and_says_how_long_it_took(stopped: Appliance) -> None:
    stopped.up()
    everyone = stopped.everyone()
    assert len(everyone) >= 9, "supervisor, redis, two gunicorns with a worker each, worker with a child, scheduler"
    answer = stopped.d2r("down")
    assert answer.stderr.startswith("d2r: stopped in ")
    assert stopped.process
    assert stopped.process.wait(timeout=5) == 0
    assert [pid for pid in everyone if is_alive(pid)] == []
    assert stopped.d2r("down").stderr == "d2r: not running\n"
    assert stopped.d2r("status").returncode == 3


def test_a_killed_supervisor_leaves_nothing_behind_and_can_be_started_again(stopped: Appliance) -> None:
    stopped.up()
    everyone = stopped.everyone()
    assert stopped.process
    stopped.process.kill()
    stopped.process.communicate()
    eventually(lambda: not any(is_alive(pid) for pid in everyone), "all are gone")
    assert not read_status(stopped.settings).running
    stopped.up()
    assert stopped.is_ready()


def test_detached_it_returns_when_ready(stopped: Appliance) -> None:
    started = stopped.d2r("up", "--detach")
    try:
        assert started.returncode == 0, started.stderr
        assert "ready in" in started.stdout
        assert stopped.is_ready()
    finally:
        assert stopped.d2r("down").returncode == 0


def test_a_taken_port_is_named_with_its_setting(stopped: Appliance) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", stopped.settings.port))
        taken.listen()
        refused = stopped.d2r("up")
    assert refused.returncode == 3
    assert f"Port {stopped.settings.port} on 127.0.0.1 is in use." in refused.stderr
    assert "D2R_PORT" in refused.stderr


def test_a_program_that_does_not_start_ends_the_start_and_says_why(stopped: Appliance) -> None:
    broken = stopped.folder / "broken" / "web"
    broken.mkdir(parents=True)
    (broken / "__init__.py").touch()
    (broken / "app.py").write_text("raise RuntimeError('no such thing')\n")
    stopped.environment["PYTHONPATH"] = f"{broken.parent}{os.pathsep}{STANDIN}"
    refused = stopped.d2r("up")
    assert refused.returncode == 3
    assert "web does not start: ended by itself" in refused.stderr
    assert "no such thing" in refused.stderr
    assert "web.log" in refused.stderr
