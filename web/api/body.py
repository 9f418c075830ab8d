"""The body of an upload's request: read as it arrives, given up when it stands still.

Errors of the connection end the body; whatever came before them is kept by whoever reads it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from flask import request

from web.api.wire import Wire

#: A connection that brings nothing for this long is given up.
STALL_S: Final = 60.0
#: A connection that brought nothing for this long gives way to another that goes on with the same upload.
GIVES_WAY_S: Final = 2.0
#: An interrupted reader commits what it has within this time, and whoever waits looks in these steps.
SETTLES_S: Final = 5.0
_STEP_S: Final = 0.02
#: Reads that take longer than this are on a slow line, and are made smaller, as the first one is: little is lost
#: when it breaks, and it is seen to be alive.
_SLOW_S: Final = 0.5
_SMALL_BYTES: Final = 64 << 10


class Body:
    """The bytes of the current request.

    ``length`` : how many it announces; None where it does not (chunked)
    """

    def __init__(self, environ: dict[str, Any], length: int | None) -> None:
        self.length = length
        self._environ = environ
        self._read: Callable[[int], bytes] = environ["wsgi.input"].read
        self._socket = environ.get("gunicorn.socket")
        self._rest = length
        self._heard = time.monotonic()
        self._slow = True

    @property
    def idle_s(self) -> float:
        """For how long nothing came."""
        return time.monotonic() - self._heard

    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes; none at the end, and none when the connection broke or stood still."""
        wanted = min(size, _SMALL_BYTES) if self._slow else size
        wanted = wanted if self._rest is None else min(wanted, self._rest)
        if not wanted:
            return b""
        began = time.monotonic()
        try:
            block = self._read(wanted)
        except OSError:
            return b""
        self._heard = time.monotonic()
        self._slow = self._heard - began > _SLOW_S
        if self._rest is not None:
            self._rest -= len(block)
        return block

    def interrupt(self) -> None:
        """End the body now: whoever waits in ``read`` gets nothing."""
        if self._socket is not None:
            try:
                self._socket.shutdown(0)
            except OSError:  # the connection is gone already, which ends the body as well
                return

    @contextmanager
    def patient(self) -> Iterator[Body]:
        """While the block runs, a connection that stands still for ``STALL_S`` ends the body."""
        wire = Wire.of(self._environ, STALL_S) if self.length is not None else None
        if wire is not None:
            self._read = wire.read
            try:
                yield self
            finally:
                wire.release()
        elif self._socket is not None:
            before = self._socket.gettimeout()
            self._socket.settimeout(STALL_S)
            try:
                yield self
            finally:
                self._socket.settimeout(before)
        else:
            yield self


class Bodies:
    """The bodies that are being read, by what they belong to, so that a dead connection can give way to a new one."""

    def __init__(self) -> None:
        self._reading: dict[str, Body] = {}
        self._lock = threading.Lock()

    @contextmanager
    def reading(self, key: str, body: Body) -> Iterator[Callable[[int], bytes]]:
        """What reads ``body``; from its first call on, which its reader makes under a lock, the body is known."""

        def read(size: int) -> bytes:
            with self._lock:
                self._reading[key] = body
            return body.read(size)

        try:
            yield read
        finally:
            with self._lock:
                if self._reading.get(key) is body:
                    del self._reading[key]

    def interrupt_idle(self, key: str) -> bool:
        """End the body that is read for ``key``, if it stands still; returns whether it did."""
        body = self._of(key)
        if body is None or body.idle_s < GIVES_WAY_S:
            return False
        body.interrupt()
        return True

    def settle(self, key: str) -> None:
        """End the body that is read for ``key``, if it stands still, and wait until its reader has put it away."""
        if not self.interrupt_idle(key):
            return
        until = time.monotonic() + SETTLES_S
        while self._of(key) is not None and time.monotonic() < until:
            time.sleep(_STEP_S)

    def _of(self, key: str) -> Body | None:
        with self._lock:
            return self._reading.get(key)


def request_body() -> Body:
    """The body of the current request."""
    chunked = request.environ.get("wsgi.input_terminated") and request.content_length is None
    return Body(request.environ, None if chunked else request.content_length or 0)
