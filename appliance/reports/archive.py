"""The evidence pack: a ZIP that has exactly one spelling.

Entries are stored, dated 1 January 1980, without extra fields; the same members give the same
bytes.  Sizes and offsets beyond 4 GiB use ZIP64.  Encode and decode stand together: reading
regenerates every header from what it read and compares, so no byte of the structure can differ
unseen, nothing hides between entries, and no two readers see different contents.

Source: PKWARE APPNOTE 6.3.3, sections 4.3 and 4.5.3.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO, Final
from zlib import crc32

from appliance.core.files import unreadable
from appliance.errors import InvalidInput, Modified

_BLOCK_BYTES: Final = 1 << 20
_LOCAL: Final = struct.Struct("<4s5H3I2H")
_CENTRAL: Final = struct.Struct("<4s6H3I5H2I")
_END: Final = struct.Struct("<4s4H2IH")
_END64: Final = struct.Struct("<4sQ2H2I4Q")
_LOCATOR64: Final = struct.Struct("<4sIQI")
#: 1980-01-01, the first date that a ZIP can hold.
_DATE: Final = 0x0021
_UTF8: Final = 0x0800
#: Regular file, rw-r--r--, made on Unix.
_MADE_BY: Final = 3 << 8
_ATTRIBUTES: Final = 0o100644 << 16
_MAX32: Final = 0xFFFFFFFF
#: Entries and bytes of directory that a pack may have; more is not one of ours.
_MEMBER_LIMIT: Final = 1000
_DIRECTORY_LIMIT_BYTES: Final = 1 << 20


@dataclass(frozen=True)
class Digest:
    """What one pass over a member's bytes gives."""

    crc: int
    size: int
    sha256: str


@dataclass(frozen=True)
class Member:
    """One entry: where its data begins in the pack, and what its headers claim."""

    name: str
    crc: int
    size: int
    offset: int

    @property
    def data_start(self) -> int:
        """Position of the first byte of data."""
        return self.offset + len(_local_header(self))


def digest_of(blocks: Iterable[bytes]) -> Digest:
    """CRC-32, size and SHA-256 of a stream, in one pass."""
    crc, size, digest = 0, 0, sha256()
    for block in blocks:
        crc = crc32(block, crc)
        size += len(block)
        digest.update(block)
    return Digest(crc, size, digest.hexdigest())


def crc_of(blocks: Iterable[bytes]) -> int:
    """CRC-32 of a stream."""
    crc = 0
    for block in blocks:
        crc = crc32(block, crc)
    return crc


def blocks_of(path: Path) -> Iterator[bytes]:
    """A file in blocks of 1 MiB.

    Raises
    ------
    InvalidInput : it cannot be read
    """
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                yield block
    except OSError as error:
        raise unreadable(path, error) from error


def write_pack(sink: IO[bytes], contents: Sequence[tuple[str, Digest, Iterable[bytes]]]) -> None:
    """Write members in the given order; ``sink`` is written once, front to back.

    Raises
    ------
    InvalidInput : a member changed since its digest was taken
    """
    members: list[Member] = []
    offset = 0
    for name, digest, blocks in contents:
        member = Member(name, digest.crc, digest.size, offset)
        sink.write(_local_header(member))
        if digest_of(_tee(blocks, sink)) != digest:
            raise InvalidInput(
                "pack.moving", f"'{name}' changed while the report was made.", "Leave the input files alone."
            )
        members.append(member)
        offset = member.data_start + member.size
    sink.write(_directory(members, offset))


def read_pack(path: Path) -> tuple[Member, ...]:
    """The members of a pack, if its structure is the one that ``write_pack`` gives them.

    The data themselves are not read here; ``member_blocks`` does that and checks the CRC.

    Raises
    ------
    InvalidInput : the file cannot be read
    Modified : this is not the structure of a pack
    """
    try:
        with path.open("rb") as file:
            members = _members(file, path.stat().st_size)
            _refuse_other_spelling(file, members, path.stat().st_size)
    except OSError as error:
        raise unreadable(path, error) from error
    except (struct.error, UnicodeDecodeError, ValueError) as error:
        raise _damaged("its directory cannot be read") from error
    return members


def member_blocks(path: Path, member: Member) -> Iterator[bytes]:
    """The data of one member in blocks.

    Raises
    ------
    InvalidInput : the file cannot be read
    Modified : the data do not match the CRC; raised after the last block
    """
    crc, left = 0, member.size
    try:
        with path.open("rb") as file:
            file.seek(member.data_start)
            while left:
                block = file.read(min(left, _BLOCK_BYTES))
                if not block:
                    raise _damaged("it ends too early")
                crc, left = crc32(block, crc), left - len(block)
                yield block
    except OSError as error:
        raise unreadable(path, error) from error
    if crc != member.crc:
        raise Modified("pack.member", f"'{member.name}' in the evidence pack was changed.")


def _tee(blocks: Iterable[bytes], sink: IO[bytes]) -> Iterator[bytes]:
    """The blocks, each written to ``sink`` while the caller looks at it."""
    with ThreadPoolExecutor(1) as beside:
        written: Future[int] | None = None
        for block in blocks:
            if written:
                written.result()
            written = beside.submit(sink.write, block)
            yield block
        if written:
            written.result()


def _local_header(member: Member) -> bytes:
    name = member.name.encode()
    large = member.size >= _MAX32
    extra = struct.pack("<2H2Q", 1, 16, member.size, member.size) if large else b""
    size = _MAX32 if large else member.size
    version = 45 if large else 20
    return (
        _LOCAL.pack(b"PK\x03\x04", version, _UTF8, 0, 0, _DATE, member.crc, size, size, len(name), len(extra))
        + name
        + extra
    )


def _central_header(member: Member) -> bytes:
    name = member.name.encode()
    wide = ([member.size] * 2 if member.size >= _MAX32 else []) + ([member.offset] if member.offset >= _MAX32 else [])
    extra = struct.pack(f"<2H{len(wide)}Q", 1, 8 * len(wide), *wide) if wide else b""
    size, offset = min(member.size, _MAX32), min(member.offset, _MAX32)
    version = 45 if wide else 20
    fixed = _CENTRAL.pack(
        b"PK\x01\x02", _MADE_BY | version, version, _UTF8, 0, 0, _DATE, member.crc, size, size, len(name), len(extra),
        0, 0, 0, _ATTRIBUTES, offset,
    )  # fmt: skip
    return fixed + name + extra


def _directory(members: Sequence[Member], start: int) -> bytes:
    """The central directory and the records that end the file."""
    central = b"".join(map(_central_header, members))
    count = len(members)
    end64 = b""
    if start >= _MAX32:
        end64 = _END64.pack(b"PK\x06\x06", 44, _MADE_BY | 45, 45, 0, 0, count, count, len(central), start)
        end64 += _LOCATOR64.pack(b"PK\x06\x07", 0, start + len(central), 1)
    return central + end64 + _END.pack(b"PK\x05\x06", 0, 0, count, count, len(central), min(start, _MAX32), 0)


def _members(file: IO[bytes], size: int) -> tuple[Member, ...]:
    """What the central directory claims; nothing is believed yet."""
    if size < _END.size:
        raise _damaged("it is too short")
    file.seek(size - _END.size)
    signature, _, _, count, _, length, start, _ = _END.unpack(file.read(_END.size))
    if signature != b"PK\x05\x06" or count > _MEMBER_LIMIT or length > _DIRECTORY_LIMIT_BYTES:
        raise _damaged("it does not end as a pack does")
    if start == _MAX32:
        file.seek(size - _END.size - _LOCATOR64.size - _END64.size)
        start = _END64.unpack(file.read(_END64.size))[-1]
    file.seek(start)
    central = file.read(length)
    members, position = [], 0
    for _ in range(count):
        member, position = _read_central(central, position)
        members.append(member)
    return tuple(members)


def _read_central(central: bytes, position: int) -> tuple[Member, int]:
    fields = _CENTRAL.unpack_from(central, position)
    crc, size, name_length, extra_length, offset = fields[7], fields[9], fields[10], fields[11], fields[16]
    position += _CENTRAL.size
    name = central[position : position + name_length].decode()
    extra = central[position + name_length : position + name_length + extra_length]
    wide = list(struct.unpack(f"<{(len(extra) - 4) // 8}Q", extra[4:])) if extra else []
    if size == _MAX32:
        size = wide.pop(0)
        wide.pop(0)
    if offset == _MAX32:
        offset = wide.pop(0)
    return Member(name, crc, size, offset), position + name_length + extra_length


def _refuse_other_spelling(file: IO[bytes], members: Sequence[Member], size: int) -> None:
    """Regenerate all that is not data, and compare."""
    offset = 0
    for member in members:
        header = _local_header(member)
        if member.offset != offset:
            raise _damaged(f"something lies before '{member.name}'")
        file.seek(offset)
        if file.read(len(header)) != header:
            raise _damaged(f"the header of '{member.name}' is not its own")
        offset = member.data_start + member.size
    if len({member.name for member in members}) != len(members):
        raise _damaged("a name stands twice in it")
    expected = _directory(members, offset)
    file.seek(min(offset, size))
    if file.read(len(expected) + 1) != expected:
        raise _damaged("its directory is not the one of its members")


def _damaged(why: str) -> Modified:
    return Modified("pack.structure", f"The evidence pack was changed: {why}.")
