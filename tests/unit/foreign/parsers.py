"""Parsers that behave, and parsers that do what hostile files make real ones do."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from appliance.errors import InvalidInput
from appliance.foreign.sink import Sink


def count_bytes(path: Path, options: Mapping[str, Any], sink: Sink) -> dict[str, Any]:
    data = np.frombuffer(path.read_bytes(), dtype=np.uint8)
    for part in np.array_split(data, 3):
        sink.append("bytes", part)
        sink.progress(len(sink.columns["bytes"].filled) / len(data))
    sink.append("pairs", np.arange(6.0).reshape(3, 2))
    return {"bytes": len(data), "echo": options.get("echo")}


def many_names(path: Path, options: Mapping[str, Any], sink: Sink) -> dict[str, Any]:
    return {"names": [f"face {number}" for number in range(50_000)]}


def refuse(path: Path, options: Mapping[str, Any], sink: Sink) -> dict[str, Any]:
    raise InvalidInput("scan.odd", "It is odd.", "Make it even.")


def divide_by_zero(path: Path, options: Mapping[str, Any], sink: Sink) -> dict[str, Any]:
    return {"value": 1 // 0}


def crash(path: Path, options: Mapping[str, Any], sink: Sink) -> dict[str, Any]:
    ctypes.string_at(0)
    return {}


def leave(path: Path, options: Mapping[str, Any], sink: Sink) -> dict[str, Any]:
    os._exit(7)


def hang(path: Path, options: Mapping[str, Any], sink: Sink) -> dict[str, Any]:
    time.sleep(3600)
    return {}


def spin(path: Path, options: Mapping[str, Any], sink: Sink) -> dict[str, Any]:
    while True:
        pass


def allocate(path: Path, options: Mapping[str, Any], sink: Sink) -> dict[str, Any]:
    return {"size": len(b"x" * (64 << 30))}


def fill(path: Path, options: Mapping[str, Any], sink: Sink) -> dict[str, Any]:
    while True:
        sink.append("zeros", np.zeros(1 << 20))


def reach_out(path: Path, options: Mapping[str, Any], sink: Sink) -> dict[str, Any]:
    """Try what a hostile file would want; name what worked."""
    tries = {
        "network": lambda: socket.socket().close(),
        "program": lambda: os.execv("/bin/true", ["true"]),
        "fork": lambda: os.fork() or os._exit(0),
        "kill": lambda: os.kill(os.getppid(), signal.SIGCONT),
    }
    worked = []
    for name, attempt in tries.items():
        try:
            attempt()
            worked.append(name)
        except OSError:
            continue
    return {"worked": worked, "environment": sorted(os.environ)}
