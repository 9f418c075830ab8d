"""The object store: content comes back as it went in, or is refused; names reveal nothing."""

from __future__ import annotations

import ctypes
import errno
import hashlib
import hmac
import io
import os
import stat
import struct
from pathlib import Path

import pytest

from appliance.crypto.aead import seal_small
from appliance.crypto.segments import SEGMENT_BYTES
from appliance.errors import InvalidInput, Modified, NotFound, Unavailable
from appliance.objects import parts
from appliance.objects.directory import open_directory
from appliance.objects.filesystem import FilesystemStore
from appliance.objects.sealed import ObjectStore

KEY = bytes(range(32))
BIG = hashlib.shake_128(b"big").digest(6 * SEGMENT_BYTES + 777)


def path_of(files: FilesystemStore, name: str) -> Path:
    return files._root / name[:2] / name[2:]


@pytest.mark.parametrize("size", [0, 1, SEGMENT_BYTES - 1, SEGMENT_BYTES, SEGMENT_BYTES + 1, len(BIG)])
def test_bytes_come_back_with_the_sha256_of_what_went_in(objects: ObjectStore, size: int) -> None:
    stored = objects.put_bytes(BIG[:size])
    assert stored.sha256 == hashlib.sha256(BIG[:size]).hexdigest()
    assert (stored.size_bytes, objects.size(stored.name)) == (size, size)
    assert objects.read(stored.name) == BIG[:size]
    objects.check(stored.name)


@pytest.mark.parametrize(
    "piece", [1000, 65_536, SEGMENT_BYTES - 1, SEGMENT_BYTES, SEGMENT_BYTES + 1, 3 * SEGMENT_BYTES + 5]
)
def test_the_pieces_of_a_stream_do_not_matter(objects: ObjectStore, piece: int) -> None:
    content = BIG[: 5 * SEGMENT_BYTES + 3]
    stored = objects.put_stream(content[at : at + piece] for at in range(0, len(content), piece))
    assert objects.read(stored.name) == content


def test_equal_content_is_stored_once(objects: ObjectStore, files: FilesystemStore) -> None:
    first, second = objects.put_bytes(b"scan"), objects.put_stream([b"sc", b"", b"an"])
    assert first == second
    assert list(files.names()) == [first.name]
    assert not list(files._drafts.iterdir())


def test_a_name_is_keyed_and_differs_between_workspaces(objects: ObjectStore, files: FilesystemStore) -> None:
    name = objects.put_bytes(b"scan").name
    assert name != hashlib.sha256(b"scan").hexdigest()
    assert ObjectStore(files, bytes(32)).name_of(hashlib.sha256(b"scan").hexdigest()) != name
    extracted = hmac.digest(bytes(32), KEY, "sha256")
    name_key = hmac.digest(extracted, b"d2r/object-name/1\x01", "sha256")
    assert name == hmac.digest(name_key, hashlib.sha256(b"scan").digest(), "sha256").hex()


def test_another_workspaces_key_reads_nothing(objects: ObjectStore, files: FilesystemStore) -> None:
    name = objects.put_bytes(b"scan").name
    with pytest.raises(Modified):
        ObjectStore(files, bytes(32)).read(name)


def test_no_plain_byte_stands_in_the_file(objects: ObjectStore, files: FilesystemStore) -> None:
    stored = objects.put_bytes(b"a secret part" * 100)
    raw = path_of(files, stored.name).read_bytes()
    assert b"secret" not in raw
    assert bytes.fromhex(stored.sha256) not in raw
    assert stat.S_IMODE(path_of(files, stored.name).stat().st_mode) == 0o600


def test_ranges_are_slices(objects: ObjectStore) -> None:
    name = objects.put_bytes(BIG).name
    for start in (0, 1, SEGMENT_BYTES - 1, SEGMENT_BYTES, 3 * SEGMENT_BYTES + 9, len(BIG) - 1, len(BIG), len(BIG) + 5):
        for length in (0, 1, 100, SEGMENT_BYTES, 2 * SEGMENT_BYTES + 1, len(BIG)):
            assert objects.read_range(name, start, length) == BIG[start : start + length]


def test_an_object_opens_as_a_file_that_seeks(objects: ObjectStore) -> None:
    name = objects.put_bytes(BIG).name
    with objects.open(name) as file:
        assert file.read(10) == BIG[:10]
        assert file.seek(-10, io.SEEK_END) == len(BIG) - 10
        assert file.read() == BIG[-10:]
        file.seek(SEGMENT_BYTES - 3)
        assert file.read(6) == BIG[SEGMENT_BYTES - 3 : SEGMENT_BYTES + 3]
        assert not file.writable()


def test_a_working_copy_is_whole_private_and_made_once(objects: ObjectStore, tmp_path: Path) -> None:
    stored, copy = objects.put_bytes(BIG), tmp_path / "copy"
    objects.copy_to(stored.name, copy)
    assert copy.read_bytes() == BIG
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with pytest.raises(Unavailable):
        objects.copy_to(stored.name, copy)


def test_no_part_of_a_broken_object_is_left_as_a_copy(
    objects: ObjectStore, files: FilesystemStore, tmp_path: Path
) -> None:
    name = objects.put_bytes(BIG).name
    path = path_of(files, name)
    raw = bytearray(path.read_bytes())
    raw[4 * SEGMENT_BYTES] ^= 1
    path.write_bytes(raw)
    with pytest.raises(Modified):
        objects.copy_to(name, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_every_flipped_byte_of_a_small_object_is_refused(objects: ObjectStore, files: FilesystemStore) -> None:
    for content in (b"", b"a small scan"):
        name = objects.put_bytes(content).name
        path = path_of(files, name)
        raw = path.read_bytes()
        for position in range(len(raw)):
            changed = bytearray(raw)
            changed[position] ^= 1 << position % 8
            path.write_bytes(changed)
            with pytest.raises(Modified):
                objects.read(name)
        path.write_bytes(raw)
        assert objects.read(name) == content


def test_an_object_cut_at_any_byte_or_continued_is_refused(objects: ObjectStore, files: FilesystemStore) -> None:
    name = objects.put_bytes(b"a small scan").name
    path = path_of(files, name)
    raw = path.read_bytes()
    for length in range(len(raw)):
        path.write_bytes(raw[:length])
        with pytest.raises(Modified):
            objects.read(name)
    for added in (raw + b"\0", b"\0" + raw, raw + raw):
        path.write_bytes(added)
        with pytest.raises(Modified):
            objects.read(name)


def test_an_object_under_the_name_of_another_is_refused(objects: ObjectStore, files: FilesystemStore) -> None:
    one, two = objects.put_bytes(b"pass").name, objects.put_bytes(b"fail").name
    path_of(files, one).write_bytes(path_of(files, two).read_bytes())
    with pytest.raises(Modified, match="name of another"):
        objects.read(one)


def test_a_part_brought_from_another_object_is_refused(objects: ObjectStore, files: FilesystemStore) -> None:
    one, two = path_of(files, objects.put_bytes(b"pass").name), path_of(files, objects.put_bytes(b"fail").name)
    part_bytes = 33 + 4 + 16
    one.write_bytes(two.read_bytes()[:part_bytes] + one.read_bytes()[part_bytes:])
    with pytest.raises(Modified, match="not the one that belongs there"):
        objects.read(objects.name_of(hashlib.sha256(b"pass").hexdigest()))


def test_a_damaged_object_is_healed_by_content_that_comes_again(objects: ObjectStore, files: FilesystemStore) -> None:
    name = objects.put_bytes(b"scan").name
    path_of(files, name).write_bytes(path_of(files, name).read_bytes()[:-1])
    assert objects.put_bytes(b"scan").name == name
    assert objects.read(name) == b"scan"


def test_a_missing_object_is_not_found_and_a_deleted_one_is_missing(objects: ObjectStore) -> None:
    name = objects.put_bytes(b"scan").name
    assert objects.exists(name)
    objects.delete(name)
    objects.delete(name)
    assert not objects.exists(name)
    with pytest.raises(NotFound):
        objects.read(name)


@pytest.mark.parametrize("name", ["", "..", "../../etc/passwd", "a" * 63, "A" * 64, "a" * 64 + "\n", "ab/" + "c" * 61])
def test_a_name_that_is_none_never_becomes_a_path(objects: ObjectStore, name: str) -> None:
    with pytest.raises(InvalidInput):
        objects.read(name)


def test_a_link_that_leads_out_of_the_store_is_refused(
    objects: ObjectStore, files: FilesystemStore, tmp_path: Path
) -> None:
    name = objects.put_bytes(b"scan").name
    outside = tmp_path / "outside"
    path_of(files, name).parent.rename(outside)
    (files._root / name[:2]).symlink_to(outside)
    with pytest.raises(Modified, match="leads out"):
        objects.read(name)


def test_a_full_disk_leaves_nothing_behind(
    objects: ObjectStore, files: FilesystemStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.pwrite

    def full(descriptor: int, data: memoryview, place: int) -> int:
        if place > 2 * SEGMENT_BYTES:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, data[: len(data) // 2 + 1], place)

    monkeypatch.setattr(parts.os, "pwrite", full)
    with pytest.raises(Unavailable) as caught:
        objects.put_bytes(BIG)
    assert caught.value.code == "storage.full"
    assert list(files.names()) == list(files._drafts.iterdir()) == []
    stored = objects.put_bytes(BIG[:100])
    monkeypatch.undo()
    assert objects.read(stored.name) == BIG[:100]


def test_drafts_that_nobody_finishes_are_swept(files: FilesystemStore) -> None:
    old, new = files.new_draft(), files.new_draft()
    os.utime(old, (1, 1))
    assert files.sweep_drafts(older_than=1000) == 1
    assert (old.exists(), new.exists()) == (False, True)


def spied(monkeypatch: pytest.MonkeyPatch, *functions: str) -> list[str]:
    """What of ``functions`` of the operating system is called from now on, in order."""
    calls: list[str] = []
    for function in functions:
        real = getattr(os, function)

        def noted(*arguments: object, real=real, function=function) -> object:  # type: ignore[no-untyped-def]
            is_folder = function == "fsync" and stat.S_ISDIR(os.fstat(arguments[0]).st_mode)  # type: ignore[arg-type]
            calls.append("folder" if is_folder else function)
            return real(*arguments)

        monkeypatch.setattr(os, function, noted)
    return calls


def test_an_object_is_synced_before_it_is_named_and_its_folder_after(
    objects: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = spied(monkeypatch, "fsync", "replace")
    objects.put_bytes(b"scan")
    assert calls == ["fsync", "folder", "replace", "folder", "folder"]


def test_a_deferred_store_syncs_all_objects_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = FilesystemStore(tmp_path / "objects", tmp_path / "uploads", deferred=True)
    store, settled = ObjectStore(files, KEY, deferred=True), []
    monkeypatch.setattr("appliance.objects.filesystem.sync_file_system", settled.append)
    calls = spied(monkeypatch, "fsync", "replace")
    kept = [store.put_bytes(bytes([number])) for number in range(3)]
    assert (calls.count("replace"), calls.count("fsync"), settled) == (3, 0, [])
    store.settle()
    assert settled == [tmp_path / "objects"]
    assert [store.read(one.name) for one in kept] == [b"\0", b"\1", b"\2"]


def test_an_error_of_the_disk_is_told_when_a_deferred_store_settles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ObjectStore(FilesystemStore(tmp_path / "o", tmp_path / "u", deferred=True), KEY, deferred=True)
    store.put_bytes(b"scan")
    store.settle()

    class Broken:
        @staticmethod
        def syncfs(descriptor: int) -> int:
            ctypes.set_errno(errno.EIO)
            return -1

    monkeypatch.setattr("appliance.core.files._LIBC", Broken)
    with pytest.raises(Unavailable, match="Input/output"):
        store.settle()


def test_a_directory_that_contradicts_itself_is_refused() -> None:
    head, part = struct.Struct(">Q32sI"), struct.Struct(">32sQ").pack(bytes(32), 5)
    for length, count in ((6, 1), (5, 2), (0, 0)):
        sealed = seal_small(KEY, head.pack(length, bytes(32), count) + part, "d2r/object-directory/1")
        with pytest.raises(Modified, match="contradicts"):
            open_directory(KEY, sealed)
    sealed = seal_small(KEY, head.pack(5, bytes(32), 1) + part, "d2r/object-directory/1")
    assert open_directory(KEY, sealed).plain_bytes == 5
