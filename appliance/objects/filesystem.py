"""The store in a folder: ``ab/cdef...`` under its root, whole or absent after a crash at any instruction.

A file gets its name by renaming, after its bytes are synced; then its folder is synced.  Names are checked
and the resolved path is proven to lie inside of the root: neither a name nor a symbolic link leads out.
"""

from __future__ import annotations

import errno
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from appliance.core.files import sync_file_system, sync_folder
from appliance.errors import InvalidInput, Modified, NotFound, Unavailable

_NAME: Final = re.compile(r"[0-9a-f]{64}")
_SHARD: Final = 2
_DRAFT_PREFIX: Final = "draft-"
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class FilesystemStore:
    """Files of one workspace; drafts lie in ``drafts``, on the same file system.

    A store that is ``deferred`` makes nothing durable until ``settle``: for many files at once that count together, or
    not at all.
    """

    def __init__(self, root: Path, drafts: Path, *, deferred: bool = False) -> None:
        self._root = root
        self._drafts = drafts
        self._deferred = deferred
        for folder in (root, drafts):
            if not folder.is_dir():
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                sync_folder(folder.parent)
        self._inside = root.resolve()

    def new_draft(self) -> Path:
        """See ``Store.new_draft``; drafts of a process that died are removed by ``sweep_drafts``."""
        try:
            descriptor, name = tempfile.mkstemp(prefix=_DRAFT_PREFIX, dir=self._drafts)
        except OSError as error:
            raise storage_error(error) from error
        os.close(descriptor)
        return Path(name)

    def adopt(self, draft: Path, name: str) -> None:
        """See ``Store.adopt``."""
        target = self._path(name)
        try:
            if not target.parent.is_dir():
                target.parent.mkdir(mode=0o700, exist_ok=True)
                sync_folder(self._root)
            os.replace(draft, target)
            if not self._deferred:
                sync_folder(target.parent)
                sync_folder(draft.parent)
        except OSError as error:
            raise storage_error(error) from error

    def open(self, name: str) -> BinaryIO:
        """See ``Store.open``."""
        try:
            return self._path(name).open("rb", buffering=0)
        except FileNotFoundError as error:
            raise NotFound("object.missing", "There is no such object in this workspace.") from error
        except OSError as error:
            raise storage_error(error) from error

    def exists(self, name: str) -> bool:
        """See ``Store.exists``."""
        return self._path(name).is_file()

    def delete(self, name: str) -> None:
        """See ``Store.delete``."""
        path = self._path(name)
        try:
            path.unlink(missing_ok=True)
            if path.parent.is_dir():
                sync_folder(path.parent)
        except OSError as error:
            raise storage_error(error) from error

    def names(self) -> Iterator[str]:
        """See ``Store.names``."""
        for shard in sorted(self._root.iterdir()):
            if shard.is_dir():
                yield from (shard.name + entry.name for entry in sorted(shard.iterdir()))

    def settle(self) -> None:
        """Make every file of the store durable, all at once."""
        try:
            sync_file_system(self._root)
        except OSError as error:
            raise storage_error(error) from error

    def sweep_drafts(self, older_than: float) -> int:
        """Remove drafts last written before ``older_than`` (Unix time): nobody finishes them any more."""
        swept = 0
        for draft in self._drafts.glob(f"{_DRAFT_PREFIX}*"):
            if draft.stat().st_mtime < older_than:
                draft.unlink(missing_ok=True)
                swept += 1
        return swept

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise InvalidInput("object.name", "This is not the name of an object.")
        path = self._root / name[:_SHARD] / name[_SHARD:]
        if not path.resolve().is_relative_to(self._inside):
            raise Modified("object.outside", "A link leads out of the object store.", "Remove the link.")
        return path


def storage_error(error: OSError) -> Unavailable:
    """The error for a store that cannot be read or written now; ``storage.full`` where space is what is missing."""
    reason = error.strerror or str(error)
    if error.errno in _FULL:
        return Unavailable("storage.full", f"There is no space left: {reason}.", "Free space, then go on.")
    return Unavailable("object.storage", f"The object store answers: {reason}.", "Check the disk and permissions.")
