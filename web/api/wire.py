"""The rest of a request's body straight from its connection, without the copies that the server makes on the way.

gunicorn hands a body out through four buffers; at a gigabyte that is a third of what receiving costs.  Its reader
knows how many bytes are left and which of them it holds already: those are taken first, then the system fills whole
blocks.  The reader is told how far it went, so that the server ends the request as ever.  Where the server is another
one, or the connection is encrypted by it, there is no ``Wire``, and the body is read in the usual way.
"""

from __future__ import annotations

import socket
import struct
from typing import Any, Final

#: ``struct timeval``.
_TIMEVAL: Final = struct.Struct("ll")
_FOR_EVER: Final = _TIMEVAL.pack(0, 0)


class Wire:
    """A body of known length on a plain TCP connection of gunicorn's."""

    def __init__(self, reader: Any, connection: socket.socket, stall_s: float) -> None:
        self._reader = reader
        self._connection = connection
        held: bytes = reader.unreader.take_buffered()
        self._held = held[: reader.length]
        if surplus := held[reader.length :]:
            reader.unreader.unread(surplus)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _TIMEVAL.pack(int(stall_s), 0))

    @classmethod
    def of(cls, environ: dict[str, Any], stall_s: float) -> Wire | None:
        """The wire of the current request; None where the body has to be read in the usual way."""
        body = environ["wsgi.input"]
        reader = getattr(body, "reader", None)
        unreader = getattr(reader, "unreader", None)
        connection = getattr(unreader, "sock", None)
        known = hasattr(unreader, "take_buffered") and isinstance(getattr(reader, "length", None), int)
        untouched = known and not body.buf.tell()
        if not untouched or type(connection) is not socket.socket or connection.gettimeout() is not None:
            return None
        return cls(reader, connection, stall_s)

    def read(self, size: int) -> bytes:
        """``size`` bytes, fewer where the body or the connection ends or stands still before.

        Raises
        ------
        OSError : the connection broke or stood still, and nothing came
        """
        wanted = min(size, self._reader.length)
        if self._held:
            block, self._held = self._held[:wanted], self._held[wanted:]
        else:
            block = self._connection.recv(wanted, socket.MSG_WAITALL) if wanted else b""
        self._reader.length -= len(block)
        return block

    def release(self) -> None:
        """Give the connection back as it was."""
        if self._held:
            self._reader.unreader.unread(self._held)
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _FOR_EVER)
