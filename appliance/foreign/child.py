"""The child side of the sandbox: take one job, give up all rights, parse, hand over the arrays.

Two ways in: ``run_once`` serves a single job and ends; ``run_server`` has imported the parsers
beforehand and forks a process a job, which costs milliseconds instead of an interpreter's start.
"""

from __future__ import annotations

import importlib
import os
import socket
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from appliance.errors import D2RError, InvalidInput
from appliance.foreign.channel import close_all, receive, send
from appliance.foreign.confinement import confine
from appliance.foreign.limits import Limits
from appliance.foreign.sink import Sink

Parser = Callable[[Path, Mapping[str, Any], Sink], dict[str, Any]]


def run_once(descriptor: int) -> None:
    """Serve the one job that comes over the open socket ``descriptor``."""
    with socket.socket(fileno=descriptor) as end:
        received = receive(end)
        if received:
            _serve(end, received[0])


def run_server(descriptor: int, entries: list[str]) -> None:
    """Fork a process for every job that comes, until the other side closes.

    Parameters
    ----------
    entries : modules to import beforehand, or ``module:function`` to call
    """
    for entry in entries:
        module, _, function = entry.partition(":")
        loaded = importlib.import_module(module)
        if function:
            getattr(loaded, function)()
    with socket.socket(fileno=descriptor) as server:
        while received := receive(server):
            message, descriptors = received
            process = os.fork()
            if process == 0:
                server.close()
                with socket.socket(fileno=descriptors[0]) as end:
                    _serve(end, message)
                os._exit(0)
            close_all(descriptors)
            send(server, {"process": process})
            _, status = os.waitpid(process, 0)
            send(server, {"status": os.waitstatus_to_exitcode(status)})


def _serve(end: socket.socket, job: Mapping[str, Any]) -> None:
    with _Failures(end):
        parser = _parser_of(job["parser"])
        limits = Limits(**job["limits"])
        gaps = confine(limits)
        sink = Sink(lambda fraction: send(end, {"progress": fraction}))
        summary = parser(Path(job["path"]), job["options"], sink)
        columns = list(sink.columns.values())
        arrays = [column.finish() for column in columns]
        result = {"summary": summary, "arrays": arrays, "gaps": gaps}
        send(end, {"result": result}, [column.descriptor for column in columns])


def _parser_of(name: str) -> Parser:
    module, _, function = name.partition(":")
    parser: Parser = getattr(importlib.import_module(module), function)
    return parser


class _Failures:
    """Tells the parent of whatever leaves the parser, a panic of a compiled library included."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Literal[True]:
        if error is not None:
            send(self._end, {"error": _described(error)})
        return True


def _described(error: BaseException) -> dict[str, str]:
    if isinstance(error, MemoryError):
        return {"code": "foreign.memory", "message": "", "hint": ""}
    if isinstance(error, D2RError):
        return {
            "family": type(error).__name__ if isinstance(error, InvalidInput) else "D2RError",
            "code": error.code,
            "message": error.message,
            "hint": error.hint,
        }
    place = f"{type(error).__name__}: {error}".splitlines()[0][:300]
    # What is no Exception comes from compiled code that gave up: a panic.
    code = "foreign.broken" if isinstance(error, Exception) else "foreign.crashed"
    return {"code": code, "message": place, "hint": ""}


if __name__ == "__main__":
    run_once(int(sys.argv[1]))
