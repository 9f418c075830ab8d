"""The gate to Zstandard: streams in and out with bounded memory, and an end to what grows without one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import zstandard

from appliance.errors import InvalidInput

#: A stream whose window is larger asks its reader for that much memory (zstd --long beyond 27).
WINDOW_LIMIT_BYTES: Final = 1 << 27
#: Level 3 packs as fast as a disk writes.
LEVEL: Final = 3
_BLOCK_BYTES: Final = 1 << 20


def deflate(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """``blocks`` as one Zstandard frame with a checksum; equal content gives equal bytes, however it is cut."""
    packer = zstandard.ZstdCompressor(LEVEL, write_checksum=True).chunker(chunk_size=_BLOCK_BYTES)
    for block in blocks:
        yield from packer.compress(block)
    yield from packer.finish()  # type: ignore[no-untyped-call]


def inflate(blocks: Iterable[bytes], limit_bytes: int) -> Iterator[bytes]:
    """The content of Zstandard frames that stand one behind the other.

    Not checked here: that the stream is complete.  One that was cut ends early, so callers compare length and hash.

    Raises
    ------
    InvalidInput : not Zstandard, damaged, a window beyond the limit, or content beyond ``limit_bytes``
    """
    rest, total = _Source(blocks), 0
    packed = zstandard.ZstdDecompressor(max_window_size=WINDOW_LIMIT_BYTES)
    try:
        with packed.stream_reader(rest, read_size=_BLOCK_BYTES, read_across_frames=True) as reader:  # type: ignore[arg-type]
            while block := reader.read(_BLOCK_BYTES):
                total += len(block)
                if total > limit_bytes:
                    raise InvalidInput("zstd.bomb", f"The compressed content grows beyond {limit_bytes} bytes.")
                yield block
    except zstandard.ZstdError as error:
        raise InvalidInput("zstd.broken", f"The compressed content is damaged: {error}.") from error


class _Source:
    """Blocks as a file to read."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = iter(blocks)

    def read(self, size: int = -1) -> bytes:
        return next(self._blocks, b"")
