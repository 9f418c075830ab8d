"""From sealed evidence back to the scan file that was sent, proven to be the one that its row names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from appliance.core.zstd import inflate
from appliance.errors import InvalidInput, Modified, Unavailable
from appliance.objects.lanes import Lane
from appliance.objects.parts import write_at
from appliance.objects.sealed import ObjectStore, new_working_file
from appliance.scans.models import Scan
from appliance.tenancy.scope import WorkspaceScope


def scan_blocks(scope: WorkspaceScope, scan: Scan) -> Iterator[bytes]:
    """The scan file as blocks of up to 1 MiB, decompressed if it was sent compressed; it is not compared here.

    Raises
    ------
    Modified : the stored bytes are not the ones that were received
    NotFound : the evidence was discarded
    """
    blocks = ObjectStore.of(scope).blocks(scan.object)
    return inflate(blocks, scan.size_bytes) if scan.encoding == "zstd" else blocks


def copy_scan(scope: WorkspaceScope, scan: Scan, path: Path) -> None:
    """Write the scan file to ``path`` (new, 0600, not synced), whole and as its row names it, or not at all.

    Raises
    ------
    Modified : the evidence is not what its row names
    Unavailable : the file is there already, or the disk is full
    """
    digest, place = sha256(), 0
    try:
        with new_working_file(path) as descriptor, Lane("hash") as hashing, Lane("write") as writing:
            for block in scan_blocks(scope, scan):
                hashing.submit(digest.update, block)
                writing.submit(write_at, descriptor, block, place)
                place += len(block)
    except InvalidInput as error:
        raise Modified("scan.evidence", f"The evidence of the scan does not decompress: {error.message}") from error
    if (place, digest.hexdigest()) != (scan.size_bytes, scan.sha256):
        _remove(path)
        raise Modified("scan.evidence", "The evidence of the scan is not what its row names.")


def _remove(path: Path) -> None:
    try:
        os.unlink(path)
    except OSError as error:
        raise Unavailable("file.unwritable", f"{path}: {error.strerror}.") from error
