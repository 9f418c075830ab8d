"""Compiled kernels: one decorator, one cache, threads of our own.

Kernels are numba functions that release the interpreter lock and run on a thread pool of ours
(numba's ``parallel=True`` starts GNU OpenMP, which does not survive the fork of a job's
work-horse).  Their machine code is cached in a folder named by the hash of *all* kernel sources,
so a kernel never runs with a stale copy of a function that it calls from another file.

Work is cut into chunks of a fixed size, whatever the number of threads, and partial results are
combined in the order of the chunks: the same input gives the same bits on one core and on many.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar, cast

P = ParamSpec("P")
R = TypeVar("R")

_PACKAGE: Final = Path(__file__).resolve().parent.parent
#: What marks a source file that holds compiled code.
_KERNEL_MARKS: Final = (b"\n@kernel", b"\n@inline_kernel", b"kernel(")

#: Points in one chunk of work: large enough to hide the cost of a task, small enough to balance.
CHUNK_POINTS: Final = 65_536


def kernel_sources_sha256() -> str:
    """Hash over every source file that holds compiled code, in the order of their names."""
    digest = sha256()
    for path in sorted(_PACKAGE.rglob("*.py")):
        source = path.read_bytes()
        if any(mark in source for mark in _KERNEL_MARKS):
            digest.update(path.relative_to(_PACKAGE).as_posix().encode() + b"\0" + source + b"\0")
    return digest.hexdigest()


def cache_folder() -> Path:
    """The folder that holds the compiled kernels of this engine."""
    return Path(os.environ["NUMBA_CACHE_DIR"])


def _use_cache_folder() -> None:
    """Point numba at a writable folder of this engine, before numba is imported.

    A ``NUMBA_CACHE_DIR`` that is already set is left alone: whoever sets it answers for its age.
    Else the first writable one of: ``D2R_KERNEL_CACHE``, the installation's own folder, the user's
    cache, a temporary folder.  A folder that cannot be written is copied from where it is full.
    """
    if os.environ.get("NUMBA_CACHE_DIR"):
        return
    name = kernel_sources_sha256()[:16]
    installed = os.path.join(sys.prefix, "var", "cache", "d2r", "kernels", name)
    user = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    temporary = os.path.join(tempfile.gettempdir(), f"d2r-kernels-{os.getuid()}")
    chosen = os.environ.get("D2R_KERNEL_CACHE")
    roots = [chosen] if chosen else []
    roots += [os.path.dirname(installed), os.path.join(user, "d2r", "kernels"), temporary]
    for root in roots:
        folder = os.path.join(root, name)
        if _is_usable(folder, installed):
            os.environ["NUMBA_CACHE_DIR"] = folder
            return


def _is_usable(folder: str, full: str) -> bool:
    """Whether ``folder`` is ours alone to write; a new one starts as a copy of ``full``, if that is there.

    Machine code is run from here, so a folder that others own or may write is not used.
    """
    try:
        if not os.path.isdir(folder):
            os.makedirs(os.path.dirname(folder), mode=0o755, exist_ok=True)
            if os.path.isdir(full):
                shutil.copytree(full, folder, dirs_exist_ok=True)
            os.makedirs(folder, mode=0o755, exist_ok=True)
        status = os.stat(folder)
    except OSError:
        return False
    return status.st_uid in (0, os.getuid()) and not status.st_mode & 0o022 and os.access(folder, os.W_OK)


_use_cache_folder()

import numba  # noqa: E402  (the cache folder must be known first)


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile ``function`` strictly (no fast-math, IEEE order of operations), cached, without the lock."""
    compiled = numba.njit(cache=True, nogil=True, fastmath=False, error_model="numpy")(function)
    return cast(Callable[P, R], compiled)


def inline_kernel(function: Callable[P, R]) -> Callable[P, R]:
    """As ``kernel``, for small functions that only other kernels call."""
    compiled = numba.njit(nogil=True, fastmath=False, error_model="numpy")(function)
    return cast(Callable[P, R], compiled)


def worker_count() -> int:
    """Threads to use: ``D2R_THREADS`` or the cores that this process may run on."""
    wanted = os.environ.get("D2R_THREADS", "")
    return max(1, int(wanted)) if wanted.isdigit() else len(os.sched_getaffinity(0))


@cache
def _pool(workers: int, process: int, patient: bool) -> ThreadPoolExecutor:
    """A pool of this process (a forked child makes its own: threads do not survive a fork)."""
    name = f"{'patient' if patient else 'kernel'}-{process}"
    return ThreadPoolExecutor(workers, thread_name_prefix=name, initializer=_give_way if patient else None)


#: Whether the chunks of this context run on threads that give way to all others.
_PATIENT: Final = ContextVar("patient", default=False)
#: Of the scale from 0 to 19 by which threads give way: about a tenth of the share of a thread that does not.
_NICENESS: Final = 10


def _give_way() -> None:
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)


@contextmanager
def patiently() -> Iterator[None]:
    """Chunks of the block run on whatever the chunks of everybody else leave of the cores; results are the same.

    For work beside work that is waited for, where the second cannot fill all cores by itself.
    """
    token = _PATIENT.set(True)
    try:
        yield
    finally:
        _PATIENT.reset(token)


def in_context(work: Callable[P, R]) -> Callable[P, R]:
    """``work`` for the threads of another pool, where its chunks run as patiently as those of this thread."""
    context = copy_context()
    return lambda *args, **named: context.copy().run(work, *args, **named)


def over_chunks(
    count: int,
    work: Callable[[int, int], R],
    *,
    chunk: int = CHUNK_POINTS,
    progress: Callable[[float], None] | None = None,
) -> list[R]:
    """Run ``work(start, stop)`` over ``range(count)`` in chunks on all threads.

    Returns
    -------
    The results in the order of the chunks, whatever order they ran in.

    ``progress`` receives the fraction done, 0 to 1, from the calling thread.  The first exception
    of a chunk is raised after running chunks have ended; chunks that have not begun are dropped.
    """
    ranges = [(start, min(start + chunk, count)) for start in range(0, count, chunk)]
    results: list[Any] = [None] * len(ranges)
    workers = worker_count()
    if workers == 1 or len(ranges) <= 1:
        for position, (start, stop) in enumerate(ranges):
            results[position] = work(start, stop)
            if progress:
                progress((position + 1) / len(ranges))
        return results
    futures = [_pool(workers, os.getpid(), _PATIENT.get()).submit(work, start, stop) for start, stop in ranges]
    try:
        for position, future in enumerate(futures):
            results[position] = future.result()
            if progress:
                progress((position + 1) / len(ranges))
    finally:
        for future in futures:
            future.cancel()
    return results


def one_ahead(work: Callable[[int], R], count: int) -> Iterator[R]:
    """``work(0)``, ``work(1)``, ... ``work(count - 1)``, each begun when the one before is taken, in another thread.

    While the caller uses a result, the next one comes to be: with two buffers that take turns none is overwritten.
    """
    if count == 0:
        return
    with ThreadPoolExecutor(1) as beside:
        coming = beside.submit(work, 0)
        for number in range(1, count):
            result = coming.result()
            coming = beside.submit(work, number)
            yield result
        yield coming.result()
