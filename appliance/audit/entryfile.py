"""Where a log without a server keeps its entries: two files that only grow.

``entries.jsonl`` holds one entry a line (canonical JSON has no line breaks).  ``index`` holds 40 bytes for each
entry: the offset behind its line (8 bytes, big-endian) and its leaf hash.  An append writes and syncs the
line first and the index record second; when it returns, both are on the disk.

What a crash can leave, and who cleans it up (``recover``, under the lock, before every use):

* a torn line behind the last indexed one: never acknowledged, cut off;
* whole lines without an index record: adopted, if they continue the chain;
* a torn or zeroed index record: dropped, then as above.

Anything else is no crash.  Lines that the index knows and the file lacks are ``Modified``.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, flock
from pathlib import Path
from typing import Final

from appliance.audit.entry import ENTRY_LIMIT_BYTES, NO_PREVIOUS, Entry, read_entry
from appliance.audit.tree import HASH_BYTES, leaf_hash
from appliance.core.files import sync_folder
from appliance.errors import Modified, NotFound, Unavailable

_OFFSET: Final = struct.Struct(">Q")
_RECORD_BYTES: Final = _OFFSET.size + HASH_BYTES


class EntryFile:
    """The entries of one log in a folder. Use it inside ``locked`` only."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._entries = folder / "entries.jsonl"
        self._index = folder / "index"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Exclude every other process from this log, and clean up what a crash left."""
        descriptor = self._open_lock()
        try:
            flock(descriptor, LOCK_EX)
            self.recover()
            yield
        except OSError as error:
            raise Unavailable("log.storage", f"{self.folder}: {error.strerror}.", "Check space and rights.") from error
        finally:
            os.close(descriptor)

    @property
    def size(self) -> int:
        """The number of entries."""
        return self._index.stat().st_size // _RECORD_BYTES

    def last_leaf_hash(self) -> bytes | None:
        """The leaf hash of the last entry; none in an empty log."""
        size = self.size
        return self._record(size - 1)[1] if size else None

    def append(self, entry: Entry) -> int:
        """Write one entry durably; return its index."""
        index = self.size
        data = entry.after(self.last_leaf_hash())
        end = self._record(index - 1)[0] if index else 0
        _write_durably(self._entries, end, data + b"\n")
        self._write_record(index, end + len(data) + 1, leaf_hash(data))
        return index

    def read(self, index: int) -> bytes:
        """The bytes of one entry.

        Raises
        ------
        NotFound : the log has no such entry
        """
        if not 0 <= index < self.size:
            raise NotFound("log.entry", f"The log has {self.size} entries; there is no entry {index}.")
        start = self._record(index - 1)[0] if index else 0
        with self._entries.open("rb") as file:
            file.seek(start)
            return file.read(self._record(index)[0] - start)[:-1]

    def leaf_hashes(self) -> Iterator[bytes]:
        """The leaf hashes as the index has them."""
        with self._index.open("rb") as file:
            while len(record := file.read(_RECORD_BYTES)) == _RECORD_BYTES:
                yield record[_OFFSET.size :]

    def lines(self) -> Iterator[bytes]:
        """The entries as the file has them, without line breaks."""
        with self._entries.open("rb") as file:
            while line := file.readline(ENTRY_LIMIT_BYTES + 1):
                yield line.removesuffix(b"\n")

    def recover(self) -> None:
        """Bring both files to the state after the last whole append.

        Raises
        ------
        Modified : entries that were acknowledged are gone, or a line does not continue the chain
        """
        self._drop_torn_records()
        size = self.size
        end, last = self._record(size - 1) if size else (0, None)
        length = self._entries.stat().st_size
        if length < end:
            raise Modified("log.truncated", f"The log's file ends inside its {size} acknowledged entries.")
        if length > end:
            self._adopt_lines(size, end, last)

    def _adopt_lines(self, index: int, end: int, last: bytes | None) -> None:
        with self._entries.open("rb") as file:
            file.seek(end)
            while (line := file.readline(ENTRY_LIMIT_BYTES + 1)).endswith(b"\n"):
                data = line[:-1]
                if read_entry(data).prev != (last.hex() if last else NO_PREVIOUS):
                    raise Modified("log.chain", f"Entry {index} does not follow the entry before it.")
                last, end = leaf_hash(data), end + len(line)
                self._write_record(index, end, last)
                index += 1
        _cut(self._entries, end)

    def _drop_torn_records(self) -> None:
        whole = self.size
        while whole and self._record(whole - 1) == (0, bytes(HASH_BYTES)):
            whole -= 1
        if whole * _RECORD_BYTES != self._index.stat().st_size:
            _cut(self._index, whole * _RECORD_BYTES)

    def _record(self, index: int) -> tuple[int, bytes]:
        with self._index.open("rb") as file:
            file.seek(index * _RECORD_BYTES)
            record = file.read(_RECORD_BYTES)
        return _OFFSET.unpack_from(record)[0], record[_OFFSET.size :]

    def _write_record(self, index: int, end: int, leaf: bytes) -> None:
        _write_durably(self._index, index * _RECORD_BYTES, _OFFSET.pack(end) + leaf)

    def _open_lock(self) -> int:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for path in (self._entries, self._index):
                os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
            sync_folder(self.folder)
            return os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Unavailable("log.storage", f"{self.folder}: {error.strerror}.", "Check space and rights.") from error


def _write_durably(path: Path, offset: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _cut(path: Path, length: int) -> None:
    with path.open("r+b") as file:
        file.truncate(length)
        os.fsync(file.fileno())
