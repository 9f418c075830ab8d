"""Uploads as use cases: offsets, hashes over interruptions, parts, space, expiry, what a restart remembers."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from appliance.core.clock import rfc3339_us
from appliance.crypto.segments import Part
from appliance.errors import Conflict, InvalidInput, Modified, NotFound, Unavailable
from appliance.ingest import files, finishing, housekeeping, receiving, service
from appliance.ingest.hashes import HashStates, new_digest
from appliance.ingest.locks import locked
from appliance.ingest.models import UploadPart, UploadRow
from appliance.ingest.receiving import uploads_of
from appliance.objects import parts
from appliance.objects.sealed import ObjectStore
from appliance.scans.evidence import copy_scan
from appliance.scans.models import Scan
from tests.unit.ingest.conftest import SCAN, Sender, manifest, reader

BIG = SCAN * 40


def test_pieces_and_restarts_do_not_change_what_arrives(
    sender: Sender, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "PART_BYTES", 50_000)
    upload, offset = sender.begin(BIG), 0
    for size in (1, 100_000, 7, 65_536, len(BIG)):
        piece = BIG[offset : offset + size]
        offset = sender.append(upload, offset, piece).offset_bytes
        monkeypatch.setattr(files, "_states", HashStates())  # a restarted process remembers no hash
    done, scan = sender.finish(upload)
    assert scan.sha256 == done.content_sha256 == hashlib.sha256(BIG).hexdigest()
    copy_scan(sender.scope, scan, tmp_path / "scan")
    assert (tmp_path / "scan").read_bytes() == BIG


def test_every_part_has_a_salt_of_its_own_and_none_is_plain(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "PART_BYTES", 50_000)
    upload = sender.begin(BIG)
    sender.append(upload, 0, BIG[:200_000])
    with sender.scope:
        rows = list(UploadPart.select().where(UploadPart.upload_id == upload.id))
    assert len({row.salt for row in rows}) == len(rows) == 1  # one block of a request is never torn apart
    raw = (uploads_of(sender.scope) / upload.id).read_bytes()
    assert b"1.0 0.0 0.5" not in raw


def test_what_a_torn_request_left_is_cut_off_and_its_salt_never_used_again(sender: Sender) -> None:
    upload = sender.begin(BIG)
    sender.append(upload, 0, BIG[:1000])
    path = uploads_of(sender.scope) / upload.id
    whole = path.read_bytes()
    path.write_bytes(whole + os.urandom(5000))
    sender.append(upload, 1000, b"")
    assert path.read_bytes() == whole
    sender.append(upload, 1000, BIG[1000:])
    assert path.read_bytes()[: len(whole)] == whole
    _, scan = sender.finish(upload)
    assert scan.state == "stored"


def test_a_file_that_lost_its_acknowledged_bytes_is_not_gone_on_with(sender: Sender) -> None:
    """What was acknowledged and synced cannot vanish; if somebody truncates the file, nothing is pretended."""
    upload = sender.begin(BIG)
    sender.append(upload, 0, BIG[:1000])
    files._states.take(upload.id, 1000)
    os.truncate(uploads_of(sender.scope) / upload.id, 500)
    with pytest.raises(Modified):
        sender.append(upload, 1000, BIG[1000:])


def test_a_full_disk_keeps_what_was_committed_and_goes_on_later(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "PART_BYTES", 1 << 20)
    content = SCAN * 500
    upload, real = sender.begin(content), os.pwrite

    def full(descriptor: int, data: Any, place: int) -> int:
        if place > 3 << 20:
            raise OSError(28, "No space left on device")
        return real(descriptor, data, place)

    monkeypatch.setattr(parts.os, "pwrite", full)
    with pytest.raises(Unavailable) as caught:
        sender.append(upload, 0, content)
    assert caught.value.code == "storage.full"
    monkeypatch.setattr(parts.os, "pwrite", real)
    stands = service.find_upload(sender.scope, upload.id).offset_bytes
    assert 0 < stands <= 3 << 20
    sender.append(upload, stands, content[stands:])
    _, scan = sender.finish(upload)
    assert scan.sha256 == hashlib.sha256(content).hexdigest()


def test_a_broken_checksum_takes_back_bytes_hash_and_file(sender: Sender) -> None:
    upload = sender.begin(BIG)
    sender.append(upload, 0, BIG[:1000])
    wrong = service.Checksum("sha256", bytes(32))
    with pytest.raises(InvalidInput) as caught:
        sender.append(upload, 1000, BIG[1000:90_000], wrong)
    assert caught.value.code == "upload.checksum"
    right = service.Checksum("sha256", hashlib.sha256(BIG[1000:]).digest())
    sender.append(upload, 1000, BIG[1000:], right)
    assert sender.finish(upload)[1].sha256 == hashlib.sha256(BIG).hexdigest()


def test_an_empty_request_changes_nothing(sender: Sender) -> None:
    upload = sender.begin(BIG)
    assert sender.append(upload, 0, b"").offset_bytes == 0
    with sender.scope:
        assert not UploadPart.select().exists()


def test_too_many_small_pieces_are_refused(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "PARTS_LIMIT", 3)
    upload = sender.begin(BIG)
    for offset in range(3):
        sender.append(upload, offset, BIG[offset : offset + 1])
    with pytest.raises(InvalidInput, match="small pieces"):
        sender.append(upload, 3, BIG[3:4])


def test_finishing_again_is_the_same_scan(sender: Sender) -> None:
    upload = sender.begin(SCAN)
    with pytest.raises(Conflict):
        sender.finish(upload)
    sender.append(upload, 0, SCAN)
    first, second = sender.finish(upload), sender.finish(upload)
    assert first[1].id == second[1].id
    assert len(list(ObjectStore.of(sender.scope).names())) == 1
    assert not list(uploads_of(sender.scope).glob("upl_*"))


def test_the_schedule_finishes_what_a_lost_process_left_complete(sender: Sender) -> None:
    upload = sender.begin(SCAN)
    sender.append(upload, 0, SCAN)
    other = sender.begin(BIG)
    sender.append(other, 0, BIG[:100])
    assert housekeeping.keep_house(sender.scope, sender.inspect)["finished"] == 1
    with sender.scope:
        assert Scan.select().count() == 1
    assert housekeeping.resume(sender.scope, sender.inspect) == 0


def test_an_upload_that_stands_still_expires_and_one_that_moves_does_not(sender: Sender) -> None:
    old, new = sender.begin(SCAN), sender.begin(BIG)
    sender.append(old, 0, SCAN[:100])
    with sender.scope:
        UploadRow.update(expires_at="2020-01-01T00:00:00.000000Z").execute()
    sender.append(new, 0, BIG[:100])
    with locked(uploads_of(sender.scope), old.id):
        assert housekeeping.expire(sender.scope) == 0
    assert housekeeping.expire(sender.scope) == 1
    with pytest.raises(NotFound):
        service.find_upload(sender.scope, old.id)
    assert not (uploads_of(sender.scope) / old.id).exists()
    assert service.find_upload(sender.scope, new.id).expires_at > rfc3339_us(receiving.utc_now())


def test_files_that_no_row_needs_are_swept_after_a_while(sender: Sender) -> None:
    upload = sender.begin(BIG)
    sender.append(upload, 0, BIG[:100])
    folder = uploads_of(sender.scope)
    for name in ("upl_orphan", "draft-orphan"):
        (folder / name).write_bytes(b"x")
    assert housekeeping.sweep(sender.scope) == 0
    for path in folder.iterdir():
        os.utime(path, (1, 1))
    assert housekeeping.sweep(sender.scope) == 2
    assert (folder / upload.id).exists()


def test_locks_exclude_by_name_and_fall_with_their_holder(tmp_path: Path) -> None:
    with locked(tmp_path, "a"):
        with pytest.raises(Conflict), locked(tmp_path, "a"):
            pytest.fail("held twice")
        with locked(tmp_path, "b"):
            pass
    with locked(tmp_path, "a"):
        pass


def test_a_hash_is_taken_for_its_own_offset_only_and_once() -> None:
    states, digest = HashStates(), new_digest()
    states.keep("upl_1", 10, digest)
    assert states.take("upl_1", 9) is None
    states.keep("upl_1", 10, digest)
    assert states.take("upl_1", 10) is digest
    assert states.take("upl_1", 10) is None


def test_partial_uploads_are_joined_without_being_sealed_again(sender: Sender) -> None:
    scope, ids = sender.scope, []
    for piece in (SCAN[:4000], b"", SCAN[4000:]):
        partial = service.begin(scope, len(piece), manifest=None, partial=True)
        if piece:
            service.append(scope, partial.id, 0, reader(piece), len(piece))
        ids.append(partial.id)
    sealed = b"".join((uploads_of(scope) / name).read_bytes() for name in ids if (uploads_of(scope) / name).exists())
    final = service.begin_final(scope, ids, manifest=manifest(SCAN), envelope=None, metadata="")
    done = finishing.finish(scope, final.id, sender.inspect)
    with scope:
        scan = Scan.get_by_id(done.scan_id)
    name = scan.object
    stored = (scope.settings.objects_folder / scope.object_prefix / name[:2] / name[2:]).read_bytes()
    assert stored.startswith(sealed)
    assert scan.sha256 == hashlib.sha256(SCAN).hexdigest()
    with pytest.raises(Conflict):
        service.begin_final(scope, ids, manifest=manifest(SCAN), envelope=None, metadata="")


def test_bytes_go_only_into_an_upload_that_receives(sender: Sender) -> None:
    scope, upload = sender.scope, sender.begin(SCAN)
    sender.append(upload, 0, SCAN)
    with scope:
        UploadRow.update(state="sealed").execute()
    with pytest.raises(Conflict):
        sender.append(upload, len(SCAN), b"")
    partial = service.begin(scope, 1, manifest=None, partial=True)
    service.append(scope, partial.id, 0, reader(b"1"), 1)
    final = service.begin_final(scope, [partial.id], manifest=manifest(b"1"), envelope=None, metadata="")
    with pytest.raises(Conflict):
        service.append(scope, final.id, 0, reader(b"1"), 1)


def test_a_request_that_was_overtaken_commits_nothing(sender: Sender) -> None:
    upload = sender.begin(SCAN)
    stale = service.find_upload(sender.scope, upload.id)
    sender.append(upload, 0, SCAN[:1000])
    with pytest.raises(Conflict, match="went on"):
        receiving.commit_parts(sender.scope, stale, [Part(bytes(32), 77)])
    with sender.scope:
        assert UploadPart.select().count() == 1
    assert service.find_upload(sender.scope, upload.id).offset_bytes == 1000
