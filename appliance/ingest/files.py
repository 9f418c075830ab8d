"""The file of an upload: sealed parts as they come in, and the SHA-256 over what is committed of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from appliance.core.files import sync_folder
from appliance.crypto.segments import Part
from appliance.ingest.hashes import Digest, HashStates, new_digest
from appliance.ingest.models import UploadPart, UploadRow
from appliance.ingest.receiving import uploads_of
from appliance.objects.filesystem import storage_error
from appliance.objects.parts import PartsReader
from appliance.tenancy.scope import WorkspaceScope

_states = HashStates()


def remove_file(scope: WorkspaceScope, upload_id: str) -> None:
    """Delete the bytes of an upload."""
    try:
        (uploads_of(scope) / upload_id).unlink(missing_ok=True)
    except OSError as error:
        raise storage_error(error) from error


def path_of(scope: WorkspaceScope, upload: UploadRow) -> Path:
    """The file of an upload's sealed parts."""
    return uploads_of(scope) / str(upload.id)


@contextmanager
def opened(scope: WorkspaceScope, upload: UploadRow, *, create: bool = False) -> Iterator[int]:
    """The upload's file, cut back to its committed length.

    Raises
    ------
    Unavailable : it cannot be opened
    """
    path = path_of(scope, upload)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if create else 0), 0o600)
        try:
            if create:
                sync_folder(path.parent)
            if os.fstat(descriptor).st_size > upload.sealed_bytes:
                os.ftruncate(descriptor, upload.sealed_bytes)
            yield descriptor
        finally:
            os.close(descriptor)
    except OSError as error:
        raise storage_error(error) from error


def parts_of(scope: WorkspaceScope, upload_id: str) -> tuple[Part, ...]:
    """The committed parts of an upload, in their order."""
    with scope:
        rows = UploadPart.select().where(UploadPart.upload_id == upload_id).order_by(UploadPart.position)
        return tuple(row.part() for row in rows)


def parts_reader(scope: WorkspaceScope, upload: UploadRow, descriptor: int) -> PartsReader:
    """The plain bytes that were received, as far as they are committed."""
    return PartsReader(descriptor, scope.data_key, parts_of(scope, upload.id))


def hash_state(scope: WorkspaceScope, upload: UploadRow, descriptor: int) -> Digest:
    """SHA-256 over the committed bytes: as this process remembers it, else computed from the file."""
    digest = _states.take(upload.id, upload.offset_bytes)
    if digest is None:
        digest = new_digest()
        for block in parts_reader(scope, upload, descriptor).blocks():
            digest.update(block)
    return digest


def keep_hash_state(upload: UploadRow, digest: Digest) -> None:
    """Remember the SHA-256 over the committed bytes for the next request."""
    _states.keep(upload.id, upload.offset_bytes, digest)
