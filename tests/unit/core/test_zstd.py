"""Compressed streams: what goes in comes out, and what grows without end is stopped."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import zstandard

from appliance.core.zstd import WINDOW_LIMIT_BYTES, deflate, inflate
from appliance.errors import InvalidInput

CONTENT = b"0.125 2.5 3.75\n" * 200_000


def cut(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


@pytest.mark.parametrize("size", [7, 4096, 1 << 20, len(CONTENT)])
def test_content_comes_back_however_it_is_cut(size: int) -> None:
    packed = b"".join(deflate(cut(CONTENT, size)))
    assert packed == b"".join(deflate([CONTENT]))
    assert zstandard.ZstdDecompressor().decompressobj().decompress(packed) == CONTENT
    assert b"".join(inflate(cut(packed, size), len(CONTENT))) == CONTENT


def test_frames_that_stand_one_behind_the_other_are_one_content() -> None:
    packed = b"".join(deflate([b"one"])) + b"".join(deflate([b"two"]))
    assert b"".join(inflate([packed], 6)) == b"onetwo"


def test_empty_content_is_a_frame() -> None:
    packed = b"".join(deflate([]))
    assert packed
    assert b"".join(inflate([packed], 0)) == b""


def test_a_bomb_is_stopped_before_it_fills_memory() -> None:
    packed = zstandard.ZstdCompressor().compress(bytes(64 << 20))
    assert len(packed) < 10_000
    seen: list[int] = []
    with pytest.raises(InvalidInput, match="grows beyond"):
        seen.extend(len(block) for block in inflate([packed], 3 << 20))
    assert sum(seen) <= 3 << 20


@pytest.mark.parametrize("data", [b"not zstandard at all", b"PK\x03\x04" * 9])
def test_what_is_no_zstandard_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput, match="damaged"):
        list(inflate([data], 1 << 20))


def test_a_stream_that_was_cut_ends_early_and_is_found_by_its_length() -> None:
    packed = b"".join(deflate([CONTENT]))
    for length in range(0, len(packed), max(1, len(packed) // 50)):
        assert sum(map(len, inflate([packed[:length]], len(CONTENT)))) < len(CONTENT)


def test_a_window_that_needs_too_much_memory_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=28, enable_ldm=True)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    packed = packer.compress(bytes(1000)) + packer.flush()
    assert WINDOW_LIMIT_BYTES == 1 << 27
    with pytest.raises(InvalidInput):
        list(inflate([packed], 1 << 20))
