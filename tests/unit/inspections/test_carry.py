"""An inspection in the database: carried to its record, fenced, cancelled, given back, taken up."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from appliance.audit.database_log import DatabaseLog
from appliance.audit.entry import read_entry
from appliance.core.ids import new_id
from appliance.errors import Conflict, Unavailable
from appliance.inspections import service
from appliance.inspections.carry import carry
from appliance.inspections.keeper import Cancelled, Keeper
from appliance.inspections.lease import Lease, LostLease
from appliance.inspections.models import InspectionRow, Replay
from appliance.inspections.replaying import carry_replay
from appliance.measurements.instruments import add_instrument
from appliance.measurements.models import InstrumentSuspicion, MeasuredCharacteristic
from appliance.measurements.suspicion import lift_suspicion
from appliance.objects.sealed import ObjectStore
from appliance.queue.connection import Queue
from appliance.queue.outbox import events_since
from appliance.reports.issuing import issue
from appliance.reports.service import export_pack, report_file, stored_report
from appliance.reports.verification import verify_path
from appliance.scans.models import Scan
from appliance.scans.service import find_scan
from appliance.tenancy.scope import WorkspaceScope
from appliance.tenancy.site import Site
from appliance.twin.service import field_of, find_version, skin_of_version, twin_of
from tests.line_samples import Sample, known_part, sample_files, stored_scan
from tests.services import require


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    return sample_files(tmp_path_factory.mktemp("sample"))


@pytest.fixture
def asked(scope: WorkspaceScope, sample: Sample) -> InspectionRow:
    """An inspection that nobody carried yet."""
    asset = known_part(scope, sample)
    scan = stored_scan(scope, sample, asset)
    store = ObjectStore.of(scope)
    return service.create_inspection(
        scope, scan.id,
        alignment_object=store.put_file(sample.alignment).name,
        instrument_object=store.put_file(sample.series.instrument).name,
    )  # fmt: skip


def test_a_scan_is_carried_to_a_signed_and_logged_record(
    scope: WorkspaceScope, asked: InspectionRow, tmp_path: Path
) -> None:
    assert carry(scope, asked.id, issue) == "recorded"
    row = service.get_inspection(scope, asked.id)
    assert row.verdict == "pass"
    assert row.progress == 1.0
    assert row.lease_until is None
    measured = {item.name: item for item in service.measurements_of(scope, asked.id)}
    scan = find_scan(scope, asked.scan_id)
    assert {(item.measured_at, item.serial, item.unit) for item in measured.values()} == {
        (scan.captured_at, "0001", "mm")
    }
    assert len(measured) == 6
    assert measured["Pad wear"].decision == "pass"
    assert abs(measured["Stub height"].value_mm) < 0.01
    with scope:
        states = [
            json.loads(event.body).get("state") for event in events_since(0) if event.kind.startswith("inspection.")
        ]
    assert states == ["stored", "decoded", "aligned", "compared", "judged", "recorded"]
    twin = twin_of(scope, row.asset_id)
    assert (twin.inspection_id, twin.verdict, twin.measured_at) == (asked.id, "pass", scan.captured_at)
    assert twin.cad_revision_id == row.cad_revision_id
    field, skin = field_of(scope, twin), skin_of_version(scope, twin)
    assert field.seen.sum() > 5_000
    assert abs(np.nanmedian(field.mean_mm)) < 0.02, "the part is as it was designed"
    assert np.nanmin(field.u_mm) > 0.0
    assert "pad" in skin.zones
    assert (np.bincount(skin.cell_of_facet, minlength=len(field)) > 0).mean() > 0.9, "nearly every cell is painted"
    entry = read_entry(DatabaseLog.of(scope).entry(stored_report(scope, asked.id).log_index))
    assert entry.kind == "report.issued"
    assert entry.facts["verdict"] == "pass"
    assert not (scope.settings.scratch_folder / asked.id).exists()
    with (tmp_path / "evidence.zip").open("wb") as sink:
        export_pack(scope, asked.id, sink)
    for name in ("report.json", "report.tlog-proof", "report.pdf"):
        (tmp_path / name).write_bytes(b"".join(report_file(scope, asked.id, name)))
    for name in ("evidence.zip", "report.json", "report.pdf"):
        assert verify_path(tmp_path / name, scope.keys.trusted()).statement.number == row.report_number


def test_a_final_inspection_is_not_carried_again(scope: WorkspaceScope, asked: InspectionRow) -> None:
    with scope.transaction():
        service.mark_cancelled(scope, asked.id)
    assert carry(scope, asked.id, _no_report) is None


def test_two_workers_never_hold_one_lease_and_the_older_writes_nothing(
    scope: WorkspaceScope, asked: InspectionRow
) -> None:
    first = Lease.claim(scope, InspectionRow, asked.id)
    assert first is not None
    assert Lease.claim(scope, InspectionRow, asked.id) is None
    _expire(scope, asked.id)
    second = Lease.claim(scope, InspectionRow, asked.id)
    assert second is not None
    assert second.token > first.token
    with pytest.raises(LostLease):
        first.write(state="recorded")
    second.write(step="align")
    assert service.get_inspection(scope, asked.id).state == "stored"


def test_nothing_is_written_to_an_inspection_that_has_come_to_its_end(
    scope: WorkspaceScope, asked: InspectionRow
) -> None:
    lease = Lease.claim(scope, InspectionRow, asked.id)
    assert lease is not None
    lease.write(state="recorded", progress=1.0)
    with pytest.raises(LostLease):
        lease.write(progress=0.99)
    assert service.get_inspection(scope, asked.id).progress == 1.0


def test_an_inspection_that_nobody_carries_is_cancelled_at_once_and_can_be_retried(
    scope: WorkspaceScope, asked: InspectionRow
) -> None:
    assert service.cancel(scope, asked.id).state == "cancelled"
    with pytest.raises(Conflict):
        service.cancel(scope, asked.id)
    assert service.retry(scope, asked.id).state == "stored"


def test_a_running_inspection_stops_at_its_next_word(scope: WorkspaceScope, asked: InspectionRow) -> None:
    lease = Lease.claim(scope, InspectionRow, asked.id)
    assert lease is not None
    with Keeper(lease) as keeper:
        keeper.begin("read scan")
        assert service.cancel(scope, asked.id).state == "stored"
        with pytest.raises(Cancelled):
            _speak(keeper, seconds=5)


def test_a_missing_resource_gives_the_inspection_back_for_later(
    scope: WorkspaceScope, asked: InspectionRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise Unavailable("storage.full", "The disk is full.", "Free some space.")

    monkeypatch.setattr("appliance.inspections.carry.lay_out", full)
    assert carry(scope, asked.id, _no_report) == "stored"
    row = service.get_inspection(scope, asked.id)
    assert row.error_code == "storage.full"
    assert row.attempts == 0
    assert row.lease_until is None
    assert row.not_before > row.created_at
    assert carry(scope, asked.id, _no_report) is None, "it waits"


def test_a_scan_that_cannot_be_read_is_quarantined_with_its_reason(scope: WorkspaceScope, sample: Sample) -> None:
    asset = known_part(scope, sample)
    broken = replace(sample, scan=sample.scan.with_name("broken.e57"))
    data = bytearray(sample.scan.read_bytes())
    data[len(data) // 2] ^= 1
    broken.scan.write_bytes(data)
    scan = stored_scan(scope, broken, asset)
    row = service.create_inspection(scope, scan.id, parameters={"fit": False})
    assert carry(scope, row.id, _no_report) == "failed"
    assert find_scan(scope, scan.id).state == "quarantined"
    assert find_scan(scope, scan.id).reason_code == service.get_inspection(scope, row.id).error_code


def test_an_inspection_that_ends_every_worker_is_given_up(scope: WorkspaceScope, asked: InspectionRow) -> None:
    with scope.transaction():
        InspectionRow.update(attempts=service.ATTEMPT_LIMIT).execute()
    assert carry(scope, asked.id, _no_report) == "failed"
    assert service.get_inspection(scope, asked.id).error_code == "inspection.attempts"


def test_what_a_killed_worker_left_is_queued_again_and_what_is_carried_is_not(
    site: Site, scope: WorkspaceScope, asked: InspectionRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued: list[str] = []
    monkeypatch.setattr(Queue, "enqueue", lambda _, name, workspace, subject, **more: queued.append(subject))
    assert service.reconcile(site) == 1
    assert queued == [asked.id]
    Lease.claim(scope, InspectionRow, asked.id)
    assert service.reconcile(site) == 0
    _expire(scope, asked.id)
    assert service.reconcile(site) == 1


def test_what_was_signed_is_taken_up_and_not_signed_again(
    scope: WorkspaceScope, asked: InspectionRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """The worker dies after its report was logged."""

    def die(name: str) -> None:
        if name == "report.judged":
            raise Killed

    monkeypatch.setattr("appliance.reports.issuing.point", die)
    with pytest.raises(Killed):
        carry(scope, asked.id, issue)
    judged = service.get_inspection(scope, asked.id)
    assert judged.state == "judged"
    assert judged.envelope_object
    monkeypatch.undo()
    _expire(scope, asked.id)
    assert carry(scope, asked.id, issue) == "recorded"
    row = service.get_inspection(scope, asked.id)
    assert (row.report_number, row.envelope_sha256, row.log_index) == (
        judged.report_number, judged.envelope_sha256, judged.log_index,
    )  # fmt: skip
    log = DatabaseLog.of(scope)
    kinds = [read_entry(log.entry(index)).kind for index in range(log.size)]
    assert kinds.count("report.issued") == 1


def test_a_report_whose_certificate_was_rotated_away_before_it_was_printed_is_issued_anew(
    scope: WorkspaceScope, asked: InspectionRow, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Killed(BaseException):
        """The worker dies after its report was logged."""

    def die(name: str) -> None:
        if name == "report.judged":
            raise Killed

    monkeypatch.setattr("appliance.reports.issuing.point", die)
    with pytest.raises(Killed):
        carry(scope, asked.id, issue)
    monkeypatch.undo()
    scope.keys.rotate()
    _expire(scope, asked.id)
    assert carry(scope, asked.id, issue) == "recorded"
    (tmp_path / "report.pdf").write_bytes(b"".join(report_file(scope, asked.id, "report.pdf")))
    assert verify_path(tmp_path / "report.pdf", scope.keys.trusted()).statement.decision == "pass"


def test_a_replay_reproduces_every_figure_and_notices_other_evidence(
    scope: WorkspaceScope, asked: InspectionRow, sample: Sample
) -> None:
    assert carry(scope, asked.id, issue) == "recorded"
    replay = service.request_replay(scope, asked.id)
    carry_replay(scope, replay.id)
    with scope:
        done = Replay.get_by_id(replay.id)
    assert (done.state, done.reproduced, done.same_engine) == ("done", 1, 1)
    moved = json.loads(sample.alignment.read_text())
    moved["part_from_scanner"][2][3] += 0.01
    other = ObjectStore.of(scope).put_bytes(json.dumps(moved).encode())
    with scope.transaction():
        InspectionRow.update(alignment_object=other.name).execute()
    replay = service.request_replay(scope, asked.id)
    carry_replay(scope, replay.id)
    with scope:
        done = Replay.get_by_id(replay.id)
    assert done.reproduced == 0
    assert "deviation_mm.mean" in done.differences


def test_an_amended_report_names_the_original_and_the_reason(scope: WorkspaceScope, asked: InspectionRow) -> None:
    assert carry(scope, asked.id, issue) == "recorded"
    original = service.get_inspection(scope, asked.id)
    amended = service.create_inspection(
        scope, original.scan_id, alignment_object=original.alignment_object, amends_id=original.id,
        reason="The instrument was named wrongly.",
    )  # fmt: skip
    assert carry(scope, amended.id, issue) == "recorded"
    statement = json.loads(
        base64.b64decode(json.loads(b"".join(report_file(scope, amended.id, "report.json")))["payload"])
    )
    named = statement["predicate"]["context"]["amends"]
    assert named["report_number"] == original.report_number
    assert named["envelope_sha256"] == original.envelope_sha256
    assert named["reason"] == "The instrument was named wrongly."
    assert service.get_inspection(scope, original.id).verdict == "pass", "the original stays as it was"
    counting = {row.superseded_by for row in service.measurements_of(scope, amended.id)}
    assert counting == {None}
    assert {row.superseded_by for row in service.measurements_of(scope, original.id)} == {amended.id}
    twin = twin_of(scope, original.asset_id)
    assert (twin.inspection_id, twin.reason) == (amended.id, "The instrument was named wrongly.")
    assert find_version(scope, str(twin.amends_id)).superseded_by == twin.id


def test_the_next_report_of_a_suspect_scan_says_so(scope: WorkspaceScope, asked: InspectionRow, tmp_path: Path) -> None:
    since = "2026-11-20T08:00:00.000000Z"
    with scope.transaction():
        Scan.update(suspect_since=since, suspect_reason="Found in hall 9").where(Scan.id == asked.scan_id).execute()
    assert carry(scope, asked.id, issue) == "recorded"
    result = json.loads(b"".join(report_file(scope, asked.id, "result.json")))
    assert result["context"]["suspect"] == {"since": since, "reason": "Found in hall 9"}
    shown = first_page(scope, asked.id, tmp_path)
    assert "Suspect scan: its device's key was in other hands since 2026-11-20T08:00:00Z. Found in hall 9" in shown


def first_page(scope: WorkspaceScope, inspection_id: str, folder: Path) -> str:
    """The text of a report's first page, in one line."""
    require("pdftotext", shutil.which("pdftotext") is not None, "install poppler-utils")
    (folder / "report.pdf").write_bytes(b"".join(report_file(scope, inspection_id, "report.pdf")))
    command = ["pdftotext", "-l", "1", str(folder / "report.pdf"), "-"]
    return " ".join(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


def suspected(scope: WorkspaceScope, sample: Sample, since: str = "2000-01-01T00:00:00.000000Z") -> str:
    """Put down that the sample's instrument moved after ``since``; returns the id of the suspicion."""
    instrument = add_instrument(scope, "S5-0042", sample.series.instrument.read_bytes())
    with scope.transaction():
        known = MeasuredCharacteristic.select().order_by(MeasuredCharacteristic.id).first()
        seen = {
            "asset": "ball bar 3", "asset_id": "ast_1", "characteristic_id": known.id if known else "cha_gone",
            "measured_at": "2026-02-05T12:00:00.000000Z", "why": "beyond 3 standard errors: point 35 is at +9.04",
        }  # fmt: skip
        row = InstrumentSuspicion.create(
            id=new_id("sus"), instrument_id=instrument.id, since=since, evidence=json.dumps([seen]), found_at=since
        )
    return str(row.id)


def said_of_the_instrument(scope: WorkspaceScope, inspection_id: str) -> Any:
    result = json.loads(b"".join(report_file(scope, inspection_id, "result.json")))
    envelope = json.loads(b"".join(report_file(scope, inspection_id, "report.json")))
    signed = json.loads(base64.b64decode(envelope["payload"]))["predicate"]["context"]
    assert signed == result["context"]
    return signed.get("suspect_instrument")


def test_a_report_names_the_suspicion_that_stands_when_it_is_signed(
    scope: WorkspaceScope, asked: InspectionRow, sample: Sample, tmp_path: Path
) -> None:
    assert carry(scope, asked.id, issue) == "recorded"
    assert said_of_the_instrument(scope, asked.id) is None
    first = service.get_inspection(scope, asked.id)
    row_id = suspected(scope, sample)

    def amended(reason: str) -> InspectionRow:
        row = service.create_inspection(
            scope, first.scan_id, alignment_object=first.alignment_object, amends_id=first.id, reason=reason,
            instrument_object=first.instrument_object,
        )  # fmt: skip
        assert carry(scope, row.id, issue) == "recorded"
        return service.get_inspection(scope, row.id)

    suspect = amended("again")
    said = said_of_the_instrument(scope, suspect.id)
    assert (said["suspicion"], said["instrument"], said["revision"]) == (row_id, "S5-0042", 1)
    assert said["since"] == "2000-01-01T00:00:00.000000Z"
    assert [one["characteristic"] for one in said["seen"]] == [service.measurements_of(scope, first.id)[0].name]
    shown = first_page(scope, suspect.id, tmp_path)
    assert "Suspect instrument: S5-0042, revision 1, moved after 2000-01-01T00:00:00Z" in shown
    assert f"ball bar 3 ({said['seen'][0]['characteristic']}): beyond 3 standard errors" in shown
    assert verify_path(tmp_path / "report.pdf", scope.keys.trusted()).statement.number == suspect.report_number
    assert said_of_the_instrument(scope, first.id) is None, "what was signed before stays as it is"

    lift_suspicion(scope, row_id, "The ball bar was dropped")
    assert said_of_the_instrument(scope, suspect.id) == said
    replay = service.request_replay(scope, suspect.id)
    carry_replay(scope, replay.id)
    with scope:
        assert Replay.get_by_id(replay.id).reproduced == 1
    explained = amended("explained")
    assert said_of_the_instrument(scope, explained.id) is None
    assert "Suspect instrument" not in first_page(scope, explained.id, tmp_path)


def test_a_report_names_no_suspicion_since_later(scope: WorkspaceScope, asked: InspectionRow, sample: Sample) -> None:
    suspected(scope, sample, since=find_scan(scope, asked.scan_id).captured_at)
    assert carry(scope, asked.id, issue) == "recorded"
    assert said_of_the_instrument(scope, asked.id) is None


def test_what_is_printed_is_what_was_signed_although_the_suspicion_was_lifted_meanwhile(
    scope: WorkspaceScope, asked: InspectionRow, sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row_id = suspected(scope, sample)

    def fails(*_: Any) -> None:
        raise Unavailable("storage.full", "The disk is full.", "Free some space.")

    with monkeypatch.context() as patch:
        patch.setattr("appliance.reports.issuing.print_report", fails)
        assert carry(scope, asked.id, issue) == "judged"
    lift_suspicion(scope, row_id, "A speck of dust")
    with scope.transaction():
        InspectionRow.update(not_before=None).execute()
    assert carry(scope, asked.id, issue) == "recorded"
    assert said_of_the_instrument(scope, asked.id)["suspicion"] == row_id
    assert "Suspect instrument: S5-0042" in first_page(scope, asked.id, tmp_path)


def test_of_two_amendments_the_one_that_was_asked_for_last_counts(scope: WorkspaceScope, asked: InspectionRow) -> None:
    assert carry(scope, asked.id, issue) == "recorded"
    row = service.get_inspection(scope, asked.id)
    older, newer = (
        service.create_inspection(
            scope, row.scan_id, alignment_object=row.alignment_object, amends_id=row.id, reason="a reason"
        )
        for _ in range(2)
    )
    assert carry(scope, newer.id, issue) == "recorded"
    assert carry(scope, older.id, issue) == "recorded"
    superseded = [
        {one.superseded_by for one in service.measurements_of(scope, row_id)}
        for row_id in (asked.id, older.id, newer.id)
    ]
    assert superseded == [{newer.id}, {newer.id}, {None}]


def _speak(keeper: Keeper, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(0.05)
        keeper.advance("read scan", 0.5)


def _no_report(*_: Any) -> None:
    raise AssertionError("no report is due")


def _expire(scope: WorkspaceScope, inspection_id: str) -> None:
    with scope.transaction():
        InspectionRow.update(lease_until="2020-01-01T00:00:00.000000Z").where(
            InspectionRow.id == inspection_id
        ).execute()
