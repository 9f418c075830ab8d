"""The object store of one workspace: bytes go in under no name, and come out under the name of their content.

The name is HMAC-SHA256 over the SHA-256 of the plain bytes, under a key of the workspace: equal bytes are
stored once in a workspace, and names say nothing to who cannot open them, nor are they equal across
workspaces.  Destroying the workspace's data key makes every object unreadable.
"""

from __future__ import annotations

import hmac
import io
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

from appliance.core.files import unreadable
from appliance.crypto import aead
from appliance.crypto.aead import Buffer
from appliance.crypto.segments import SEGMENT_BYTES
from appliance.errors import Modified
from appliance.objects.directory import Directory, seal_directory
from appliance.objects.filesystem import FilesystemStore, storage_error
from appliance.objects.interface import Store
from appliance.objects.lanes import Lane
from appliance.objects.parts import PartWriter, write_at
from appliance.objects.reading import SealedReader, buffered

if TYPE_CHECKING:
    from appliance.tenancy.scope import WorkspaceScope

_NAME_PURPOSE: Final = b"d2r/object-name/1"
#: Beyond this many bytes, hashing and sealing on two threads pays for the threads.
_OVERLAP_FROM_BYTES: Final = 4 * SEGMENT_BYTES


@dataclass(frozen=True)
class StoredObject:
    """What was stored: its name in the store, the SHA-256 of its plain bytes (hex), and their number."""

    name: str
    sha256: str
    size_bytes: int


class ObjectStore:
    """Sealed objects over a store of files."""

    def __init__(self, store: Store, data_key: bytes, *, deferred: bool = False) -> None:
        self._store = store
        self._data_key = data_key
        self._deferred = deferred
        self._name_key = aead.derive(data_key, b"", _NAME_PURPOSE)

    @classmethod
    def of(cls, scope: WorkspaceScope, *, deferred: bool = False) -> ObjectStore:
        """The objects of the scope's workspace; with ``deferred`` nothing is durable before ``settle``."""
        settings, prefix = scope.settings, scope.object_prefix
        folders = settings.objects_folder / prefix, settings.uploads_folder / prefix
        return cls(FilesystemStore(*folders, deferred=deferred), scope.data_key, deferred=deferred)

    def name_of(self, sha256_hex: str) -> str:
        """The name of the object whose plain bytes have this SHA-256."""
        return hmac.digest(self._name_key, bytes.fromhex(sha256_hex), "sha256").hex()

    def put_bytes(self, data: bytes) -> StoredObject:
        """Store ``data``, durably."""
        return self.put_stream((data,))

    def put_file(self, path: Path) -> StoredObject:
        """Store the content of a file, durably."""
        try:
            with path.open("rb", buffering=0) as file:
                return self.put_stream(iter(lambda: file.read(SEGMENT_BYTES), b""))
        except OSError as error:
            raise unreadable(path, error) from error

    def put_stream(self, blocks: Iterable[Buffer]) -> StoredObject:
        """Store what ``blocks`` make up together, durably, in one pass.

        Raises
        ------
        Unavailable : the disk is full or broken; nothing is left behind
        """
        draft = self._store.new_draft()
        try:
            with draft.open("r+b", buffering=0) as file:
                directory = _seal_stream(file.fileno(), self._data_key, blocks)
                finish_draft(file.fileno(), self._data_key, directory, sync=not self._deferred)
            return self.adopt(draft, directory)
        finally:
            draft.unlink(missing_ok=True)

    def adopt(self, draft: Path, directory: Directory) -> StoredObject:
        """Take a finished draft under the name of its content; equal content that is intact stays as it is."""
        stored = StoredObject(self.name_of(directory.sha256.hex()), directory.sha256.hex(), directory.plain_bytes)
        if self._is_intact(stored.name):
            draft.unlink(missing_ok=True)
        else:
            self._store.adopt(draft, stored.name)
        return stored

    def open(self, name: str) -> io.BufferedReader:
        """The object as a seekable binary file.

        Raises
        ------
        NotFound : there is no such object
        Modified : the object under this name is cut, changed, or another one
        """
        return buffered(self._reader(name))

    def read(self, name: str) -> bytes:
        """All bytes of an object."""
        return self.read_range(name, 0, None)

    def read_range(self, name: str, start: int, length: int | None) -> bytes:
        """``length`` bytes from ``start`` on, fewer at the end; as the slice of the whole object would be."""
        reader = self._reader(name)
        try:
            return b"".join(reader.blocks(start, None if length is None else start + length))
        finally:
            reader.close()

    def blocks(self, name: str) -> Iterator[bytes]:
        """The object as blocks of up to 1 MiB."""
        reader = self._reader(name)
        try:
            yield from reader.blocks()
        finally:
            reader.close()

    def copy_to(self, name: str, path: Path) -> None:
        """Write the plain bytes to a new file (0600), whole or not at all: a working copy, which is not synced.

        Raises
        ------
        Unavailable : the file is there already, or the disk is full
        """
        with new_working_file(path) as descriptor, Lane("copy") as lane:
            place = 0
            for block in self.blocks(name):
                lane.submit(write_at, descriptor, block, place)
                place += len(block)

    def check(self, name: str) -> None:
        """Read the whole object and compare its SHA-256 with its name.

        Raises
        ------
        Modified : it is not what was stored
        """
        digest = sha256()
        for block in self.blocks(name):
            digest.update(block)
        if self.name_of(digest.hexdigest()) != name:
            raise Modified("object.content", "An object's content is not what it is named for.")

    def size(self, name: str) -> int:
        """Number of plain bytes."""
        reader = self._reader(name)
        reader.close()
        return reader.plain_bytes

    def settle(self) -> None:
        """Make everything durable that was put into a deferred store.

        Raises
        ------
        Unavailable : the disk is full or broken
        """
        self._store.settle()

    def sha256_of(self, name: str) -> str:
        """SHA-256 of the plain bytes, lower-case hex; raises as ``open`` does."""
        reader = self._reader(name)
        reader.close()
        return reader.directory.sha256.hex()

    def exists(self, name: str) -> bool:
        """Whether there is such an object."""
        return self._store.exists(name)

    def delete(self, name: str) -> None:
        """Remove an object; the caller has proven that no row names it."""
        self._store.delete(name)

    def names(self) -> Iterator[str]:
        """The names of all objects."""
        return self._store.names()

    def _reader(self, name: str) -> SealedReader:
        file = self._store.open(name)
        try:
            reader = SealedReader(file, self._data_key)
            if self.name_of(reader.directory.sha256.hex()) != name:
                raise Modified("object.swapped", "An object stands under the name of another.")
        except BaseException:
            file.close()
            raise
        return reader

    def _is_intact(self, name: str) -> bool:
        """Whether the object is there with all its parts (content that comes again heals one that is not)."""
        if not self._store.exists(name):
            return False
        try:
            self._reader(name).close()
        except Modified:
            return False
        return True


def _seal_stream(descriptor: int, data_key: bytes, blocks: Iterable[Buffer]) -> Directory:
    """Hash and seal ``blocks`` as one part, or none if they are empty; from a few blocks on the two overlap."""
    digest, writer, seen = sha256(), PartWriter(descriptor, data_key, 0), 0
    rest = iter(blocks)
    for block in rest:
        digest.update(block)
        writer.write(block)
        seen += len(block)
        if seen >= _OVERLAP_FROM_BYTES:
            break
    with Lane("hash") as hashing, Lane("seal") as sealing:
        for block in rest:
            hashing.submit(digest.update, block)
            sealing.submit(writer.write, block)
    part = writer.close()
    return Directory(digest.digest(), (part,) if part.plain_bytes else ())


@contextmanager
def new_working_file(path: Path) -> Iterator[int]:
    """The descriptor of a new private file, which is removed when the block fails and is not synced.

    Raises
    ------
    Unavailable : there is one already, or it cannot be made
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise storage_error(error) from error
    try:
        yield descriptor
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)


def finish_draft(descriptor: int, data_key: bytes, directory: Directory, *, sync: bool = True) -> None:
    """Write the directory behind the parts and sync the file: now it can be adopted."""
    place = directory.sealed_bytes
    try:
        place += write_at(descriptor, seal_directory(data_key, directory), place)
        os.ftruncate(descriptor, place)
        if sync:
            os.fsync(descriptor)
    except OSError as error:
        raise storage_error(error) from error
