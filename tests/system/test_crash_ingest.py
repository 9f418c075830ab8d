"""The crash matrix of ingest: a process is killed at each point, and nothing that it acknowledged is lost.

Each row forks a process that takes one scan in and is killed (SIGKILL) at the named point; then another goes on as a
client or the schedule would.  One row does so through a real gunicorn, whose worker dies again and again.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from appliance.audit.database_log import DatabaseLog
from appliance.config.settings import load_settings
from appliance.core import faults
from appliance.ingest import finishing, housekeeping, quarantine, service
from appliance.ingest.models import UploadRow
from appliance.ingest.receiving import uploads_of
from appliance.objects.sealed import ObjectStore
from appliance.scans.evidence import copy_scan
from appliance.scans.models import Scan
from appliance.scans.service import list_scans
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.scope import WorkspaceScope
from appliance.tenancy.site import Site
from tests.unit.ingest.conftest import manifest, reader
from tests.upload_server import found, serving

SCAN = b"0.0 0.0 0.0\n1.0 0.0 0.5\n" * 2000
HALF = len(SCAN) // 2


@contextmanager
def opened(data: Path) -> Iterator[WorkspaceScope]:
    """The workspace, as a process that has just started sees it."""
    with (
        Site.open(load_settings(data, {"D2R_FREE_SPACE_FLOOR_BYTES": "0"})) as site,
        site.scope(SYSTEM, "main") as scope,
    ):
        yield scope


def killed(data: Path, point: str, count: int, work: Callable[[WorkspaceScope], object]) -> None:
    """Do ``work`` in another process, which must die when it comes by ``point`` for the ``count``-th time."""
    child = os.fork()
    if not child:
        faults._armed, faults._passed = (point, count), 0
        with opened(data) as scope:
            work(scope)
        os._exit(0)
    deadline, ended, status = time.monotonic() + 60, 0, 0
    while not ended and time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        time.sleep(0.005)
    if not ended:
        os.kill(child, signal.SIGTERM)
        pytest.fail(f"the process that should die at {point} stands still")
    assert os.WIFSIGNALED(status), f"{point} was not passed"
    assert os.WTERMSIG(status) == signal.SIGKILL


def begin(scope: WorkspaceScope, content: bytes = SCAN, **more: object) -> str:
    return str(service.begin(scope, len(content), manifest=manifest(content, **more)).id)


def append(scope: WorkspaceScope, upload_id: str, offset: int, stop: int = len(SCAN)) -> UploadRow:
    return service.append(scope, upload_id, offset, reader(SCAN[offset:stop]), stop - offset)


def entries_about(scope: WorkspaceScope, scan_id: str) -> list[str]:
    log = DatabaseLog.of(scope)
    entries = [json.loads(log.entry(index)) for index in range(log.size)]
    return [entry["kind"] for entry in entries if entry["facts"].get("scan") == scan_id]


def assert_whole(data: Path, folder: Path) -> None:
    """The scan is there once, whole, with one entry; nothing is left over."""
    with opened(data) as scope:
        for path in uploads_of(scope).glob("upl_*"):
            os.utime(path, (1, 1))  # the schedule looks again after an hour
        housekeeping.keep_house(scope)
        (scan,) = list_scans(scope)
        assert (scan.state, scan.sha256) == ("stored", hashlib.sha256(SCAN).hexdigest())
        copy_scan(scope, scan, folder / "evidence")
        assert (folder / "evidence").read_bytes() == SCAN
        assert set(ObjectStore.of(scope).names()) == {scan.object}
        assert not list(uploads_of(scope).glob("upl_*"))
        assert entries_about(scope, scan.id) == ["scan.received"]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    found(tmp_path / "data")
    return tmp_path / "data"


#: Point -> what of the second request's bytes is there afterwards.
RECEIVING = {"upload.written": HALF, "upload.synced": HALF, "upload.committed": len(SCAN)}


@pytest.mark.parametrize("point", RECEIVING)
def test_a_crash_while_bytes_come_in_keeps_every_acknowledged_one(data: Path, tmp_path: Path, point: str) -> None:
    with opened(data) as scope:
        upload_id = begin(scope)
        assert append(scope, upload_id, 0, HALF).offset_bytes == HALF
    killed(data, point, 1, lambda scope: append(scope, upload_id, HALF))
    with opened(data) as scope:
        stands = service.find_upload(scope, upload_id).offset_bytes
        assert stands == RECEIVING[point]
        if stands < len(SCAN):
            append(scope, upload_id, stands)
        finishing.finish(scope, upload_id)
    assert_whole(data, tmp_path)


@pytest.mark.parametrize("point", ["finish.directory", "finish.sealed", "finish.adopted", "finish.recorded"])
def test_a_crash_while_a_scan_becomes_evidence_is_made_good_by_whoever_asks_next(
    data: Path, tmp_path: Path, point: str
) -> None:
    with opened(data) as scope:
        upload_id = begin(scope)
        append(scope, upload_id, 0)
    killed(data, point, 1, lambda scope: finishing.finish(scope, upload_id))
    with opened(data) as scope:
        assert finishing.finish(scope, upload_id).scan_id
        assert finishing.finish(scope, upload_id).scan_id == list_scans(scope)[0].id
    assert_whole(data, tmp_path)


def test_a_crash_at_each_point_in_turn_is_made_good_by_the_schedule(data: Path, tmp_path: Path) -> None:
    with opened(data) as scope:
        upload_id = begin(scope)
        append(scope, upload_id, 0)
    for point in ("finish.directory", "finish.directory", "finish.sealed", "finish.adopted", "finish.adopted"):
        killed(data, point, 1, housekeeping.resume)
    assert_whole(data, tmp_path)


@pytest.mark.parametrize("point", ["upload.joined", "finish.directory", "finish.sealed", "finish.recorded"])
def test_a_crash_while_partial_uploads_are_joined_is_made_good(data: Path, tmp_path: Path, point: str) -> None:
    with opened(data) as scope:
        ids = []
        for piece in (SCAN[:HALF], SCAN[HALF:]):
            partial = service.begin(scope, len(piece), manifest=None, partial=True)
            service.append(scope, partial.id, 0, reader(piece), len(piece))
            ids.append(partial.id)
        final = service.begin_final(scope, ids, manifest=manifest(SCAN), envelope=None, metadata="").id
    killed(data, point, 1, lambda scope: finishing.finish(scope, final))
    assert_whole(data, tmp_path)


@pytest.mark.parametrize("point", ["discard.recorded", "discard.deleted"])
def test_a_crash_while_evidence_is_discarded_is_finished_by_the_schedule(data: Path, point: str) -> None:
    with opened(data) as scope:
        upload_id = begin(scope, format="e57")
        append(scope, upload_id, 0)
        scan_id = str(finishing.finish(scope, upload_id).scan_id)
    killed(data, point, 1, lambda scope: quarantine.discard(scope, scan_id, "wrong file"))
    with opened(data) as scope:
        scan = Scan.get_by_id(scan_id)
        assert (scan.state, scan.removed_at) == ("discarded", None)
        housekeeping.keep_house(scope)
        assert not ObjectStore.of(scope).exists(scan.object)
        assert Scan.get_by_id(scan_id).removed_at is not None


def test_content_that_comes_again_while_it_is_discarded_is_not_deleted(data: Path, tmp_path: Path) -> None:
    with opened(data) as scope:
        upload_id = begin(scope, format="e57")
        append(scope, upload_id, 0)
        scan_id = str(finishing.finish(scope, upload_id).scan_id)
    killed(data, "discard.recorded", 1, lambda scope: quarantine.discard(scope, scan_id, "wrong file"))
    with opened(data) as scope:
        upload_id = begin(scope)
        append(scope, upload_id, 0)
        again = Scan.get_by_id(finishing.finish(scope, upload_id).scan_id)
        housekeeping.keep_house(scope)
        assert (again.id != scan_id, again.state) == (True, "stored")
        copy_scan(scope, again, tmp_path / "evidence")
    assert (tmp_path / "evidence").read_bytes() == SCAN


def test_a_worker_that_dies_at_every_other_commit_loses_nothing_that_it_answered(tmp_path: Path) -> None:
    data = tmp_path / "data"
    headers = {"Authorization": f"Bearer {found(data)}", "Tus-Resumable": "1.0.0"}
    fields = {"asset": "press-7", "format": "xyz", "sha256": hashlib.sha256(SCAN).hexdigest(), "size_bytes": len(SCAN)}
    said = b64encode(json.dumps({**fields, "captured_at": "2026-03-01T12:00:00Z"}).encode()).decode()
    with serving(data, {"D2R_FAULT": "upload.committed:2", "D2R_ALLOW_FAULTS": "1"}) as port:
        base = f"http://127.0.0.1:{port}"
        created = {**headers, "Upload-Length": str(len(SCAN)), "Upload-Metadata": f"manifest {said}"}
        url = (
            base
            + requests.post(f"{base}/api/v1/workspaces/main/uploads", headers=created, timeout=20).headers["Location"]
        )
        answered, deaths, deadline = 0, 0, time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                looked = requests.head(url, headers=headers, timeout=20)
                stands = int(looked.headers["Upload-Offset"])
                assert stands >= answered
                if "D2R-Scan" in looked.headers:
                    break
                sent = {**headers, "Upload-Offset": str(stands), "Content-Type": "application/offset+octet-stream"}
                body = SCAN[stands : stands + 9000]
                answered = int(requests.patch(url, headers=sent, data=body, timeout=20).headers["Upload-Offset"])
            except requests.ConnectionError:
                deaths += 1
                time.sleep(0.02)
        assert deaths >= 2
    assert_whole(data, tmp_path)
