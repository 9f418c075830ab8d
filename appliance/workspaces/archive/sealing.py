"""The file of an archive: sealed to the holder of one key, written and read from front to back.

    b"d2r-workspace-archive/1\\n" || sealed key (80 bytes) || sealed part

The sealed key opens with the private half of an ``ArchiveKey``; the part is sealed under a key derived from it, in
segments of 1 MiB that cannot be cut, swapped or appended to (``crypto.segments``).  It says nothing about who wrote it:
anybody can seal to a public key.  That is what the signed statement inside is for (``statement``).
"""

from __future__ import annotations

import os
from typing import BinaryIO, Final, Protocol

from appliance.crypto import aead
from appliance.crypto.aead import Buffer
from appliance.crypto.archive_key import ArchiveKey, ArchiveLock
from appliance.crypto.segments import HEADER_BYTES, SEALED_SEGMENT_BYTES, SEGMENT_BYTES, Part, PartOpener, PartSealer
from appliance.errors import InvalidInput, Modified

MAGIC: Final = b"d2r-workspace-archive/1\n"
_SEALED_KEY_BYTES: Final = 32 + 32 + 16  # ephemeral public key, key, tag
_START: Final = len(MAGIC) + _SEALED_KEY_BYTES
_PURPOSE: Final = b"d2r/workspace-archive/1"


class Sink(Protocol):
    """Where bytes go, in order."""

    def write(self, data: bytes, /) -> object:
        """Append ``data``."""


class SealedSink:
    """Seals what is written and hands it on; ``close`` makes it whole, and without that it is cut."""

    def __init__(self, sink: Sink, lock: ArchiveLock) -> None:
        key = aead.new_key()
        self._sink = sink
        self._sealer = PartSealer(_derived(key))
        self._held = bytearray()
        sink.write(MAGIC + lock.seal(key) + self._sealer.header)

    def write(self, data: Buffer) -> int:
        """Append plain bytes; a segment is sealed when it is known that more follow."""
        self._held += data
        while len(self._held) > SEGMENT_BYTES:
            self._sink.write(bytes(self._sealer.seal(self._held[:SEGMENT_BYTES])))
            del self._held[:SEGMENT_BYTES]
        return len(data)

    def close(self) -> None:
        """Seal the last segment."""
        self._sink.write(bytes(self._sealer.seal(self._held, last=True)))


class SealedSource:
    """The plain bytes of an archive, from front to back; every byte is authenticated before it is returned.

    Raises
    ------
    InvalidInput : the file is no archive
    Denied : the key does not open it
    """

    def __init__(self, file: BinaryIO, key: ArchiveKey) -> None:
        start = file.read(_START)
        if not start.startswith(MAGIC) or len(start) != _START:
            raise InvalidInput("archive.form", "This file is no archive of a workspace.")
        opened = _derived(key.open(start[len(MAGIC) :]))
        length = os.fstat(file.fileno()).st_size - _START
        self._file, self._opener = file, PartOpener(opened, _part(file.read(HEADER_BYTES), length))
        self._next, self._held = 0, b""

    def read(self, size: int) -> bytes:
        """The next ``size`` bytes, fewer at the end.

        Raises
        ------
        Modified : the file was cut or changed
        """
        found = bytearray()
        while len(found) < size and (self._held or self._next < self._opener.part.segments):
            if not self._held:
                _, length = self._opener.place(self._next)
                self._held = self._opener.open(self._next, self._file.read(length))
                self._next += 1
                if not self._held:
                    break
            taken = self._held[: size - len(found)]
            found += taken
            self._held = self._held[len(taken) :]
        return bytes(found)

    def close(self) -> None:
        """Nothing: the file belongs to the caller."""


def _part(header: bytes, length: int) -> Part:
    """The sealed part, by its length: how much it holds follows from that."""
    sealed = length - HEADER_BYTES
    segments = max(1, -(-sealed // SEALED_SEGMENT_BYTES))
    plain = sealed - segments * aead.TAG_BYTES
    part = Part(header[1:], max(0, plain))
    if plain < 0 or header != part.header or part.sealed_bytes != length:
        raise Modified("archive.cut", "The archive was cut.")
    return part


def _derived(key: bytes) -> bytes:
    return aead.derive(key, b"", _PURPOSE)
