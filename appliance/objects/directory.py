"""The directory of a sealed object: which parts in which order are this object, and what it is called.

    object = part || part || ... || sealed directory || length of the sealed directory (u64) || b"D2RO"
    directory = u64 plain length || SHA-256 of the plain bytes || u32 count || count x (salt || u64 plain length)

Integers are big endian.  The directory is sealed under the data key (``aead.seal_small``).  It binds every
part's salt and length: a part that was taken away, doubled, moved, or brought from another object is found,
and so is an object that stands under the name of another, because names follow from the SHA-256.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from appliance.crypto import aead
from appliance.crypto.segments import Part
from appliance.errors import InvalidInput, Modified

#: A 16 GiB upload in pieces of 256 KiB; it bounds the directory to 2.6 MB.
PARTS_LIMIT: Final = 65_536
FOOTER_BYTES: Final = 12

_MAGIC: Final = b"D2RO"
_CONTEXT: Final = "d2r/object-directory/1"
_HEAD: Final = struct.Struct(">Q32sI")
_PART: Final = struct.Struct(">32sQ")


@dataclass(frozen=True)
class Directory:
    """The parts of one object, and the SHA-256 of its plain bytes (raw, 32 bytes)."""

    sha256: bytes
    parts: tuple[Part, ...]

    @property
    def plain_bytes(self) -> int:
        """Length of the object."""
        return sum(part.plain_bytes for part in self.parts)

    @property
    def sealed_bytes(self) -> int:
        """Length of all sealed parts, where the sealed directory begins."""
        return sum(part.sealed_bytes for part in self.parts)


def seal_directory(data_key: bytes, directory: Directory) -> bytes:
    """What stands behind the parts: the sealed directory and its footer.

    Raises
    ------
    InvalidInput : there are more parts than an object may have
    """
    if len(directory.parts) > PARTS_LIMIT:
        raise InvalidInput("object.parts", f"An object has at most {PARTS_LIMIT} parts.", "Send larger pieces.")
    plain = _HEAD.pack(directory.plain_bytes, directory.sha256, len(directory.parts))
    plain += b"".join(_PART.pack(part.salt, part.plain_bytes) for part in directory.parts)
    sealed = aead.seal_small(data_key, plain, _CONTEXT)
    return sealed + len(sealed).to_bytes(8) + _MAGIC


def directory_length(footer: bytes) -> int:
    """Length of the sealed directory, from the last ``FOOTER_BYTES`` of the object.

    Raises
    ------
    Modified : these are not the last bytes of an object
    """
    length = int.from_bytes(footer[:8])
    if len(footer) != FOOTER_BYTES or footer[8:] != _MAGIC or length > _most_sealed():
        raise Modified("object.cut", "The end of an object is missing or changed.")
    return length


def open_directory(data_key: bytes, sealed: bytes) -> Directory:
    """The inverse of ``seal_directory``, without the footer.

    Raises
    ------
    Modified : it was changed, or sealed under another key
    """
    plain = aead.open_small(data_key, sealed, _CONTEXT)
    length, sha256, count = _HEAD.unpack_from(plain)
    parts = tuple(Part(salt, size) for salt, size in _PART.iter_unpack(plain[_HEAD.size :]))
    directory = Directory(sha256, parts)
    if len(parts) != count or directory.plain_bytes != length:
        raise Modified("object.directory", "The directory of an object contradicts itself.")
    return directory


def _most_sealed() -> int:
    return 1 + aead.SALT_BYTES + _HEAD.size + PARTS_LIMIT * _PART.size + aead.TAG_BYTES
