"""Compiled kernels: one decorator, one cache, threads of our own.

Kernels are numba functions that release the interpreter lock and run on a thread pool of ours
(numba's ``parallel=True`` starts GNU OpenMP, which does not survive the fork of a job's
work-horse).  Their machine code is cached in the folder of ``kernel_cache``.

Work is cut into chunks of a fixed size, whatever the number of threads, and partial results are
combined in the order of the chunks: the same input gives the same bits on one core and on many.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import ContextVar, copy_context
from functools import cache
from itertools import islice
from typing import Any, Final, ParamSpec, TypeVar, cast

from appliance.core.kernel_cache import use_cache_folder

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

#: Points in one chunk of work: large enough to hide the cost of a task, small enough to balance.
CHUNK_POINTS: Final = 65_536

use_cache_folder()

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
    with suppress(OSError):  # where a container forbids it, patient threads are threads like any other
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


def in_order(work: Callable[[T], R], items: Iterable[T], *, threads: int = 1, ahead: int = 1) -> Iterator[R]:
    """``work`` of each item, in the order of the items, on threads of its own; so many are begun before they are taken.

    While the caller uses an outcome the next comes to be.  One ahead on one thread needs two buffers that take turns.
    The threads wait for none of the kernels': an item that is one chunk runs where it is.
    """
    left = iter(items)
    with ThreadPoolExecutor(threads) as pool:
        coming = deque(pool.submit(work, item) for item in islice(left, ahead))
        while coming:
            done = coming.popleft().result()
            coming.extend(pool.submit(work, item) for item in islice(left, 1))
            yield done
