"""Start children that parse: one interpreter for one file, or a nursery that forks them by the thousand."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import appliance
from appliance.core.kernel_cache import use_cache_folder
from appliance.foreign.channel import BrokenChannel, close_all, pair, receive, send

_ROOT: Final = str(Path(appliance.__file__).resolve().parent.parent)
#: ``-I`` keeps the working folder and the user's environment out of the child's search path.
_ONCE: Final = (
    "import sys; sys.path.insert(0, sys.argv[1]); from appliance.foreign.child import run_once; "
    "run_once(int(sys.argv[2]))"
)
_SERVER: Final = (
    "import sys; sys.path.insert(0, sys.argv[1]); from appliance.foreign.child import run_server; "
    "run_server(int(sys.argv[2]), sys.argv[3:])"
)
#: What a child may see of the environment; keys and passwords of the appliance stay outside.
_PASSED: Final = ("PATH", "LANG", "LC_ALL", "TZ", "NUMBA_CACHE_DIR", "D2R_KERNEL_CACHE", "LD_LIBRARY_PATH")


@dataclass
class Child:
    """A process of its own for one job."""

    end: socket.socket
    process: subprocess.Popen[bytes]

    def kill(self) -> None:
        self.process.kill()

    def wait(self) -> int:
        return self.process.wait()


@contextmanager
def start_child(folder: Path) -> Iterator[Child]:
    """A child for one job, which works in ``folder``; it is dead when the block ends."""
    end, process = _start(_ONCE, [], folder)
    with end:
        child = Child(end, process)
        try:
            yield child
        finally:
            child.kill()
            child.wait()


def _start(program: str, arguments: Sequence[str], folder: Path) -> tuple[socket.socket, subprocess.Popen[bytes]]:
    ours, theirs = pair()
    use_cache_folder()
    environment = {name: os.environ[name] for name in _PASSED if name in os.environ}
    # One thread for linear algebra and few arenas: both reserve address space by the core.
    environment |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
    environment |= {"TMPDIR": str(folder), "HOME": str(folder)}
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-I", "-c", program, _ROOT, str(theirs.fileno()), *arguments],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env=environment,
            start_new_session=True,
        )
    return ours, process


@dataclass
class Forked:
    """A process that a nursery forked for one job."""

    end: socket.socket
    nursery: socket.socket
    process: int = field(default=0)

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.process, signal.SIGKILL)

    def wait(self) -> int:
        received = receive(self.nursery)
        if received is None:
            return -int(signal.SIGKILL)
        close_all(received[1])
        return int(received[0]["status"])


class Nursery:
    """A process that has imported the parsers and forks a child for every job: for batches and for fuzzing.

    Parameters
    ----------
    entries : modules imported before the first fork, or ``module:function`` to call
    """

    def __init__(self, entries: Sequence[str]) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="d2r-reader-")
        self._server, self._process = _start(_SERVER, entries, Path(self._folder.name))

    def __enter__(self) -> Nursery:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()
        self._process.wait()
        self._folder.cleanup()

    @contextmanager
    def fork(self, message: dict[str, object]) -> Iterator[Forked]:
        """A child that has been given its job; it is dead when the block ends."""
        ours, theirs = pair()
        with ours:
            with theirs:
                send(self._server, message, [theirs.fileno()])
            received = receive(self._server)
            if received is None:
                raise BrokenChannel("the nursery has ended")
            yield Forked(ours, self._server, int(received[0]["process"]))
