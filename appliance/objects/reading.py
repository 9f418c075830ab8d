"""Read a sealed object: its directory first, then any range, every byte authenticated before it is returned."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from typing import BinaryIO

from appliance.crypto.aead import Buffer
from appliance.crypto.segments import SEGMENT_BYTES
from appliance.errors import Modified
from appliance.objects.directory import FOOTER_BYTES, Directory, directory_length, open_directory
from appliance.objects.parts import PartsReader, read_at


class SealedReader:
    """The plain bytes of one object in an open file.

    1. The footer says where the sealed directory lies.
    2. The directory opens under the workspace's key.
    3. Parts, directory and footer fill the file exactly: nothing is cut off, inserted or appended.
    4. Every segment that is read belongs to its part, at its place (``PartsReader``).

    Not checked here: that the object is the one asked for (``ObjectStore.open`` compares its name), and
    the SHA-256 of what was read, which 2 to 4 imply.
    """

    def __init__(self, file: BinaryIO, data_key: bytes) -> None:
        self._file = file
        descriptor = file.fileno()
        size = os.fstat(descriptor).st_size
        # 1. Where the directory lies.
        footer = read_at(descriptor, FOOTER_BYTES, max(0, size - FOOTER_BYTES))
        length = directory_length(footer)
        start = size - FOOTER_BYTES - length
        # 2. It opens.
        self.directory: Directory = open_directory(data_key, read_at(descriptor, length, max(0, start)))
        # 3. It describes the whole file.
        if start != self.directory.sealed_bytes:
            raise Modified("object.length", "A sealed object is shorter or longer than its directory says.")
        # 4. Segments are opened as they are read.
        self._parts = PartsReader(descriptor, data_key, self.directory.parts)

    @property
    def plain_bytes(self) -> int:
        """Length of the object."""
        return self._parts.plain_bytes

    def blocks(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The bytes ``start`` to ``stop`` as blocks of up to 1 MiB."""
        return self._parts.blocks(start, stop)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class SealedStream(io.RawIOBase):
    """A sealed object as a file to read: seekable, binary, not writable."""

    def __init__(self, reader: SealedReader) -> None:
        super().__init__()
        self._reader = reader
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._reader.plain_bytes}[whence]
        self._place = max(0, base + offset)
        return self._place

    def tell(self) -> int:
        return self._place

    def readinto(self, buffer: Buffer) -> int:  # type: ignore[override]
        view = memoryview(buffer).cast("B")
        block = next(self._reader.blocks(self._place, self._place + len(view)), b"")
        view[: len(block)] = block
        self._place += len(block)
        return len(block)

    def close(self) -> None:
        if not self.closed:
            self._reader.close()
        super().close()


def buffered(reader: SealedReader) -> io.BufferedReader:
    """``reader`` as a buffered binary file."""
    return io.BufferedReader(SealedStream(reader), SEGMENT_BYTES)
