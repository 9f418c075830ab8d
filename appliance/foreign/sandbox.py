"""Parse a stranger's file in a child process that can do nothing else, and take over its arrays.

Whatever the file does to the parser, the caller gets the parsed arrays or an ``InvalidInput`` with a
reason: a crash, a hang, a bomb and an exception of a library all end in one.  The arrays are shared
memory: the child writes them once, the parent maps them, writable, without a copy.
"""

from __future__ import annotations

import fcntl
import math
import mmap
import os
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np

from appliance.core.files import unreadable
from appliance.errors import InvalidInput
from appliance.foreign.channel import BrokenChannel, Message, close_all, receive, send
from appliance.foreign.limits import Limits
from appliance.foreign.sink import Array
from appliance.foreign.start import Nursery, start_child

_SEALS: Final = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
_KINDS: Final = "iufb"
_DAMAGED: Final = "The file is damaged or not what its name says: export it again from its source."
_MIB: Final = 1 << 20


@dataclass(frozen=True)
class Parsed:
    """What a parser found.

    Attributes
    ----------
    summary : what the parser returned
    arrays : writable, by name of their column
    gaps : what this machine could not enforce on the child, in words; normally empty
    """

    summary: dict[str, Any]
    arrays: dict[str, Array]
    gaps: tuple[str, ...] = ()


class Job(Protocol):
    """A running child: the socket that it answers on, and its life."""

    end: socket.socket

    def kill(self) -> None: ...

    def wait(self) -> int: ...


def run_parser(
    parser: str,
    path: Path,
    options: Mapping[str, Any] | None = None,
    *,
    limits: Limits | None = None,
    progress: Callable[[float], None] | None = None,
) -> Parsed:
    """Run ``parser`` on the file in a child process of its own.

    Parameters
    ----------
    parser : ``package.module:function``; the function takes (path, options, sink) and returns a summary
    options : what JSON can carry
    limits : those for the size of the file where none are given
    progress : receives the fraction done, 0 to 1; what it raises ends the child and is passed on

    Raises
    ------
    InvalidInput : what the parser raised, or ``foreign.crashed``, ``.deadline``, ``.memory``, ``.cpu``,
        ``.broken``
    """
    job = _message(parser, path, options, limits)
    with tempfile.TemporaryDirectory(prefix="d2r-reader-") as folder, start_child(Path(folder)) as child:
        send(child.end, job)
        return _take_over(child, Limits(**job["limits"]), progress)


def run_in_nursery(
    nursery: Nursery,
    parser: str,
    path: Path,
    options: Mapping[str, Any] | None = None,
    *,
    limits: Limits | None = None,
    progress: Callable[[float], None] | None = None,
) -> Parsed:
    """As ``run_parser``, in a child that the nursery forks: milliseconds instead of an interpreter's start."""
    job = _message(parser, path, options, limits)
    with nursery.fork(job) as child:
        return _take_over(child, Limits(**job["limits"]), progress)


def _message(parser: str, path: Path, options: Mapping[str, Any] | None, limits: Limits | None) -> Message:
    try:
        with path.open("rb"):
            bounds = limits or Limits.for_file(path)
    except OSError as error:
        raise unreadable(path, error) from error
    return {
        "parser": parser,
        "path": str(path.absolute()),
        "options": dict(options or {}),
        "limits": asdict(bounds),
    }


def _take_over(job: Job, limits: Limits, progress: Callable[[float], None] | None) -> Parsed:
    """Wait for the result of a child, its end or its deadline."""
    deadline = time.monotonic() + limits.wall_seconds
    try:
        answer = _answer(job, deadline, progress)
    except TimeoutError:
        job.kill()
        reason = f"The reader did not finish within {limits.wall_seconds:.0f} s and was stopped."
        raise InvalidInput("foreign.deadline", reason, _DAMAGED) from None
    except BrokenChannel:
        answer = None
    finally:
        job.kill()
        status = job.wait()
    if answer is None:
        raise _ended(status, limits)
    return _parsed(answer, limits)


def _answer(job: Job, deadline: float, progress: Callable[[float], None] | None) -> tuple[Message, list[int]] | None:
    """The result or the error that the child sent; None where it ended without either."""
    while True:
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        job.end.settimeout(remaining)
        received = receive(job.end)
        if received is None or "progress" not in received[0]:
            return received
        close_all(received[1])
        fraction = received[0]["progress"]
        if progress and isinstance(fraction, int | float):
            progress(min(max(float(fraction), 0.0), 1.0))


def _parsed(answer: tuple[Message, list[int]], limits: Limits) -> Parsed:
    """The result with its arrays mapped, or the error raised."""
    message, descriptors = answer
    try:
        if "error" in message:
            raise _refusal(message["error"], limits)
        result = message["result"]
        named = zip(result["arrays"], descriptors, strict=True)
        arrays = {str(name): _mapped(descriptor, dtype, shape) for (name, dtype, shape), descriptor in named}
        return Parsed(dict(result["summary"]), arrays, tuple(map(str, result["gaps"])))
    except (KeyError, TypeError, ValueError, OSError) as error:
        raise InvalidInput("foreign.crashed", "The reader answered with nonsense.", _DAMAGED) from error
    finally:
        close_all(descriptors)


def _mapped(descriptor: int, dtype_name: str, shape: list[int]) -> Array:
    """The array in a file in memory, once nobody can shrink it under us."""
    dtype = np.dtype(dtype_name)
    length = dtype.itemsize * math.prod(shape)
    if dtype.kind not in _KINDS or min(shape) < 0 or os.fstat(descriptor).st_size != length:
        raise ValueError("an array that is not what it says")
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)
    if length == 0:
        return np.empty(shape, dtype)
    return np.frombuffer(mmap.mmap(descriptor, length), dtype=dtype).reshape(shape)


def _refusal(error: Mapping[str, str], limits: Limits) -> InvalidInput:
    code, message, hint = str(error["code"]), str(error["message"]), str(error["hint"])
    if code == "foreign.memory":
        return _too_large(limits)
    if code == "foreign.crashed":
        return InvalidInput(code, f"The reader crashed on this file ({message}).", _DAMAGED)
    if code == "foreign.broken":
        return InvalidInput(code, f"The file cannot be read ({message}).", _DAMAGED)
    return InvalidInput(code, message, hint)


def _too_large(limits: Limits) -> InvalidInput:
    room = limits.memory_bytes // _MIB
    return InvalidInput("foreign.memory", f"Reading the file would take more than {room} MiB of memory.", _DAMAGED)


def _ended(status: int, limits: Limits) -> InvalidInput:
    """The error for a child that ended without an answer."""
    if status == -signal.SIGXCPU:
        reason = f"Reading the file took more than {limits.cpu_seconds} s of processor time."
        return InvalidInput("foreign.cpu", reason, _DAMAGED)
    if status == -signal.SIGXFSZ:
        return _too_large(limits)
    how = signal.Signals(-status).name if -status in signal.valid_signals() else f"status {status}"
    return InvalidInput("foreign.crashed", f"The reader crashed on this file ({how}).", _DAMAGED)
