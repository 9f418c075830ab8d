"""Sealed parts in an open file: written one behind the other, read in any order."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate

from appliance.crypto.aead import Buffer
from appliance.crypto.segments import HEADER_BYTES, SEGMENT_BYTES, Part, PartOpener, PartSealer
from appliance.errors import Modified
from appliance.objects.filesystem import storage_error


class PartWriter:
    """Writes one sealed part into ``descriptor`` from place ``at`` on; used by one thread at a time.

    A segment is sealed when it is known whether more follows, so that a block must not change after it was
    given.  Nothing is synced here.
    """

    def __init__(self, descriptor: int, data_key: bytes, at: int) -> None:
        self._descriptor = descriptor
        self._sealer = PartSealer(data_key)
        self._place = at
        self._held: Buffer = b""
        self._plain_bytes = 0
        self._put(self._sealer.header)

    def write(self, block: Buffer) -> None:
        """Append plain bytes; blocks of exactly one segment are never copied."""
        self._plain_bytes += len(block)
        if len(self._held) == SEGMENT_BYTES and len(block):
            self._seal_held()
        if not self._held and len(block) <= SEGMENT_BYTES:
            self._held = block
            return
        gathered = memoryview(bytes(self._held) + bytes(block))
        while len(gathered) > SEGMENT_BYTES:
            self._put(self._sealer.seal(gathered[:SEGMENT_BYTES]))
            gathered = gathered[SEGMENT_BYTES:]
        self._held = bytes(gathered)

    def close(self) -> Part:
        """Seal the last segment; returns what must be kept to read the part."""
        self._put(self._sealer.seal(self._held, last=True))
        return Part(self._sealer.salt, self._plain_bytes)

    def _seal_held(self) -> None:
        self._put(self._sealer.seal(self._held))
        self._held = b""

    def _put(self, data: Buffer) -> None:
        self._place += write_at(self._descriptor, data, self._place)


class PartsReader:
    """The plain bytes of a row of sealed parts that begin at place 0 of a file.

    Every segment is authenticated before any of its bytes is returned.
    """

    def __init__(self, descriptor: int, data_key: bytes, parts: Sequence[Part]) -> None:
        self._descriptor = descriptor
        self._data_key = data_key
        self._parts = parts
        self._plain_starts = [0, *accumulate(part.plain_bytes for part in parts)]
        self._sealed_starts = [0, *accumulate(part.sealed_bytes for part in parts)]
        self._opened: tuple[int, PartOpener] | None = None
        self._last: tuple[int, int, bytes] | None = None

    @property
    def plain_bytes(self) -> int:
        """Length of the whole."""
        return self._plain_starts[-1]

    def blocks(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The bytes ``start`` to ``stop`` as blocks of up to 1 MiB.

        Raises
        ------
        Modified : a segment on the way was changed
        """
        stop = self.plain_bytes if stop is None else min(stop, self.plain_bytes)
        while start < stop:
            number = bisect_right(self._plain_starts, start) - 1
            index, skip = divmod(start - self._plain_starts[number], SEGMENT_BYTES)
            block = self._segment(number, index)[skip : skip + stop - start]
            yield block
            start += len(block)

    def _segment(self, number: int, index: int) -> bytes:
        if self._last and self._last[:2] == (number, index):
            return self._last[2]
        opener = self._opener(number)
        offset, length = opener.place(index)
        plain = opener.open(index, read_at(self._descriptor, length, self._sealed_starts[number] + offset))
        self._last = (number, index, plain)
        return plain

    def _opener(self, number: int) -> PartOpener:
        if self._opened and self._opened[0] == number:
            return self._opened[1]
        part = self._parts[number]
        if read_at(self._descriptor, HEADER_BYTES, self._sealed_starts[number]) != part.header:
            raise Modified("sealed.part", "A part of a sealed file is not the one that belongs there.")
        self._opened = (number, PartOpener(self._data_key, part))
        return self._opened[1]


def read_at(descriptor: int, length: int, place: int) -> bytes:
    """Up to ``length`` bytes from ``place``; fewer at the end of the file."""
    try:
        data = os.pread(descriptor, length, place)
        while len(data) < length and (more := os.pread(descriptor, length - len(data), place + len(data))):
            data += more
    except OSError as error:
        raise storage_error(error) from error
    return data


def write_at(descriptor: int, data: Buffer, place: int) -> int:
    """Write all of ``data`` at ``place``; returns its length.

    Raises
    ------
    Unavailable : the disk is full or broken
    """
    rest = memoryview(data)
    try:
        while len(rest):
            written = os.pwrite(descriptor, rest, place)
            rest, place = rest[written:], place + written
    except OSError as error:
        raise storage_error(error) from error
    return len(data)
