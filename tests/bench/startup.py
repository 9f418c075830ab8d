"""Start: how long until ``d2r up`` is ready, what all processes hold idle, what a job pays before its first line.

    python tests/bench/startup.py [runs]

Starts the appliance of this tree, all of it, in a temporary folder.  Memory is the proportional set size: pages that
processes share count once.  The job's numbers come from a worker as ``worker.main`` makes it, around a job that
looks at the clock, calls its first kernels, and calls them again.
"""

from __future__ import annotations

import json
import logging
import os
import platform
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from importlib import import_module
from pathlib import Path

from appliance.config.settings import Settings, load_settings
from appliance.mesh.warm import warm_up as call_kernels
from appliance.queue.connection import Queue
from appliance.queue.pool import WorkerPool
from appliance.queue.worker import run_worker
from appliance.supervise.kernels import load_compiled
from appliance.supervise.redis_server import answers, find_redis_server, write_configuration
from appliance.supervise.running import down, memory_bytes, up_detached
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.site import Site
from worker.main import JOBS, LATE

BAR_READY_S, BAR_BYTES = 5.0, 600e6
SETTLE_S = 3.0
JOBS_MEASURED = 20


def main(runs: int) -> None:
    logging.basicConfig(level=logging.WARNING)
    print(f"{platform.machine()}, {os.cpu_count()} cores; Python {platform.python_version()}")
    subprocess.run([sys.executable, "-m", "appliance.cli.main", "kernels", "--quiet"], check=True)
    folder = Path(tempfile.mkdtemp(prefix="d2r-"))
    try:
        settings = found(folder)
        times = [started(settings) for _ in range(runs)]
        shown = ", ".join(f"{seconds:.1f}" for seconds in times)
        print(f"ready in {statistics.median(times):.1f} s (bar {BAR_READY_S:.0f}; runs: {shown})")
        print(f"a job: {job(settings)}")
    finally:
        shutil.rmtree(folder)


def found(folder: Path) -> Settings:
    """A new appliance on free ports."""
    ports = []
    for _ in range(2):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            ports.append(probe.getsockname()[1])
    os.environ |= {"D2R_PORT": str(ports[0]), "D2R_REALTIME_PORT": str(ports[1])}
    settings = load_settings(folder)
    with Site.open(settings, create=True) as site:
        site.create_workspace("plant", "Plant", SYSTEM)
    return settings


def started(settings: Settings) -> float:
    """Seconds until ready; prints the memory of the idle processes."""
    status = up_detached(settings)
    try:
        time.sleep(SETTLE_S)
        used = memory_bytes(status)
        shown = ", ".join(f"{name} {size / 1e6:.0f}" for name, size in used.items())
        print(f"idle {sum(used.values()) / 1e6:.0f} MB (bar {BAR_BYTES / 1e6:.0f}): {shown}")
    finally:
        down(settings)
    return status.ready_s or 0.0


def job(settings: Settings) -> str:
    """From the call that queues a job to its first line, then its first and its second call of kernels."""
    server = subprocess.Popen([str(find_redis_server()), str(write_configuration(settings))], stdout=subprocess.DEVNULL)
    pool = os.fork()
    if pool == 0:
        for module in (*JOBS.values(), *LATE):
            import_module(module)
        load_compiled()
        handlers = {"probe": partial(probe, settings.data)}
        WorkerPool(1, lambda number: run_worker(settings, handlers, str(number))).run()
        os._exit(0)
    try:
        while not answers(settings.redis_socket):
            time.sleep(0.01)
        measured = [once(settings, number) for number in range(JOBS_MEASURED + 1)][1:]
    finally:
        os.kill(pool, signal.SIGTERM)
        os.waitpid(pool, 0)
        server.terminate()
        server.wait()
    first_line, first_call, second_call = (statistics.median(column) * 1e3 for column in zip(*measured, strict=True))
    return (
        f"first line after {first_line:.0f} ms, first kernels in {first_call:.1f} ms, again in {second_call:.1f} ms "
        f"(medians of {JOBS_MEASURED})"
    )


def once(settings: Settings, number: int) -> tuple[float, float, float]:
    path = settings.data / f"job_{number}"
    began = time.time()
    Queue(settings).enqueue("probe", "wsp_1", path.name)
    while not path.exists():
        time.sleep(0.001)
    line, first, second = json.loads(path.read_text())
    return line - began, first, second


def probe(folder: Path, workspace_id: str, subject_id: str) -> None:
    line = time.time()
    durations = []
    for _ in range(2):
        began = time.perf_counter()
        call_kernels()
        durations.append(time.perf_counter() - began)
    draft = folder / f".{subject_id}"
    draft.write_text(json.dumps([line, *durations]))
    draft.rename(folder / subject_id)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
