"""One thread that does its work in order, a few steps behind its caller: how hashing, sealing and writing overlap.

``hashlib``, AES-GCM and file calls release the interpreter lock, so that the lanes of one stream share the
cores.  What waits in a lane is bounded; the first error of a lane comes out at the caller.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Final

#: Blocks of 1 MiB that may wait in a lane: enough to bridge a slow write, little enough for 16 uploads at once.
DEPTH: Final = 8


class Lane:
    """A thread with a bounded queue; leaving the block waits for it and lets its first error out."""

    def __init__(self, name: str, depth: int = DEPTH) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._waiting: deque[Future[Any]] = deque()
        self._depth = depth

    def submit(self, work: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Append ``work(*arguments)``; waits while the lane is full.

        Raises
        ------
        Whatever earlier work raised.
        """
        while len(self._waiting) >= self._depth or (self._waiting and self._waiting[0].done()):
            self._waiting.popleft().result()
        future = self._pool.submit(work, *arguments)
        self._waiting.append(future)
        return future

    def drain(self) -> None:
        """Wait until everything submitted is done; raises what it raised."""
        while self._waiting:
            self._waiting.popleft().result()

    def __enter__(self) -> Lane:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            for future in self._waiting:
                future.cancel()
        self._pool.shutdown(wait=True)
        if kind is None:
            self.drain()
