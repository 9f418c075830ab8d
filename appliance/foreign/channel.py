"""Messages between the appliance and a child that parses: JSON records, with open files beside them.

One record is one packet.  What may be long (a summary with thousands of names) travels as a file in
memory, whose descriptor the packet carries.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Sequence
from typing import Any, Final

_PACKET_BYTES: Final = 1 << 16
_DESCRIPTORS: Final = 64
#: A summary beyond this is not one.
_LONG_BYTES: Final = 64 << 20

Message = dict[str, Any]


class BrokenChannel(Exception):
    """The other side sent what is not a message of this protocol."""


def pair() -> tuple[socket.socket, socket.socket]:
    """Two ends of a channel that keeps the bounds of records."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def send(end: socket.socket, message: Message, descriptors: Sequence[int] = ()) -> None:
    """Send one record, through a file in memory where it is long."""
    packet = json.dumps(message).encode()
    if len(packet) <= _PACKET_BYTES // 2:
        socket.send_fds(end, [packet], list(descriptors))
        return
    long = os.memfd_create("message", os.MFD_CLOEXEC)
    with os.fdopen(long, "wb") as file:
        file.write(packet)
        file.flush()
        socket.send_fds(end, [b"long"], [*descriptors, long])


def receive(end: socket.socket) -> tuple[Message, list[int]] | None:
    """The next record and its open files, which the caller closes; None where the other side has ended.

    Raises
    ------
    BrokenChannel : the record is none
    TimeoutError : nothing came within the time-out of the socket
    """
    try:
        packet, descriptors, flags, _ = socket.recv_fds(end, _PACKET_BYTES, _DESCRIPTORS)
    except ConnectionError:
        return None
    if not packet:
        close_all(descriptors)
        return None
    try:
        if flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC):
            raise BrokenChannel("a record was cut")
        if packet == b"long":
            packet = _long_packet(descriptors)
        message = json.loads(packet)
        if not isinstance(message, dict):
            raise BrokenChannel("a record is not an object")
    except (ValueError, RecursionError, OSError) as error:
        close_all(descriptors)
        raise BrokenChannel("a record cannot be read") from error
    except BrokenChannel:
        close_all(descriptors)
        raise
    return message, descriptors


def close_all(descriptors: Sequence[int]) -> None:
    """Close open files that nobody needs any more."""
    for descriptor in descriptors:
        os.close(descriptor)


def _long_packet(descriptors: list[int]) -> bytes:
    if not descriptors:
        raise BrokenChannel("a long record without its file")
    long = descriptors.pop()
    with os.fdopen(long, "rb") as file:
        if os.fstat(long).st_size > _LONG_BYTES:
            raise BrokenChannel("a record is too long")
        file.seek(0)
        return file.read(_LONG_BYTES)
