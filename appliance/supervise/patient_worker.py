"""A gunicorn worker whose threads wait for no stranger: a request gets one when it is there.

gunicorn's own gives a thread to every connection at its first byte, reads the head in it however slowly it comes, and
lets the loop that accepts everybody wait for clients that do not close.  As many slow clients as there are threads, or
one that stays, keep everybody else out.  Here

- the loop gathers heads and small bodies without waiting for any (``arrivals``), and gives up what takes too long;
- a request that is there wholly gets one of the ``threads`` of the server; a request whose body comes while it is read,
  or which asks for a file, gets one of others, so that nothing long stands before a small question;
- a body that nobody reads, of a request that was refused, is not waited for, and who has not taken the last answer gets
  no other;
- when all places are taken, the one who is longest without a request makes room;
- the loop waits for no farewell.

The connection is plain: where there is TLS, a proxy ends it.  This rests on names of gunicorn's that it does not
promise; its version is pinned, and ``tests/web/test_slow_clients.py`` holds the behaviour.
"""

from __future__ import annotations

import errno
import fcntl
import selectors
import socket
import struct
import termios
import time
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from http import HTTPStatus
from typing import Any, Final

from gunicorn.workers.gthread import ThreadWorker

from appliance.supervise.arrivals import OPEN_REQUESTS, Arrival, State
from appliance.supervise.refusals import judged, refusal

#: Seconds from the first sign of a connection to the end of its head; one of 64 KiB takes as many at 6 kB/s.
HEAD_S: Final = 10.0
#: The same to the end of a small body.
REQUEST_S: Final = 20.0
#: What all requests on their way in hold together.
_HELD_BYTES: Final = 64 << 20
_BLOCK_BYTES: Final = 64 << 10
#: A client gets this long to close, after the server has, and this much of what it still sends is thrown away.
_LEAVE_S: Final = 2.0
_LEAVE_BYTES: Final = 64 << 10
#: A body that was not read may end the request if this is all it takes.
_REST_S: Final = 0.05
#: A connection that brings a thread nothing, or takes nothing from it, for this long is lost.
_STALL_S: Final = 60
#: How often connections are looked through for those that take too long.
_SWEEP_S: Final = 0.25
_NO_ROOM: Final = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_TIMEVAL: Final = struct.Struct("ll")


class PatientWorker(ThreadWorker):  # type: ignore[misc]
    """``gthread``, with requests that are awaited outside its threads."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        #: Connections whose request is on its way, and since when, the oldest first.
        self._arriving: dict[Any, tuple[Arrival, float]] = {}
        #: Connections that were ended here and not yet there: until when, and how much more is heard.
        self._leaving: dict[Any, tuple[float, int]] = {}
        self._held_bytes = 0
        self._swept_at = 0.0

    def init_process(self) -> None:
        """Make the second pool, in the process that uses it, and serve."""
        self._open_pool = ThreadPoolExecutor(OPEN_REQUESTS, thread_name_prefix="d2r-open")
        super().init_process()

    def accept(self, listener: Any) -> None:
        """Take a connection in; where there is no place left, somebody else makes room."""
        if self.nr_conns >= self.worker_connections - 1:
            self._make_room()
        try:
            super().accept(listener)
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise
            self._make_room()

    def enqueue_req(self, conn: Any) -> None:
        """Await the request of a connection; it gets a thread when it is there."""
        ahead = conn.parser.unreader.take_buffered() if conn.initialized else b""
        conn.sock.setblocking(False)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._hear, conn))
        self._arriving[conn] = Arrival(ahead), time.monotonic()
        self._held_bytes += len(ahead)
        self._judge(conn)

    def finish_request(self, conn: Any, done: Future[Any]) -> None:
        """Keep a connection for its next request, or end it without waiting for its client."""
        if not done.cancelled() and done.exception() is None and not done.result():
            self._part_with(conn)
        else:
            super().finish_request(conn, done)

    def murder_pending(self) -> None:
        """End connections whose request takes too long, and those that do not leave."""
        now = time.monotonic()
        if self.alive and now - self._swept_at < _SWEEP_S:
            return
        self._swept_at = now
        for conn, (arrival, since) in list(self._arriving.items()):
            is_idle = not (self.alive or arrival.data)
            if is_idle or now - since >= (REQUEST_S if arrival.has_head else HEAD_S):
                self._drop(conn)
            else:
                self._judge(conn)
        for conn, (until, _) in list(self._leaving.items()):
            if now >= until:
                self._drop(conn)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer what is no request without repeating any of it, here or in the log."""
        status, code = judged(exc)
        if status == HTTPStatus.INTERNAL_SERVER_ERROR:
            self.log.error("a request failed outside of the application", exc_info=exc)
        else:
            self.log.warning("no request from %s: %s", (addr or ("",))[0], code)
        try:
            client.sendall(refusal(status, code))
        except OSError:
            self.log.debug("nobody takes the answer")

    def _hear(self, conn: Any, _: Any) -> None:
        block = _received(conn.sock)
        if block is None:
            return
        arrival = self._arriving[conn][0]
        arrival.add(block)
        self._held_bytes += len(block)
        if not block:
            self._end_early(conn, arrival)
            return
        self._judge(conn)
        while self._held_bytes > _HELD_BYTES:
            self._drop(next(iter(self._arriving)))

    def _judge(self, conn: Any) -> None:
        """Go on with a request as far as it has come."""
        arrival = self._arriving[conn][0]
        if arrival.state in (State.WHOLE, State.OPEN):
            self._quiet(conn)
            if not conn.initialized or _has_taken_all(conn.sock):
                self._hand_over(conn, arrival)
        elif arrival.state is State.TOO_LONG:
            self._drop(conn)

    def _end_early(self, conn: Any, arrival: Arrival) -> None:
        """Nothing more comes: a head is answered nevertheless, less is no request."""
        if arrival.has_head:
            self._hand_over(conn, arrival)
        else:
            self._drop(conn)

    def _hand_over(self, conn: Any, arrival: Arrival) -> None:
        self._forget(conn)
        pool = self._open_pool if arrival.is_long else self.tpool
        future = pool.submit(self._serve, conn, bytes(arrival.data))
        future.add_done_callback(lambda done: self.method_queue.defer(self.finish_request, conn, done))

    def _serve(self, conn: Any, data: bytes) -> Any:
        """Handle a request; runs in a thread."""
        conn.sock.setblocking(True)
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            conn.sock.setsockopt(socket.SOL_SOCKET, option, _TIMEVAL.pack(_STALL_S, 0))
        conn.init()
        conn.parser.unreader.unread(data)
        return self.handle(conn)

    def _keepalive_after(self, conn: Any, keepalive: Any) -> bool:
        """Whether the connection can be used again: what is left of a body is not waited for."""
        return bool(keepalive and conn.parser.finish_body(deadline=time.monotonic() + _REST_S))

    def _part_with(self, conn: Any) -> None:
        """Say that no more comes from here, and let the client read what did (RFC 9112, 9.6)."""
        try:
            conn.sock.setblocking(False)
            conn.sock.shutdown(socket.SHUT_WR)
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._hear_out, conn))
        except (OSError, ValueError, KeyError):
            self.nr_conns -= 1
            conn.close()
        else:
            self._leaving[conn] = time.monotonic() + _LEAVE_S, _LEAVE_BYTES

    def _hear_out(self, conn: Any, _: Any) -> None:
        block = _received(conn.sock)
        if block is None:
            return
        until, more = self._leaving[conn]
        if not block or more <= len(block):
            self._drop(conn)
        else:
            self._leaving[conn] = until, more - len(block)

    def _make_room(self) -> None:
        """End a connection that nobody works on: one that leaves, else the oldest without a request."""
        conn = next(iter(self._leaving), None) or next(iter(self._arriving), None)
        if conn is None and self.keepalived_conns:
            conn = self.keepalived_conns.popleft()
        if conn is not None:
            self._drop(conn)

    def _drop(self, conn: Any) -> None:
        self._forget(conn)
        self.nr_conns -= 1
        conn.close()

    def _forget(self, conn: Any) -> None:
        arrival, _ = self._arriving.pop(conn, (None, 0.0))
        self._held_bytes -= len(arrival.data) if arrival else 0
        self._leaving.pop(conn, None)
        self._quiet(conn)

    def _quiet(self, conn: Any) -> None:
        """Listen to a connection no more; what it sends waits in the system."""
        if conn.sock in self.poller.get_map():
            self.poller.unregister(conn.sock)


def _received(sock: Any) -> bytes | None:
    """What a connection has for us now: None where that is nothing, empty where it has ended."""
    try:
        return bytes(sock.recv(_BLOCK_BYTES))
    except BlockingIOError:
        return None
    except OSError:
        return b""


def _has_taken_all(sock: Any) -> bool:
    """Whether the other side has acknowledged everything that was sent."""
    owed: int = struct.unpack("i", fcntl.ioctl(sock, termios.TIOCOUTQ, b"\0" * 4))[0]
    return owed == 0
