"""Sealed evidence under chance: however bytes are cut, interrupted, torn and resumed, they come back or are refused."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.crypto import segments
from appliance.crypto.segments import Part
from appliance.errors import Modified
from appliance.objects import directory as directories
from appliance.objects import parts as part_files
from appliance.objects import reading
from appliance.objects.directory import Directory, open_directory, seal_directory
from appliance.objects.filesystem import FilesystemStore
from appliance.objects.parts import PartsReader, PartWriter
from appliance.objects.reading import SealedReader
from appliance.objects.sealed import ObjectStore, finish_draft

KEY = bytes(range(32))
SEGMENT = 64
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(autouse=True)
def short_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments of 64 bytes, so that small contents have many of them."""
    for module in (segments, part_files, reading):
        monkeypatch.setattr(module, "SEGMENT_BYTES", SEGMENT)
    monkeypatch.setattr(segments, "SEALED_SEGMENT_BYTES", SEGMENT + 16)


class File:
    """An upload's file: sealed parts, of which ``committed`` are acknowledged."""

    def __init__(self, path: Path) -> None:
        self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        self.parts: list[Part] = []

    @property
    def committed_bytes(self) -> int:
        return sum(part.sealed_bytes for part in self.parts)

    def add(self, pieces: list[bytes]) -> None:
        """One request that ends well."""
        os.ftruncate(self.descriptor, self.committed_bytes)
        writer = PartWriter(self.descriptor, KEY, self.committed_bytes)
        for piece in pieces:
            writer.write(piece)
        self.parts.append(writer.close())

    def tear(self, pieces: list[bytes], keep: float) -> None:
        """One request that is cut off: any beginning of what it wrote is on the disk."""
        os.ftruncate(self.descriptor, self.committed_bytes)
        writer = PartWriter(self.descriptor, KEY, self.committed_bytes)
        for piece in pieces:
            writer.write(piece)
        size = os.fstat(self.descriptor).st_size
        os.ftruncate(self.descriptor, self.committed_bytes + int((size - self.committed_bytes) * keep))

    def plain(self) -> bytes:
        return b"".join(PartsReader(self.descriptor, KEY, self.parts).blocks())


requests = st.lists(
    st.tuples(st.lists(st.binary(max_size=200), min_size=1, max_size=4), st.booleans(), st.floats(0, 1)), max_size=6
)


@quick
@given(requests)
def test_whatever_is_torn_and_resumed_the_committed_bytes_come_back(
    tmp_path: Path, steps: list[tuple[list[bytes], bool, float]]
) -> None:
    file, expected = File(tmp_path / "upload"), b""
    for pieces, ends_well, keep in steps:
        if ends_well:
            file.add(pieces)
            expected += b"".join(pieces)
        else:
            file.tear(pieces, keep)
        assert file.plain() == expected
    sealed = Directory(hashlib.sha256(expected).digest(), tuple(file.parts))
    finish_draft(file.descriptor, KEY, sealed)
    os.close(file.descriptor)
    with (tmp_path / "upload").open("rb") as whole:
        reader = SealedReader(whole, KEY)
        assert b"".join(reader.blocks()) == expected
        assert len({part.salt for part in reader.directory.parts}) == len(file.parts)


@quick
@given(st.lists(st.binary(max_size=300), max_size=5), st.integers(0, 1200), st.integers(0, 1200))
def test_a_range_is_the_slice_of_the_whole(tmp_path: Path, pieces: list[bytes], start: int, length: int) -> None:
    file = File(tmp_path / "upload")
    for piece in pieces:
        file.add([piece])
    whole = b"".join(pieces)
    reader = PartsReader(file.descriptor, KEY, file.parts)
    assert b"".join(reader.blocks(start, start + length)) == whole[start : start + length]
    os.close(file.descriptor)


@quick
@given(st.lists(st.binary(min_size=1, max_size=150), min_size=2, max_size=4), st.data())
def test_parts_moved_doubled_dropped_or_cut_are_refused(
    tmp_path: Path, pieces: list[bytes], data: st.DataObject
) -> None:
    file = File(tmp_path / "upload")
    for piece in pieces:
        file.add([piece])
    raw = os.pread(file.descriptor, file.committed_bytes, 0)
    ends = [sum(part.sealed_bytes for part in file.parts[: n + 1]) for n in range(len(file.parts))]
    blobs = [raw[end - part.sealed_bytes : end] for end, part in zip(ends, file.parts, strict=True)]
    order = data.draw(st.lists(st.integers(0, len(blobs) - 1), max_size=5))
    if order == list(range(len(blobs))):
        order = order[::-1]
    tail = seal_directory(KEY, Directory(hashlib.sha256(b"".join(pieces)).digest(), tuple(file.parts)))
    changed = tmp_path / "changed"
    changed.write_bytes(b"".join(blobs[number] for number in order) + tail)
    os.close(file.descriptor)
    with changed.open("rb") as opened, pytest.raises(Modified):
        list(SealedReader(opened, KEY).blocks())


@settings(parent=quick, max_examples=20)
@given(st.binary(max_size=200), st.integers(0, 7))
def test_every_flipped_bit_and_every_cut_of_an_object_is_refused(tmp_path: Path, content: bytes, bit: int) -> None:
    objects = ObjectStore(FilesystemStore(tmp_path / "o", tmp_path / "u"), KEY)
    name = objects.put_bytes(content).name
    path = tmp_path / "o" / name[:2] / name[2:]
    raw = path.read_bytes()
    for position in range(0, len(raw), 3):
        changed = bytearray(raw)
        changed[position] ^= 1 << bit
        path.write_bytes(changed)
        with pytest.raises(Modified):
            objects.read(name)
        path.write_bytes(raw[:position])
        with pytest.raises(Modified):
            objects.read(name)
    objects.delete(name)


@quick
@given(
    st.binary(min_size=32, max_size=32),
    st.lists(st.tuples(st.binary(min_size=32, max_size=32), st.integers(0, 1 << 40)), max_size=9),
)
def test_a_directory_comes_back_as_it_was(digest: bytes, rows: list[tuple[bytes, int]]) -> None:
    directory = Directory(digest, tuple(Part(salt, size) for salt, size in rows))
    sealed = seal_directory(KEY, directory)
    length = directories.directory_length(sealed[-directories.FOOTER_BYTES :])
    assert length == len(sealed) - directories.FOOTER_BYTES
    assert open_directory(KEY, sealed[:length]) == directory
    with pytest.raises(Modified):
        open_directory(bytes(32), sealed[:length])
