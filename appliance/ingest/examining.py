"""Look at received bytes once: are they the scan that their manifest describes?

In this order, the first that fails being the reason: 1. there are bytes; 2. compressed ones decompress, within the
size that the manifest states; 3. the size; 4. the SHA-256; 5. the beginning of the file is that of its format.
Whether a parser can read the file is found later, in its sandbox.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256

from appliance.core.zstd import inflate
from appliance.errors import InvalidInput
from appliance.ingest.manifest import Manifest
from appliance.scans.formats import HEAD_BYTES, check_head


@dataclass(frozen=True)
class Finding:
    """What bytes turned out to be: SHA-256 and size of the scan file, None where they could not be decompressed to
    their end, and why they cannot be accepted, None where they can."""

    sha256: str | None
    size_bytes: int | None
    problem: InvalidInput | None


def examine(manifest: Manifest, stored_sha256: str, stored_bytes: int, blocks: Iterable[bytes]) -> Finding:
    """Compare bytes, given as ``blocks`` and known by their hash and length, with what was said about them.

    Identical encoding reads the first block only; zstd reads all.
    """
    # 1. There is something.
    if not stored_bytes:
        return Finding(stored_sha256, 0, InvalidInput("ingest.empty", "The file is empty.", "Scan again."))
    if manifest.encoding == "identity":
        head = next(iter(blocks), b"")[:HEAD_BYTES]
        return _compared(manifest, stored_sha256, stored_bytes, head)
    # 2. It decompresses.
    try:
        return _compared(manifest, *_inflated(inflate(blocks, manifest.size_bytes)))
    except InvalidInput as error:
        code = "ingest.bomb" if error.code == "zstd.bomb" else "ingest.compression"
        return Finding(None, None, InvalidInput(code, error.message, "Send the file again."))


def _inflated(blocks: Iterator[bytes]) -> tuple[str, int, bytes]:
    """SHA-256, size and beginning of decompressed content."""
    digest, size, head = sha256(), 0, b""
    for block in blocks:
        digest.update(block)
        size += len(block)
        head += block[: max(0, HEAD_BYTES - len(head))]
    return digest.hexdigest(), size, head


def _compared(manifest: Manifest, digest: str, size: int, head: bytes) -> Finding:
    return Finding(digest, size, _problem(manifest, digest, size, head))


def _problem(manifest: Manifest, digest: str, size: int, head: bytes) -> InvalidInput | None:
    # 3. The size.
    if size != manifest.size_bytes:
        return InvalidInput("ingest.size", f"The file has {size} bytes, its manifest says {manifest.size_bytes}.")
    # 4. The content.
    if digest != manifest.sha256:
        hint = "Send the file again, or correct its manifest."
        return InvalidInput("ingest.sha256", f"The file's SHA-256 is {digest}, its manifest says another.", hint)
    # 5. The format.
    try:
        check_head(manifest.format, head)
    except InvalidInput as error:
        return error
    return None
