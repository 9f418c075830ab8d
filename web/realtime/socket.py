"""One WebSocket on the socket that the HTTP server hands over: RFC 6455 by wsproto, which this module alone imports.

Only the thread that serves the connection uses it.  Whatever is sent goes out whole within ``SEND_S``, or the
connection is lost: a client that does not read holds nobody up and no memory.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Iterable, Mapping
from typing import Any, Final

from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Ping,
    Pong,
    TextMessage,
)
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from appliance.errors import InvalidInput, Unavailable

#: A client takes what is sent within this time, or is given up.
SEND_S: Final = 10.0
_READ_BYTES: Final = 4096
#: Clients have nothing to say here; what they say is thrown away, as long as it is this little.
_CHATTER_BYTES: Final = 16_384
#: Closing codes of RFC 6455, 7.4.1, and of the registry (1013: try again later).
NORMAL: Final = 1000
GOING_AWAY: Final = 1001
POLICY: Final = 1008
TOO_BIG: Final = 1009


class Lost(Exception):
    """The connection is gone, or the client closed it."""


class WebSocket:
    """An accepted connection."""

    def __init__(self, sock: socket.socket, protocol: WSConnection) -> None:
        self._socket = sock
        self._protocol = protocol
        self._heard_bytes = 0
        self.is_answered = True

    @classmethod
    def accept(cls, environ: Mapping[str, Any]) -> WebSocket:
        """Take the connection of a request over.

        Raises
        ------
        InvalidInput : the request does not ask for a WebSocket
        Unavailable : the server does not hand its connections over
        """
        sock = environ.get("gunicorn.socket") or environ.get("werkzeug.socket")
        if sock is None:
            raise Unavailable("live.server", "This server cannot hold WebSockets.", permanent=True)
        protocol = WSConnection(ConnectionType.SERVER)
        try:
            protocol.initiate_upgrade_connection(_headers(environ), environ.get("PATH_INFO", "/"))
            next(iter(protocol.events()))
            head = protocol.send(AcceptConnection())
        except (RemoteProtocolError, LocalProtocolError, StopIteration) as error:
            raise InvalidInput("live.upgrade", "This address speaks WebSocket only.", "Connect with ws://.") from error
        sock.settimeout(SEND_S)
        accepted = cls(sock, protocol)
        accepted._send(head)
        return accepted

    def send_texts(self, texts: Iterable[str]) -> None:
        """Send messages, in one go.

        Raises
        ------
        Lost : the client is gone, or does not read
        """
        self._send(b"".join(self._protocol.send(TextMessage(data=text)) for text in texts))

    def ping(self) -> None:
        """Ask whether the client is there; ``is_answered`` turns true when it says so."""
        self.is_answered = False
        self._send(self._protocol.send(Ping()))

    def wait(self, other: int, timeout_s: float) -> None:
        """Return when ``other`` (a file descriptor) can be read, when the client said something, or after a time.

        Raises
        ------
        Lost : the client closed, is gone, or says what it should not
        """
        poll = select.poll()
        for descriptor in (self._socket.fileno(), other):
            poll.register(descriptor, select.POLLIN)
        if any(descriptor != other for descriptor, _ in poll.poll(1000 * timeout_s)):
            self._hear()

    def close(self, code: int = NORMAL, reason: str = "") -> None:
        """Say goodbye, as far as anybody hears it, and end the connection."""
        try:
            self._send(self._protocol.send(CloseConnection(code, reason)))
            self._socket.shutdown(socket.SHUT_RDWR)
        except (Lost, LocalProtocolError, OSError):
            return

    def _hear(self) -> None:
        try:
            data = self._socket.recv(_READ_BYTES)
            self._protocol.receive_data(data or None)
            for event in self._protocol.events():
                self._handle(event)
        except (OSError, RemoteProtocolError, LocalProtocolError) as error:
            raise Lost from error
        if not data:
            raise Lost

    def _handle(self, event: object) -> None:
        if isinstance(event, Ping):
            self._send(self._protocol.send(event.response()))
        elif isinstance(event, Pong):
            self.is_answered = True
        elif isinstance(event, CloseConnection):
            self._send(self._protocol.send(event.response()))
            raise Lost
        elif isinstance(event, TextMessage | BytesMessage):
            self._heard_bytes += len(event.data)
            if self._heard_bytes > _CHATTER_BYTES:
                self.close(TOO_BIG, "clients have nothing to say here")
                raise Lost

    def _send(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise Lost from error


def _headers(environ: Mapping[str, Any]) -> list[tuple[bytes, bytes]]:
    """The request's headers as they came."""
    return [
        (name[5:].replace("_", "-").lower().encode("latin-1"), str(value).encode("latin-1"))
        for name, value in environ.items()
        if name.startswith("HTTP_")
    ]
