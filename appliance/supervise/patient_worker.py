"""A gunicorn worker whose threads wait for nobody: a request gets one when its head is there.

gunicorn's own gives a thread to every connection at its first byte and reads the head in it, however slowly it comes:
as many half heads as there are threads keep everybody else out for ever.  Here the head stays with the system until it
is complete (``MSG_PEEK``), and the system is told to speak up only when there is more than was seen (``SO_RCVLOWAT``).
A head that is not complete after ``HEAD_S`` ends its connection.

Not kept out: a head that is longer than what the system buffers for a connection before anybody reads (64 KiB and more,
as the longest manifests are) goes to a thread as soon as it stops growing, complete or not.
"""

from __future__ import annotations

import socket
import time
from typing import Any, Final

from gunicorn.http import errors
from gunicorn.util import write_nonblock
from gunicorn.workers.gthread import _DEFER, ThreadWorker

from appliance.supervise.refused_head import refusal

#: Seconds from the first byte of a head to its last; a head with a manifest of 64 KiB takes as many at 6 kB/s.
HEAD_S: Final = 10.0
#: A longer head ends its connection: four times what the longest manifest takes.
_MOST_BYTES: Final = 256 << 10
_END: Final = b"\r\n\r\n"
#: Heads that are refused with another status than 400.
_STATUS: Final[dict[type[Exception], int]] = {
    errors.LimitRequestLine: 414, errors.ExpectationFailed: 417, errors.LimitRequestHeaders: 431,
    errors.UnsupportedTransferCoding: 501,
}  # fmt: skip
#: Faults of the server's own among the errors of heads.
_OWN: Final = (errors.ConfigurationProblem, errors.InvalidResponseHeader, errors.InvalidResponseHeaderName)


class _Head:
    """How much of a head was there when somebody looked, and since when."""

    def __init__(self) -> None:
        self.since = time.monotonic()
        self.seen = 0

    @property
    def is_hopeless(self) -> bool:
        return self.seen >= _MOST_BYTES or time.monotonic() - self.since >= HEAD_S


class PatientWorker(ThreadWorker):  # type: ignore[misc]
    """``gthread`` with heads that are awaited outside its threads; ``_DEFER`` is its word for putting one back."""

    def handle(self, conn: Any) -> Any:
        """Handle the request of a connection, or put it back until its head is there."""
        head = conn.__dict__.setdefault("d2r_head", _Head())
        if not _is_complete(conn, head):
            return False if head.is_hopeless else _DEFER
        del conn.d2r_head
        conn.data_ready = True
        return super().handle(conn)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        """Refuse a head that is none with a problem document; other errors are as ever."""
        if not isinstance(exc, errors.ParseException) or isinstance(exc, _OWN):
            super().handle_error(req, client, addr, exc)
            return
        status = _STATUS.get(type(exc), 400)
        self.log.warning("request.head: %s refused with %d: %s", addr[0] if addr else "a socket", status, exc)
        try:
            write_nonblock(client, refusal(status))
        except OSError:  # whoever sent it is gone
            self.log.debug("request.head: the answer could not be sent")


def _is_complete(conn: Any, head: _Head) -> bool:
    """Whether a thread can go on with the connection: its head is there, or will never be."""
    if conn.initialized and conn.parser.unreader.buf.tell():
        return True  # the next head, or its beginning, came with the last request's body
    try:
        block = conn.sock.recv(_MOST_BYTES, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True
    # Empty lines before a head are none of its end; what did not grow although the system spoke up has ended.
    is_complete = _END in block.lstrip(b"\r\n") or len(block) <= head.seen
    head.seen = len(block)
    conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1 if is_complete else head.seen + 1)
    return is_complete
