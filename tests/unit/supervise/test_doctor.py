"""The doctor: what it measures, what it asks for, what it says to do; and that it changes nothing."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections import namedtuple
from datetime import timedelta
from pathlib import Path

import pytest

from appliance.cli.main import run
from appliance.config.settings import Settings
from appliance.core.clock import rfc3339_us, utc_now
from appliance.ingest.models import RECEIVING
from appliance.supervise.doctor import machine, service
from appliance.supervise.doctor.checks import examine
from appliance.supervise.doctor.records import Finding
from appliance.supervise.records import ApplianceStatus, ProcessStatus
from appliance.tenancy.site import Site
from tests.unit.supervise.test_prepare import damage

Usage = namedtuple("Usage", "total used free")


def findings(settings: Settings) -> dict[str, Finding]:
    return {finding.check: finding for finding in examine(settings)}


def contents(folder: Path) -> dict[str, str]:
    """Every file below, but for the databases' own bookkeeping of readers."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.name.endswith(("-shm", "-wal"))]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.sqlite
def test_a_founded_appliance_is_well_but_not_started(settings: Settings) -> None:
    found = findings(settings)
    assert [check for check, finding in found.items() if finding.state == "failed"] == []
    assert found["supervisor"].state == "warning"
    assert "d2r up" in found["supervisor"].remedy
    assert found["master key"].state == "ok"
    assert found["schema of control database"].state == "ok"
    assert [finding.measured for check, finding in found.items() if check.startswith("audit log")] != []
    assert found["oldest open inspection of plant"].measured == "none is open"


def test_it_changes_nothing(settings: Settings) -> None:
    before = contents(settings.data)
    findings(settings)
    assert contents(settings.data) == before


@pytest.mark.sqlite
def test_every_finding_that_is_not_well_says_what_to_do(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.data.chmod(0o755)
    settings.master_key_file.write_text("no key")
    damage(settings.control_db)
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda path: Usage(1 << 40, 1 << 40, 10 << 20))
    bad = [finding for finding in examine(settings) if finding.state in ("warning", "failed")]
    assert {"permissions", "master key", "control database", "disk", "free space"} <= {each.check for each in bad}
    assert [each.check for each in bad if not (each.measured and each.remedy)] == []


def test_where_there_is_no_appliance_it_says_so_and_looks_no_further(tmp_path: Path) -> None:
    found = findings(Settings(data=tmp_path))
    assert found["data folder"].state == "failed"
    assert found["data folder"].remedy.startswith("Run d2r init")
    assert "master key" not in found


@pytest.mark.sqlite
def test_damage_is_found_and_named(settings: Settings) -> None:
    path = next(settings.workspaces_folder.glob("*.db"))
    damage(path)
    found = findings(settings)
    assert found[f"database {path.stem}"].state == "failed"
    assert found["logs and waiting work"].state == "skipped"


@pytest.mark.parametrize(("free_gib", "state"), [(4.0, "ok"), (1.5, "warning"), (0.5, "failed")])
def test_free_space_is_judged_by_the_floor(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, free_gib: float, state: str
) -> None:
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda path: Usage(1 << 40, 1 << 40, int(free_gib * (1 << 30))))
    found = {finding.check: finding for finding in machine.space(settings)}
    assert found["free space"].state == state


@pytest.mark.parametrize(("now_s", "state"), [(1_700_000_000.0, "failed"), (4_000_000_000.0, "ok")])
def test_a_clock_before_this_release_is_wrong(settings: Settings, now_s: float, state: str) -> None:
    assert machine.clock(settings, now_s).state == state


@pytest.mark.sqlite
def test_a_clock_that_stepped_back_behind_the_database_is_wrong(settings: Settings) -> None:
    changed = settings.control_db.stat().st_mtime
    assert machine.clock(settings, changed - 60).state == "ok"
    assert machine.clock(settings, changed - 600).state == "failed"


def test_a_process_that_is_not_ready_is_named_with_its_reason(settings: Settings) -> None:
    web = ProcessStatus("web", "waiting", None, "here", "2026-01-01T00:00:00Z", 4, "was ended by SIGKILL")
    found = {each.check: each for each in service.processes(settings, ApplianceStatus(True, 7, processes=(web,)))}
    assert found["web"].state == "failed"
    assert found["web"].remedy == f"was ended by SIGKILL. See {settings.logs_folder}/web.log."
    assert found["worker 1"].measured == "no sign of life"


def test_a_silent_worker_hangs(settings: Settings) -> None:
    path = settings.run_folder / "worker-1.beat"
    path.touch()
    status = ApplianceStatus(True, 7)
    assert {each.check: each.state for each in service.processes(settings, status)}["worker 1"] == "ok"
    then = path.stat().st_mtime - 61
    os.utime(path, (then, then))
    assert {each.check: each.state for each in service.processes(settings, status)}["worker 1"] == "failed"


def test_a_queue_that_does_not_answer_is_a_failure_of_a_running_appliance(settings: Settings) -> None:
    assert list(service.queue(settings, is_running=False)) == []
    (answer,) = service.queue(settings, is_running=True)
    assert (answer.state, answer.measured) == ("failed", "no answer")


def insert(settings: Settings, table: str, **columns: object) -> None:
    """A row whose other columns hold nothing, and whose references lead nowhere."""
    with sqlite3.connect(next(settings.workspaces_folder.glob("*.db"))) as connection:
        needed = [row[1] for row in connection.execute(f"PRAGMA table_info({table})") if row[3] and row[4] is None]
        values = {**dict.fromkeys(needed, ""), **columns}
        marks = ", ".join("?" * len(values))
        connection.execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})", tuple(values.values()))
    connection.close()


@pytest.mark.sqlite
@pytest.mark.parametrize(("minutes", "state"), [(59, "ok"), (61, "warning")])
def test_an_old_open_inspection_is_named(settings: Settings, minutes: int, state: str) -> None:
    now = utc_now()
    for name, age, at in (("ins_new", 1, "stored"), ("ins_old", minutes, "aligned"), ("ins_done", 99, "recorded")):
        insert(settings, "inspection", id=name, state=at, created_at=rfc3339_us(now - timedelta(minutes=age)))
    with Site.open(settings) as site:
        found = {finding.check: finding for finding in service.waiting(site, now)}
    assert found["oldest open inspection of plant"].state == state
    assert found["oldest open inspection of plant"].measured == f"ins_old, {minutes} min"


@pytest.mark.sqlite
def test_uploads_that_end_within_a_day_are_counted(settings: Settings) -> None:
    now = utc_now()
    for hours in (1, 23, 25):
        ends = rfc3339_us(now + timedelta(hours=hours))
        insert(settings, "upload", id=f"upl_{hours}", state=RECEIVING, expires_at=ends, length_bytes=1)
    with Site.open(settings) as site:
        found = {finding.check: finding for finding in service.waiting(site, now)}
    assert found["uploads of plant"].measured == "2 stand still and end within a day"
    assert found["uploads of plant"].state == "warning"


@pytest.mark.sqlite
def test_the_command_answers_in_words_and_for_programs(
    settings: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("D2R_PORT", str(settings.port))
    monkeypatch.setenv("D2R_REALTIME_PORT", str(settings.realtime_port))
    assert run(["doctor", "--data", str(settings.data)]) == 0
    words = capsys.readouterr().out
    assert "✔ master key: it opens" in words
    assert words.splitlines()[-1].endswith("0 failed")
    settings.data.chmod(0o755)
    assert run(["doctor", "--data", str(settings.data), "--json"]) == 3
    found = {finding["check"]: finding for finding in json.loads(capsys.readouterr().out)}
    assert found["permissions"]["state"] == "failed"
    assert found["permissions"]["remedy"] == f"Run chmod 700 {settings.data}."
