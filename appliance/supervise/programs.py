"""The programs of one appliance: what is started, with which command, and how each says that it is ready."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from appliance.config.settings import Settings
from appliance.supervise.gunicorn_settings import GRACEFUL_S, VIEWERS_GRACEFUL_S
from appliance.supervise.readiness import beats_since, http_ok
from appliance.supervise.records import Program
from appliance.supervise.redis_server import answers, find_redis_server, write_configuration

#: A worker may finish its job for this long before it is asked to give the job back.
FINISH_S: Final = 15.0
#: No task of the scheduler takes longer: validating an audit log of millions of entries, sweeping millions of objects.
LONGEST_TASK_S: Final = 1800.0
#: The first worker of a new release compiles the kernels, if nobody did so before (d2r kernels).
COMPILE_S: Final = 900.0


def programs(settings: Settings) -> list[Program]:
    """Everything that ``d2r up`` keeps running, Redis first where it is ours.

    Raises
    ------
    Misconfigured : there is no redis-server, and no other Redis is set
    Unavailable : its configuration cannot be written
    """
    others = [web(settings), realtime(settings), worker(settings), scheduler(settings)]
    return others if settings.redis_url else [redis(settings), *others]


def redis(settings: Settings) -> Program:
    """The private Redis."""
    return Program(
        "redis", (str(find_redis_server()), str(write_configuration(settings))), str(settings.redis_socket),
        lambda _: answers(settings.redis_socket), stop_s=5.0, early=True,
    )  # fmt: skip


def web(settings: Settings) -> Program:
    """API and console."""
    return Program(
        "web", _gunicorn("web_server", "web.app:create_app()"), f"http://{settings.bind}:{settings.port}",
        lambda _: http_ok(settings.bind, settings.port, "/readyz"), GRACEFUL_S + 2.0,
        environment=_environment(settings),
    )  # fmt: skip


def realtime(settings: Settings) -> Program:
    """Live events."""
    return Program(
        "realtime", _gunicorn("realtime_server", "web.realtime.app:create_app()"),
        f"ws://{settings.bind}:{settings.realtime_port}",
        lambda _: http_ok(settings.bind, settings.realtime_port, "/healthz"), VIEWERS_GRACEFUL_S + 2.0,
        environment=_environment(settings),
    )  # fmt: skip


def worker(settings: Settings) -> Program:
    """The parent of the workers."""
    beats = [worker_beat(settings, number) for number in range(1, settings.workers + 1)]
    return Program(
        "worker", (sys.executable, "-m", "worker.main"), f"{settings.workers} at a time",
        lambda start: all(beats_since(path, start) for path in beats), FINISH_S, requests=2,
        early=True, ready_within_s=COMPILE_S, beats=tuple(beats), environment=_environment(settings),
    )  # fmt: skip


def scheduler(settings: Settings) -> Program:
    """Whatever is done on a schedule."""
    path = scheduler_beat(settings)
    return Program(
        "scheduler", (sys.executable, "-m", "appliance.supervise.scheduler"), "reconciles, signs, cleans",
        lambda start: beats_since(path, start), beats=(path,), silent_s=LONGEST_TASK_S,
        environment=_environment(settings),
    )  # fmt: skip


def worker_beat(settings: Settings, number: int) -> Path:
    """The file that a worker touches while it lives."""
    return settings.run_folder / f"worker-{number}.beat"


def scheduler_beat(settings: Settings) -> Path:
    """The file that the scheduler touches while it lives."""
    return settings.run_folder / "scheduler.beat"


def _gunicorn(configuration: str, application: str) -> tuple[str, ...]:
    module = f"python:appliance.supervise.{configuration}"
    return (sys.executable, "-m", "gunicorn", "-c", module, application)


def _environment(settings: Settings) -> dict[str, str]:
    """The data folder, and a place for machine code where the installation itself is read-only."""
    places = {"D2R_DATA": str(settings.data), "PYTHONUNBUFFERED": "1"}
    if not os.access(sys.prefix, os.W_OK):
        places["D2R_KERNEL_CACHE"] = str(settings.kernel_cache)
    return places
