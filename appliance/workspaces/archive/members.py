"""The inside of an archive: a tar file of small pieces of tables, then objects, each a member of its own.

    head.json                    what this is, and which columns the tables have
    tables/<table>/<number>      rows, one JSON array a line
    objects/<sha256>             the plain bytes of an object
    statement.json               what all of that must be, signed; always the last

Whoever has the key of an archive can open it with any tar once it is unsealed.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import IO, Any, Final, cast

from appliance.errors import Modified
from appliance.workspaces.archive.sealing import SealedSink, SealedSource

HEAD: Final = "head.json"
STATEMENT: Final = "statement.json"
TABLES: Final = "tables/"
OBJECTS: Final = "objects/"
BLOCK_BYTES: Final = 1 << 20
#: Members that are read whole are no longer than this; a piece of a table is much shorter.
WHOLE_LIMIT_BYTES: Final = 64 << 20


class MemberWriter:
    """Writes members one after the other; nothing of them is kept."""

    def __init__(self, sink: SealedSink) -> None:
        stream = cast(IO[bytes], sink)
        tar = tarfile.open(fileobj=stream, mode="w|", format=tarfile.GNU_FORMAT, bufsize=BLOCK_BYTES)  # noqa: SIM115
        self._tar = cast(Any, tar)
        self._tar.copybufsize = BLOCK_BYTES

    def add(self, name: str, data: bytes) -> None:
        """A member whose bytes are at hand."""
        self.add_stream(name, len(data), BytesIO(data))

    def add_stream(self, name: str, size: int, stream: IO[bytes]) -> None:
        """A member of ``size`` bytes from ``stream``."""
        member = tarfile.TarInfo(name)
        member.size = size
        self._tar.addfile(member, stream)
        self._tar.members.clear()

    def close(self) -> None:
        """End the archive."""
        self._tar.close()


@dataclass(frozen=True)
class Member:
    """A member that is being read; its bytes can be taken once, before the next member."""

    name: str
    size: int
    _stream: IO[bytes]

    def whole(self) -> bytes:
        """All bytes of a small member.

        Raises
        ------
        Modified : it is not small
        """
        if self.size > WHOLE_LIMIT_BYTES:
            raise Modified("archive.member", f"'{self.name}' is longer than it can be.")
        return b"".join(self.blocks())

    def blocks(self) -> Iterator[bytes]:
        """The bytes in blocks of up to 1 MiB."""
        while block := self._read():
            yield block

    def _read(self) -> bytes:
        try:
            return self._stream.read(BLOCK_BYTES)
        except tarfile.TarError as error:
            raise _damaged(error) from error


def read_members(source: SealedSource) -> Iterator[Member]:
    """The members of an archive in their order, to its very end.

    Raises
    ------
    Modified : it was cut or changed, or holds something else than plain members
    """
    try:
        with tarfile.open(fileobj=cast(IO[bytes], source), mode="r|", bufsize=BLOCK_BYTES) as tar:
            opened: Any = tar
            while (found := tar.next()) is not None:
                if found.type != tarfile.REGTYPE or found.pax_headers:
                    raise Modified("archive.member", "The archive holds a member that is no plain file.")
                yield Member(found.name, found.size, cast(IO[bytes], tar.extractfile(found)))
                opened.members.clear()
            while rest := opened.fileobj.read(BLOCK_BYTES):
                if rest.strip(b"\0"):
                    raise Modified("archive.form", "Something stands behind the end of the archive.")
    except tarfile.TarError as error:
        raise _damaged(error) from error


def _damaged(error: tarfile.TarError) -> Modified:
    return Modified("archive.form", f"The inside of the archive is damaged: {error}.")
