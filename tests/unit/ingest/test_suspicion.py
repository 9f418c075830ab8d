"""A stolen key ends at once, also for what is being sent; what came since then is marked, listed and never deleted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from appliance.audit.database_log import DatabaseLog
from appliance.core.clock import rfc3339_us, utc_now
from appliance.enrolment.codes import make_code
from appliance.enrolment.enrolling import Application, enrol
from appliance.enrolment.keys import list_keys
from appliance.errors import Denied, InvalidInput, NotFound
from appliance.ingest import finishing, receiving, service
from appliance.ingest.models import UploadRow
from appliance.ingest.suspicion import list_suspects, report_theft
from appliance.plant.devices import enrol_device, find_device, revoke_device
from appliance.scans.models import Scan
from appliance.tenancy.records import SYSTEM, Principal
from appliance.tenancy.scope import WorkspaceScope
from appliance.tenancy.site import Site
from tests.device import HOST, Gadget
from tests.unit.ingest.conftest import SCAN, Sender, manifest, reader


@pytest.fixture
def device(sender: Sender) -> Sender:
    """A device with an API key, as it sends."""
    enrol_device(sender.scope, "edge-4")
    principal = Principal("key_4", "device", "edge-4", "device", sender.scope.workspace_id)
    return Sender(replace(sender.scope, principal=principal))


@pytest.fixture
def elsewhere(site: Site) -> Iterator[WorkspaceScope]:
    """The owner, in another process."""
    with Site.open(site.settings) as other:
        yield other.scope(SYSTEM, "main")


def kinds(scope: WorkspaceScope) -> list[str]:
    log = DatabaseLog.of(scope)
    with scope:
        return [json.loads(log.entry(index))["kind"] for index in range(log.size)]


def moment() -> str:
    return rfc3339_us(utc_now())


def scans(scope: WorkspaceScope) -> dict[str, tuple[str | None, str]]:
    with scope:
        return {scan.id: (scan.suspect_since, scan.state) for scan in Scan.select()}


def test_what_came_since_then_is_marked_and_nothing_else(device: Sender, sender: Sender) -> None:
    _, before = device.send(SCAN)
    since = moment()
    _, after = device.send(SCAN * 2)
    _, foreign = sender.send(SCAN * 3)
    row, marked = report_theft(sender.scope, "edge-4", since, "Found in another hall")
    assert (bool(row.revoked_at), marked) == (True, 1)
    assert scans(sender.scope) == {
        before.id: (None, "stored"), after.id: (since, "stored"), foreign.id: (None, "stored")
    }  # fmt: skip
    assert [one.scan.id for one in list_suspects(sender.scope, "edge-4")] == [after.id]
    assert kinds(sender.scope)[-3:] == ["device.revoked", "scan.suspected", "device.stolen"]


def test_an_earlier_moment_marks_what_came_in_between(device: Sender, sender: Sender) -> None:
    early = moment()
    _, first = device.send(SCAN)
    late = moment()
    device.send(SCAN * 2)
    assert report_theft(sender.scope, "edge-4", late, "Stolen")[1] == 1
    assert report_theft(sender.scope, "edge-4", early, "Stolen")[1] == 2
    assert report_theft(sender.scope, "edge-4", late, "Stolen")[1] == 0
    assert scans(sender.scope)[first.id] == (early, "stored")


def test_asking_marks_nothing(device: Sender, sender: Sender) -> None:
    early = moment()
    device.send(SCAN)
    assert len(list_suspects(sender.scope, "edge-4", since=early)) == 1
    assert list_suspects(sender.scope, "edge-4", since=moment()) == []
    assert list_suspects(sender.scope, "edge-4") == []


def test_a_theft_was_not_tomorrow_and_needs_a_device(device: Sender, sender: Sender) -> None:
    with pytest.raises(InvalidInput):
        report_theft(sender.scope, "edge-4", "2999-01-01T00:00:00.000000Z", "Stolen")
    with pytest.raises(NotFound):
        report_theft(sender.scope, "edge-5", moment(), "Stolen")
    assert find_device(sender.scope, "edge-4").revoked_at is None


def stopped_in(sender: Sender, act: Any, monkeypatch: pytest.MonkeyPatch) -> UploadRow:
    """An upload during whose second block somebody acts; it is refused, and how far it came is returned."""
    monkeypatch.setattr(receiving, "_LOOK_EVERY_S", 0.0)
    content = SCAN * 4000
    upload, read, blocks = sender.begin(content), reader(content), iter([None, act])

    def reading(size: int) -> bytes:
        if (now := next(blocks, None)) is not None:
            now()
        return read(min(size, 1 << 20))

    with pytest.raises(Denied, match="revoked"):
        service.append(sender.scope, upload.id, 0, reading, len(content))
    return service.find_upload(sender.scope, upload.id)


def test_an_upload_that_is_running_is_stopped_by_any_process(
    device: Sender, elsewhere: WorkspaceScope, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped = stopped_in(device, lambda: report_theft(elsewhere, "edge-4", moment(), "Stolen"), monkeypatch)
    assert stopped.offset_bytes == 0


def test_an_upload_whose_last_bytes_were_read_before_is_not_committed_after(
    device: Sender, elsewhere: WorkspaceScope
) -> None:
    upload, read = device.begin(SCAN), reader(SCAN)

    def reading(size: int) -> bytes:
        block = read(size)
        revoke_device(elsewhere, "edge-4")
        return block

    with pytest.raises(Denied, match="revoked"):
        service.append(device.scope, upload.id, 0, reading, len(SCAN))
    assert service.find_upload(device.scope, upload.id).offset_bytes == 0


def test_an_upload_that_was_complete_becomes_no_scan_after(device: Sender, elsewhere: WorkspaceScope) -> None:
    upload = device.begin(SCAN)
    device.append(upload, 0, SCAN)
    revoke_device(elsewhere, "edge-4")
    for scope in (device.scope, elsewhere):
        with pytest.raises(Denied, match="revoked"):
            finishing.finish(scope, upload.id)
    assert scans(elsewhere) == {}


def test_a_new_key_of_the_device_stops_what_the_old_one_began(
    site: Site, sender: Sender, elsewhere: WorkspaceScope, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = Gadget(name="edge-7"), Gadget(name="edge-7")
    answer, _ = enrol(site, Application(**first.application(make_code(elsewhere)[1])), HOST)
    own = Principal(answer.device, "device", "edge-7", "device", sender.scope.workspace_id, via=answer.key)
    acting = Sender(replace(sender.scope, principal=own))

    def anew() -> None:
        code = make_code(elsewhere, device="edge-7", reason="Disk replaced")[1]
        enrol(site, Application(**second.application(code)), HOST)

    monkeypatch.setattr(Sender, "begin", lambda self, content: _begun(self, content))
    stopped_in(acting, anew, monkeypatch)
    assert [bool(key.revoked_at) for key in list_keys(elsewhere, "edge-7")] == [False, True]


def _begun(sender: Sender, content: bytes) -> UploadRow:
    """An upload of a device, begun with a manifest that somebody else had checked."""
    said = manifest(content, device="edge-7")
    row = service.begin(replace(sender.scope, principal=SYSTEM), len(content), manifest=said)
    with sender.scope.transaction():
        UploadRow.update(created_by=sender.scope.principal.id).where(UploadRow.id == row.id).execute()
    return row
