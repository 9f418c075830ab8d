"""The pages of an E57 file: 1020 bytes and their CRC-32C, every one of them checked.

The E57 library can check a page whenever it reads one, but pages that it has no reason to read (gaps,
trailing pages, images) would stay unchecked, and pages read twice would be checked twice.  So all are
checked here, once, by the processor's own CRC instruction, and the library is told not to.

Source: ASTM E2807-11, clause 7.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import IO, Final

import google_crc32c

from appliance.core.files import unreadable
from appliance.errors import InvalidInput

PAGE_BYTES: Final = 1024
PAYLOAD_BYTES: Final = 1020
_SIGNATURE: Final = b"ASTM-E57"
_HEADER: Final = struct.Struct("<8sIIQQQQ")
_PAGES_AT_ONCE: Final = 4096
_AGAIN: Final = "The file was damaged or cut on its way: copy or export it again."


def verify_pages(path: Path, progress: Callable[[float], None]) -> int:
    """Check the header and the checksum of every page.

    Parameters
    ----------
    progress : receives the fraction of pages that were checked

    Returns
    -------
    The number of bytes in the file.

    Raises
    ------
    InvalidInput : not an E57 file, cut off, or a page whose checksum differs
    """
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            _verify_header(file.read(_HEADER.size), size)
            file.seek(0)
            _verify_checksums(file, size // PAGE_BYTES, progress)
    except OSError as error:
        raise unreadable(path, error) from error
    return size


def _verify_header(header: bytes, size: int) -> None:
    if len(header) < _HEADER.size or not header.startswith(_SIGNATURE):
        raise InvalidInput("scan.e57.header", "The file does not begin as an E57 file.", _AGAIN)
    _, major, _, length, xml_offset, xml_length, page = _HEADER.unpack(header)
    if major != 1:
        raise InvalidInput("scan.e57.version", f"E57 version {major} is not known.", "Export it as E57 1.0.")
    if page != PAGE_BYTES:
        raise InvalidInput("scan.e57.header", f"The header states pages of {page} bytes, not {PAGE_BYTES}.", _AGAIN)
    if length != size or size % PAGE_BYTES:
        message = f"The header states {length} bytes and the file has {size}."
        raise InvalidInput("scan.e57.length", message, _AGAIN)
    if xml_offset >= size or xml_length > size - xml_offset:
        raise InvalidInput("scan.e57.header", "The description of the file lies beyond its end.", _AGAIN)


def _verify_checksums(file: IO[bytes], pages: int, progress: Callable[[float], None]) -> None:
    checksum = google_crc32c.value
    first = 0
    while block := file.read(_PAGES_AT_ONCE * PAGE_BYTES):
        for start in range(0, len(block), PAGE_BYTES):
            end = start + PAYLOAD_BYTES
            if checksum(block[start:end]) != int.from_bytes(block[end : end + 4], "big"):
                message = f"The checksum of page {first + start // PAGE_BYTES} of {pages} differs."
                raise InvalidInput("scan.e57.checksum", message, _AGAIN)
        first += len(block) // PAGE_BYTES
        progress(first / pages)


def sealed_page(payload: bytes) -> bytes:
    """A page of 1020 bytes with its checksum: the inverse of what ``verify_pages`` checks."""
    checksum: int = google_crc32c.value(payload)
    return payload + checksum.to_bytes(4, "big")
