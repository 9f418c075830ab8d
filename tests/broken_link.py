"""A link that breaks: a TCP proxy that cuts each of its first connections after so many bytes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def broken_link(port: int, cut_after: list[int]) -> Iterator[int]:
    """Forward to ``port``; a connection that carries more than ``cut_after[n]`` bytes, the first of them, is reset.

    A connection takes the next limit when it exceeds it, so that short requests do not use the limits up.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    limits, lock = list(cut_after), threading.Lock()

    def exceeded(carried: int) -> bool:
        with lock:
            if limits and carried > limits[0]:
                limits.pop(0)
                return True
        return False

    def carry(source: socket.socket, target: socket.socket, counted: bool) -> None:
        carried = 0
        with suppress(OSError):
            while data := source.recv(1 << 16):
                carried += len(data)
                target.sendall(data)
                if counted and exceeded(carried):
                    break
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(("127.0.0.1", port))
                for ends in ((client, server, True), (server, client, False)):
                    threading.Thread(target=carry, args=ends, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()
