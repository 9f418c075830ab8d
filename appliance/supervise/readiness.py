"""Whether a process is ready: asked in an instant, answered by the process itself."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

#: An answer takes longer only from a process that is not ready.
_ANSWER_S: Final = 0.25


def http_ok(host: str, port: int, path: str) -> bool:
    """Whether a server answers ``GET path`` with status 200."""
    try:
        with socket.create_connection((_reachable(host), port), timeout=_ANSWER_S) as line:
            line.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            return line.recv(64).split(b" ")[1:2] == [b"200"]
    except OSError:
        return False


def beat(path: Path) -> None:
    """Say that this process lives; on a disk that is full to its last inode it goes unsaid."""
    with suppress(OSError):
        path.touch(mode=0o600)


def beats_since(path: Path, moment: float) -> bool:
    """Whether the process that touches ``path`` did so after ``moment``."""
    try:
        return path.stat().st_mtime >= moment
    except OSError:
        return False


def silent_s(path: Path) -> float | None:
    """Seconds since the last sign of life; None where there never was one."""
    try:
        return max(0.0, time.time() - path.stat().st_mtime)
    except OSError:
        return None


def _reachable(host: str) -> str:
    """The address at which this machine reaches a server that listens on ``host``."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
