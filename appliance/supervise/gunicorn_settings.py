"""How gunicorn serves API, console and live events: one master with the code in memory, and workers that answer.

The master imports the application and each worker builds it: one that dies is replaced in milliseconds, and no
connection to a database or to Redis is shared across a fork.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

from appliance.config.settings import Settings
from appliance.core.logs import JsonLines
from appliance.core.process import die_with

#: Seconds that running requests get to end.
GRACEFUL_S: Final = 8
#: Viewers of live events resume without gaps wherever they were cut.
VIEWERS_GRACEFUL_S: Final = 1
#: A worker whose loop says nothing this long is hung, and replaced.
_SILENT_S: Final = 60
_KEEP_ALIVE_S: Final = 15
#: The manifest of an upload is a header, and carries 16 KiB of free metadata, perhaps signed.
HEADER_BYTES: Final = 65_536
#: Connections at the same time, also those that say nothing; who is longest without a request makes room for more.
CONNECTIONS: Final = 1_000
#: Files and connections that a worker may have open: what it serves needs some beside its connections.
_OPEN_FILES: Final = 8_192
#: As much as gunicorn knows: a name of 120 characters in a query may take 1,440 bytes.
LINE_BYTES: Final = 8_190


def server_settings(
    settings: Settings, name: str, port: int, threads: int, graceful_s: int, *, processes: int = 1
) -> dict[str, Any]:
    """Settings of one gunicorn, as names and values of its configuration module."""
    return {
        "bind": f"[{settings.bind}]:{port}" if ":" in settings.bind else f"{settings.bind}:{port}",
        "worker_class": "appliance.supervise.patient_worker.PatientWorker",
        "workers": processes,
        "threads": threads,
        "worker_connections": min(CONNECTIONS, _most_open_files() // 2),
        "preload_app": False,
        "timeout": _SILENT_S,
        "graceful_timeout": graceful_s,
        "keepalive": _KEEP_ALIVE_S,
        "limit_request_line": LINE_BYTES,
        "limit_request_field_size": HEADER_BYTES,
        "forwarder_headers": "",
        "worker_tmp_dir": "/dev/shm" if os.access("/dev/shm", os.W_OK) else str(settings.run_folder),
        "control_socket_disable": True,
        "proc_name": f"d2r-{name}",
        "logconfig_dict": _logging(name, settings.log_level),
    }


def on_starting_import(module: str) -> Callable[[Any], None]:
    """A hook for the master that has everything imported before the worker is forked."""

    def on_starting(server: Any) -> None:
        import_module(module)

    return on_starting


def post_fork(server: Any, worker: Any) -> None:
    """The first thing in a worker: it ends with its master, and may open enough files."""
    die_with(worker.ppid)
    resource.setrlimit(resource.RLIMIT_NOFILE, (_most_open_files(), resource.getrlimit(resource.RLIMIT_NOFILE)[1]))


def _most_open_files() -> int:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)


def _logging(name: str, level: str) -> dict[str, Any]:
    handler = {"class": "logging.StreamHandler", "formatter": "json", "stream": "ext://sys.stderr"}
    quiet = {"level": "WARNING", "handlers": ["console"], "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonLines, "process": name}},
        "handlers": {"console": handler},
        "root": {"level": level, "handlers": ["console"]},
        "loggers": {"gunicorn.access": quiet, "gunicorn.error": {**quiet, "level": level}},
    }
