"""The machine: Python, kernels, redis-server, clock, free space, ports."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from appliance.config.settings import Settings
from appliance.supervise.doctor.records import Finding, attempted, good, judged, skipped
from appliance.supervise.kernels import STAMP
from appliance.supervise.preflight import check_port, check_space
from appliance.supervise.redis_server import check_socket_path, find_redis_server

_LEAST_PYTHON: Final = (3, 11)
#: No appliance of this release ran before this moment (2026-01-01): a clock that says so is wrong.
_EARLIEST_S: Final = 1_767_225_600
#: Files of the appliance that are newer than now by more than this were written under another clock.
_LATEST_AHEAD_S: Final = 120.0


def machine(settings: Settings, *, is_running: bool) -> Iterator[Finding]:
    """Everything that does not need an appliance; ports only where it does not hold them itself."""
    version = ".".join(map(str, sys.version_info[:3]))
    yield judged("Python", sys.version_info >= _LEAST_PYTHON, version, "3.11 or newer", "Install a newer Python.")
    yield kernels()
    if settings.redis_url:
        yield good("redis-server", "another Redis is set (redis_url)")
    else:
        yield attempted("redis-server", "installed", lambda: str(find_redis_server()))
        yield attempted("Redis socket", "at most 107 bytes", lambda: _socket(settings))
    yield clock(settings)
    for name in ("port", "realtime_port"):
        yield port(settings, name, is_running=is_running)


def kernels() -> Finding:
    """Whether the numeric kernels of this program are compiled."""
    from appliance.core.kernel_cache import cache_folder

    stamp = cache_folder() / STAMP
    remedy = "Run d2r kernels; else the first worker compiles them, for a minute."
    measured = f"compiled, in {stamp.parent}" if stamp.exists() else "not all compiled"
    return judged("kernels", stamp.exists(), measured, "compiled", remedy, warning=True)


def clock(settings: Settings, now_s: float | None = None) -> Finding:
    """Whether the clock stands where it can be: after this release, and not before what was written here."""
    now = time.time() if now_s is None else now_s
    newest = max((_changed(path) for path in (settings.control_db, settings.run_folder)), default=0.0)
    shown = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
    is_well = now >= _EARLIEST_S and newest <= now + _LATEST_AHEAD_S
    needed = "not before 2026, and not before the appliance's own files"
    return judged("clock", is_well, shown, needed, "Set the clock, and keep it with NTP (timedatectl).")


def port(settings: Settings, name: str, *, is_running: bool) -> Finding:
    """Whether the appliance may listen on its port; a running one does."""
    number = int(getattr(settings, name))
    if is_running:
        return skipped(name, f"{settings.bind}:{number} is the running appliance's own")

    def attempt() -> str:
        check_port(settings.bind, number, name)
        return f"{settings.bind}:{number} is free"

    return attempted(name, "free", attempt)


def space(settings: Settings) -> Iterator[Finding]:
    """Whether the disk of the data folder has room: to run at all, and to take uploads."""

    def attempt() -> str:
        check_space(settings)
        return "writable"

    yield attempted("disk", "room for the databases", attempt)
    free = shutil.disk_usage(settings.data).free
    floor = settings.free_space_floor_bytes
    measured, needed = f"{free / 1e9:.1f} GB free", f"{2 * floor / 1e9:.1f} GB free"
    remedy = f"Make room: uploads are refused below {floor / 1e9:.1f} GB (free_space_floor_bytes)."
    yield judged("free space", free >= 2 * floor, measured, needed, remedy, warning=free >= floor)


def _socket(settings: Settings) -> str:
    check_socket_path(settings)
    return f"{len(os.fsencode(settings.redis_socket))} bytes"


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
