"""Sealed parts: bytes of any length as AES-256-GCM segments that cannot be cut, swapped, moved or appended to.

    part = version (1 byte 0x01) || salt (32 bytes) || segment 0 || segment 1 || ... || last segment
    segment = ciphertext of up to 1 MiB || tag (16 bytes); every segment but the last holds exactly 1 MiB

A part has a key of its own, HKDF-SHA256(data key, salt, purpose), and a nonce that is the segment's number
(11 bytes, big endian) and one byte that is 1 in the last segment and else 0.  A part that was torn is not
continued: what follows begins a new part with a new salt, so that no nonce is ever used twice under a key.
An empty part has one empty segment.  Any segment opens alone, so that ranges are read without the rest.

Which parts make up an object, and in which order, is not known here: ``appliance.objects`` seals that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from appliance.crypto import aead
from appliance.crypto.aead import Buffer, SegmentCipher
from appliance.errors import Modified

VERSION: Final = b"\x01"
SEGMENT_BYTES: Final = 1 << 20
SEALED_SEGMENT_BYTES: Final = SEGMENT_BYTES + aead.TAG_BYTES
HEADER_BYTES: Final = len(VERSION) + aead.SALT_BYTES

_PURPOSE: Final = b"d2r/sealed-part/1"
_COUNTER_BYTES: Final = aead.NONCE_BYTES - 1


@dataclass(frozen=True)
class Part:
    """What must be known of a sealed part to read it: its salt, and how many bytes it holds."""

    salt: bytes
    plain_bytes: int

    @property
    def header(self) -> bytes:
        """The first bytes of the part."""
        return VERSION + self.salt

    @property
    def segments(self) -> int:
        """How many segments there are; never none."""
        return max(1, -(-self.plain_bytes // SEGMENT_BYTES))

    @property
    def sealed_bytes(self) -> int:
        """Length of the whole sealed part."""
        return HEADER_BYTES + self.plain_bytes + self.segments * aead.TAG_BYTES


class PartSealer:
    """Seals one part, segment after segment."""

    def __init__(self, data_key: bytes) -> None:
        self.salt = aead.new_salt()
        self.header = VERSION + self.salt
        self._cipher = SegmentCipher(aead.derive(data_key, self.salt, _PURPOSE))
        self._out = bytearray(SEALED_SEGMENT_BYTES)
        self._next = 0
        self._closed = False

    def seal(self, plain: Buffer, *, last: bool = False) -> memoryview:
        """The next segment, in a buffer that the next call overwrites.

        Raises
        ------
        RuntimeError : after the last segment, or a segment that is short and not the last
        """
        size = len(plain)
        if self._closed or size > SEGMENT_BYTES or (size < SEGMENT_BYTES and not last):
            raise RuntimeError("segments are full up to the last one, and nothing follows it")
        sealed = memoryview(self._out)[: size + aead.TAG_BYTES]
        self._cipher.seal_into(_nonce(self._next, last), plain, sealed)
        self._next, self._closed = self._next + 1, last
        return sealed


class PartOpener:
    """Opens the segments of one part in any order; safe in several threads."""

    def __init__(self, data_key: bytes, part: Part) -> None:
        self.part = part
        self._cipher = SegmentCipher(aead.derive(data_key, part.salt, _PURPOSE))

    def place(self, index: int) -> tuple[int, int]:
        """Where segment ``index`` lies in the sealed part: offset and length, in bytes."""
        if not 0 <= index < self.part.segments:
            raise IndexError(f"a part of {self.part.segments} segments has none with the number {index}")
        start = HEADER_BYTES + index * SEALED_SEGMENT_BYTES
        return start, min(SEALED_SEGMENT_BYTES, self.part.sealed_bytes - start)

    def open(self, index: int, sealed: Buffer) -> bytes:
        """The plain bytes of segment ``index``.

        Raises
        ------
        Modified : these are not the bytes that were sealed as this segment of this part
        """
        if len(sealed) != self.place(index)[1]:
            raise Modified("sealed.cut", "Sealed bytes are missing: the file was cut.")
        return self._cipher.open(_nonce(index, index == self.part.segments - 1), sealed)


def _nonce(index: int, last: bool) -> bytes:
    return index.to_bytes(_COUNTER_BYTES) + bytes([last])
