"""Whether a scan holds more points than it states: the packets of its data are added up, unread.

The E57 library stops at the stated count, so points beyond it would be left out in silence.  The data
of a scan are packets, each with some bytes of every field; a field of so many bits and so many bytes
holds so many values.  Real fields are stored without padding, integers padded to a register at the end: a scan of
integers alone may keep up to eight bytes of each field to itself.

Not checked here: the count stated too high, which the reader sees when the points run out.

Source: ASTM E2807-11, clause 9 (binary sections); libE57 Encoder (padding).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Final
from xml.parsers import expat

from appliance.core.files import unreadable
from appliance.errors import InvalidInput
from appliance.scans.e57.pages import PAGE_BYTES, PAYLOAD_BYTES
from appliance.scans.e57.scans import Field, ScanNode

_FILE_HEADER: Final = struct.Struct("<8sIIQQQQ")
_SECTION: Final = struct.Struct("<B7xQQQ")
_PACKET: Final = struct.Struct("<BBHH")
_COMPRESSED_VECTOR: Final = 1
_DATA_PACKET: Final = 1
_PACKET_KINDS: Final = (0, 1, 2)
#: A writer flushes the register that it packs integers into: at most 8 bytes, not all of them used.
_REGISTER_BITS: Final = 64
_POINTS: Final = ["e57Root", "data3D", "vectorChild", "points"]
_AGAIN: Final = "The file is damaged or was written by a faulty program: export it again."


def verify_counts(path: Path, scans: Sequence[ScanNode]) -> None:
    """Refuse a scan whose data hold more points than it states.

    Raises
    ------
    InvalidInput : a count is too low, or the packets of a scan do not follow one another
    """
    try:
        with path.open("rb") as file:
            offsets = _section_offsets(file)
            if len(offsets) != len(scans):
                raise broken("its description and its scans disagree")
            for scan, offset in zip(scans, offsets, strict=True):
                held = _values_held(list(scan.fields.values()), _stream_bytes(file, offset, scan), scan.record_count)
                if held > scan.record_count:
                    message = f"Scan '{scan.name}' states {scan.record_count} points and its data hold {held}."
                    raise InvalidInput("scan.e57.count", message, _AGAIN)
    except OSError as error:
        raise unreadable(path, error) from error


def description(file: IO[bytes]) -> bytes:
    """The XML that describes a file, checksums left out; the file is read from its beginning."""
    *_, start, length, _ = _FILE_HEADER.unpack(file.read(_FILE_HEADER.size))
    return _read(file, _logical(start), length)


def _section_offsets(file: IO[bytes]) -> list[int]:
    """Where the points of each scan begin, as the description of the file says: physical offsets."""
    stack: list[str] = []
    offsets: list[int] = []

    def begin(name: str, attributes: dict[str, str]) -> None:
        stack.append(name)
        if stack == _POINTS:
            text = attributes.get("fileOffset", "")
            offsets.append(int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0)

    parser = expat.ParserCreate()
    parser.StartElementHandler = begin
    parser.EndElementHandler = lambda name: stack.pop()
    try:
        parser.Parse(description(file), True)
    except expat.ExpatError as error:
        raise broken(f"its description is not XML ({expat.ErrorString(error.code)})") from error
    return offsets


def _stream_bytes(file: IO[bytes], offset: int, scan: ScanNode) -> list[int]:
    """Bytes of each field in the section at ``offset``; empty where there is none that could hold points."""
    header = _read(file, _logical(offset), _SECTION.size)
    kind, length, data, _ = _SECTION.unpack(header) if len(header) == _SECTION.size else (0, 0, 0, 0)
    if kind != _COMPRESSED_VECTOR or not data:
        return []  # no points here: the library says so itself, as soon as one is wanted
    end, at = _logical(offset) + length, _logical(data)
    totals = [0] * len(scan.fields)
    while at < end:
        packet = _read(file, at, _PACKET.size + 2 * len(totals))
        if len(packet) < _PACKET.size:
            raise broken(f"the data of scan '{scan.name}' end too early")
        kind, _, last_byte, streams = _PACKET.unpack_from(packet)
        if kind not in _PACKET_KINDS or last_byte + 1 < _PACKET.size - 2:
            raise broken(f"the data of scan '{scan.name}' are not packets")
        if kind == _DATA_PACKET:
            if streams != len(totals) or len(packet) < _PACKET.size + 2 * streams:
                raise broken(f"the data of scan '{scan.name}' have {streams} fields, not {len(totals)}")
            sizes = struct.unpack_from(f"<{streams}H", packet, _PACKET.size)
            totals = [total + size for total, size in zip(totals, sizes, strict=True)]
        at += last_byte + 1
    return totals


def _values_held(fields: Sequence[Field], stream_bytes: Sequence[int], stated: int) -> int:
    """The most values that the bytes of a field hold beyond doubt; ``stated`` where none holds more."""
    held = stated
    for field, size in zip(fields, stream_bytes, strict=False):
        spare = size * 8 - stated * field.bits
        if field.bits and spare >= (_REGISTER_BITS if field.is_packed else field.bits):
            held = max(held, size * 8 // field.bits)
    return held


def _logical(physical: int) -> int:
    """The offset without checksums of an offset in the file."""
    return physical // PAGE_BYTES * PAYLOAD_BYTES + min(physical % PAGE_BYTES, PAYLOAD_BYTES)


def _read(file: IO[bytes], start: int, size: int) -> bytes:
    """Bytes from a logical offset on, checksums left out; fewer at the end of the file."""
    first, skipped = divmod(start, PAYLOAD_BYTES)
    if first * PAGE_BYTES >= os.fstat(file.fileno()).st_size:
        return b""  # no system seeks to where a damaged offset may point
    pages = (skipped + size + PAYLOAD_BYTES - 1) // PAYLOAD_BYTES
    file.seek(first * PAGE_BYTES)
    raw = file.read(pages * PAGE_BYTES)
    payload = b"".join(raw[at : at + PAYLOAD_BYTES] for at in range(0, len(raw), PAGE_BYTES))
    return payload[skipped : skipped + size]


def broken(what: str) -> InvalidInput:
    """A file that contradicts itself."""
    return InvalidInput("scan.e57.structure", f"The E57 file cannot be read: {what}.", _AGAIN)
