"""Receive the bytes of one request: hash, seal, write and sync them side by side, and commit as they become durable.

Bytes go into the upload's file as sealed parts of up to 64 MiB, each with a salt of its own.  A part is committed
(row of the part, offset of the upload) after it was synced; what the file holds beyond the committed length is cut off
by the next request.  So the offset that a client hears is always durable, and a torn part is never continued.
"""

from __future__ import annotations

import os
import shutil
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta
from pathlib import Path
from typing import Final

from appliance.core.clock import rfc3339_us, utc_now
from appliance.core.faults import point
from appliance.crypto.segments import SEGMENT_BYTES, Part
from appliance.enrolment.keys import refuse_ended
from appliance.errors import Conflict, InvalidInput, Unavailable
from appliance.ingest.hashes import Digest
from appliance.ingest.models import RECEIVING, UploadPart, UploadRow
from appliance.objects.directory import PARTS_LIMIT
from appliance.objects.filesystem import storage_error
from appliance.objects.lanes import Lane
from appliance.objects.parts import PartWriter
from appliance.tenancy.scope import WorkspaceScope

#: Bytes in one sealed part: what a crash may cost, against what a sync and a commit cost.
PART_BYTES: Final = 64 << 20
#: How often a request that goes on and on is asked whether its sender was revoked.
_LOOK_EVERY_S: Final = 1.0

Read = Callable[[int], bytes]


class Receiver:
    """One request's bytes on their way into the file of one upload.

    Parameters
    ----------
    digest : SHA-256 over everything that was received before; it is continued
    held : commit nothing before ``commit_held``: the bytes may turn out to be wrong
    """

    def __init__(
        self, scope: WorkspaceScope, upload: UploadRow, descriptor: int, digest: Digest, *, held: bool = False
    ) -> None:
        self._scope = scope
        self._upload = upload
        self._descriptor = descriptor
        self._digest = digest
        self._held = held
        self._place = int(upload.sealed_bytes)
        self._writer: PartWriter | None = None
        self._filled = 0
        self._syncing: deque[Future[Part]] = deque()
        self._ready: list[Part] = []
        self._looked_at = time.monotonic()
        self.received = 0

    def run(self, read: Read, most: int) -> None:
        """Take up to ``most`` bytes; ``read(n)`` gives up to ``n`` of them, and none when no more will come.

        Raises
        ------
        Unavailable : the disk is full or broken; what was committed until then stays
        Denied : the device that sends, or its key, was revoked meanwhile
        """
        try:
            with Lane("hash") as hashing, Lane("seal") as sealing, Lane("sync", 2) as syncing:
                while self.received < most:
                    block = read(min(SEGMENT_BYTES, most - self.received))
                    if not block:
                        break
                    self._look()
                    self._take(block, hashing, sealing, syncing)
                    self._commit_synced()
                self._end_part(sealing, syncing)
        finally:
            self._commit_synced()

    def commit_held(self) -> None:
        """Commit what was held back."""
        self._held = False
        self._commit_synced()

    def _look(self) -> None:
        """Now and then, ask whether the sender still may."""
        if time.monotonic() - self._looked_at >= _LOOK_EVERY_S:
            refuse_ended(self._scope)
            self._looked_at = time.monotonic()

    def _take(self, block: bytes, hashing: Lane, sealing: Lane, syncing: Lane) -> None:
        if self._writer is None:
            self._writer = self._begin_part()
        hashing.submit(self._digest.update, block)
        sealing.submit(self._writer.write, block)
        self._filled += len(block)
        self.received += len(block)
        if self._filled >= PART_BYTES:
            self._end_part(sealing, syncing)

    def _begin_part(self) -> PartWriter:
        refuse_below_floor(self._scope)
        if self._upload.parts + len(self._syncing) + len(self._ready) >= PARTS_LIMIT:
            raise InvalidInput("upload.pieces", "The upload came in too many small pieces.", "Send larger ones.")
        return PartWriter(self._descriptor, self._scope.data_key, self._place)

    def _end_part(self, sealing: Lane, syncing: Lane) -> None:
        if self._writer is None:
            return
        closed: Future[Part] = sealing.submit(self._writer.close)
        self._place += Part(b"", self._filled).sealed_bytes
        self._writer, self._filled = None, 0
        self._syncing.append(syncing.submit(self._sync, closed))

    def _sync(self, closed: Future[Part]) -> Part:
        part = closed.result()
        point("upload.written")
        try:
            os.fdatasync(self._descriptor)
        except OSError as error:
            raise storage_error(error) from error
        point("upload.synced")
        return part

    def _commit_synced(self) -> None:
        while self._syncing and self._syncing[0].done() and not self._syncing[0].cancelled():
            if self._syncing[0].exception() is not None:
                break
            self._ready.append(self._syncing.popleft().result())
        if self._ready and not self._held:
            with self._scope.transaction():
                refuse_ended(self._scope)
                commit_parts(self._scope, self._upload, self._ready)
            self._ready = []
            point("upload.committed")


def commit_parts(scope: WorkspaceScope, upload: UploadRow, parts: list[Part]) -> None:
    """Write the rows of synced ``parts`` and move the upload's offset over them; ``upload`` follows.

    Raises
    ------
    Conflict : the row has moved: another request went on with the upload
    """
    offset = upload.offset_bytes + sum(part.plain_bytes for part in parts)
    sealed = upload.sealed_bytes + sum(part.sealed_bytes for part in parts)
    count, expires = upload.parts + len(parts), expiry(scope)
    rows = [
        {"upload_id": upload.id, "position": upload.parts + n, "salt": part.salt, "plain_bytes": part.plain_bytes}
        for n, part in enumerate(parts)
    ]
    unmoved = (UploadRow.id == upload.id, UploadRow.offset_bytes == upload.offset_bytes, UploadRow.state == RECEIVING)
    with scope.transaction():
        moved = UploadRow.update(offset_bytes=offset, sealed_bytes=sealed, parts=count, expires_at=expires)
        if moved.where(*unmoved).execute() != 1:
            raise Conflict("upload.moved", "Another request went on with this upload.", "Ask for the offset.")
        UploadPart.insert_many(rows).execute()
    upload.offset_bytes, upload.sealed_bytes, upload.parts, upload.expires_at = offset, sealed, count, expires


def expiry(scope: WorkspaceScope) -> str:
    """When an upload that stands still from now on is removed."""
    return rfc3339_us(utc_now() + timedelta(hours=scope.settings.upload_expiry_hours))


def refuse_below_floor(scope: WorkspaceScope, wanted_bytes: int = PART_BYTES) -> None:
    """Return if the disk holds ``wanted_bytes`` more and still what must stay free.

    Raises
    ------
    Unavailable : it does not
    """
    try:
        free = shutil.disk_usage(uploads_of(scope)).free
    except OSError as error:
        raise storage_error(error) from error
    if free - wanted_bytes < scope.settings.free_space_floor_bytes:
        missing = (scope.settings.free_space_floor_bytes + wanted_bytes - free) >> 20
        raise Unavailable("storage.floor", f"The appliance is short of {missing} MiB of free space.", "Free some.")


def uploads_of(scope: WorkspaceScope) -> Path:
    """The folder of a workspace's uploads."""
    return scope.settings.uploads_folder / scope.object_prefix
