"""A change between two stored scans: computed under a lease, sealed, logged; killed, cancelled, refused, taken up."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import laspy
import numpy as np
import pytest

from appliance.audit.database_log import DatabaseLog
from appliance.audit.entry import read_entry
from appliance.core.canonical import loads_strict
from appliance.errors import Conflict, InvalidInput, NotFound, Unavailable
from appliance.inspections import carry_change as job
from appliance.inspections.carry_change import carry_change
from appliance.inspections.change import ARRAYS, LAZ, PLY, RESULT
from appliance.inspections.lease import Lease
from appliance.inspections.models import ScanChange
from appliance.inspections.scan_changes import (
    cancel_change,
    change_file,
    changes_under_way,
    get_change,
    list_changes,
    reconcile,
    request_change,
    retry_change,
    summary_of,
)
from appliance.objects.sealed import ObjectStore
from appliance.plant.assets import create_asset
from appliance.scans.models import Scan
from appliance.tenancy.scope import WorkspaceScope
from appliance.tenancy.site import Site
from tests.change_samples import SUNK_MM, hills, received, two_scans
from tests.conftest import ROOT

CARRY = """
import sys
from pathlib import Path
from appliance.config.settings import load_settings
from appliance.inspections.carry_change import carry_change
from appliance.tenancy.site import Site
with Site.open(load_settings(Path(sys.argv[1]), {})) as site:
    carry_change(site.system_scope(sys.argv[2]), sys.argv[3])
"""


@pytest.fixture
def scans(scope: WorkspaceScope, tmp_path: Path) -> tuple[Scan, Scan]:
    return two_scans(scope, tmp_path)


@pytest.fixture
def asked(scope: WorkspaceScope, scans: tuple[Scan, Scan]) -> ScanChange:
    return request_change(scope, scans[0].id, scans[1].id, {"depth_mm": 5.0, "align": True})


def kinds(scope: WorkspaceScope) -> list[str]:
    log = DatabaseLog.of(scope)
    return [read_entry(log.entry(index)).kind for index in range(log.size)]


def test_what_sank_is_found_kept_sealed_and_logged(scope: WorkspaceScope, asked: ScanChange) -> None:
    assert carry_change(scope, asked.id) == "done"
    row = get_change(scope, asked.id)
    assert (row.progress, row.lease_until, row.error_code) == (1.0, None, None)
    found = summary_of(row)
    assert found is not None
    assert found["scales"]["half_length_mm"] == 5.0
    assert found["registration"]["at_rest"]
    share = found["change"]["significant"] / found["change"]["with_level"]
    assert 0.2 < share < 0.35, "a quarter sank"
    arrays = np.load(io.BytesIO(b"".join(change_file(scope, row.id, ARRAYS))))
    sank = np.minimum(*arrays["cores_mm"][:, :2].T) > 5.0
    vertical = arrays["distance_mm"] / arrays["normal"][:, 2]
    assert np.nanmedian(vertical[sank]) == pytest.approx(-SUNK_MM, abs=0.02)
    cloud = laspy.read(io.BytesIO(b"".join(change_file(scope, row.id, LAZ))))
    assert len(cloud.points) == found["change"]["cores"]
    assert b"".join(change_file(scope, row.id, PLY)).startswith(b"ply")
    entry = read_entry(DatabaseLog.of(scope).entry(DatabaseLog.of(scope).size - 1))
    assert (entry.kind, entry.subjects["result"]) == ("change.done", row.result_sha256)
    assert loads_strict(b"".join(change_file(scope, row.id, RESULT)))["change"] == found["change"]
    assert not (scope.settings.scratch_folder / asked.id).exists()
    assert carry_change(scope, asked.id) is None


def test_a_worker_killed_at_any_commit_leaves_a_change_that_the_next_one_computes(
    site: Site, scope: WorkspaceScope, asked: ScanChange
) -> None:
    for name in ("change.laid_out", "change.stored"):
        environment = os.environ | {"D2R_FAULT": name, "D2R_ALLOW_FAULTS": "1"}
        command = [sys.executable, "-c", CARRY, str(scope.settings.data), scope.workspace_id, asked.id]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, timeout=300, check=False)
        assert done.returncode == -9, f"{name}: {done.stderr.decode()[-2000:]}"
        assert get_change(scope, asked.id).state == "requested"
        assert carry_change(scope, asked.id) is None, "the lease of the dead one lasts"
        with scope.transaction():
            ScanChange.update(lease_until="2020-01-01T00:00:00.000000Z").execute()
    assert reconcile(site) == 1
    assert carry_change(scope, asked.id) == "done"
    assert kinds(scope).count("change.done") == 1
    assert reconcile(site) == 0


def test_one_that_nobody_carries_is_cancelled_at_once_and_one_that_runs_at_its_next_step(
    scope: WorkspaceScope, scans: tuple[Scan, Scan], asked: ScanChange, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cancel_change(scope, asked.id).state == "cancelled"
    with pytest.raises(Conflict):
        cancel_change(scope, asked.id)
    assert carry_change(scope, asked.id) is None
    running = request_change(scope, scans[0].id, scans[1].id, {})

    def cancelled(request: object, folder: Path, keeper: job.Keeper) -> dict[str, object]:
        assert cancel_change(scope, running.id).state == "requested"
        while True:
            keeper.advance("change", 0.5)

    monkeypatch.setattr(job, "change_of_files", cancelled)
    assert carry_change(scope, running.id) == "cancelled"
    assert kinds(scope).count("change.cancelled") == 2


def test_an_old_worker_that_wakes_up_writes_nothing(
    scope: WorkspaceScope, asked: ScanChange, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = job.change_of_files

    def overtaken(request: job.ChangeRequest, folder: Path, keeper: job.Keeper) -> dict[str, object]:
        result = real(request, folder)
        with scope.transaction():
            ScanChange.update(lease_until=None).execute()
        assert Lease.claim(scope, ScanChange, asked.id) is not None
        return result

    monkeypatch.setattr(job, "change_of_files", overtaken)
    assert carry_change(scope, asked.id) is None
    assert get_change(scope, asked.id).state == "requested"
    assert "change.done" not in kinds(scope)


def test_evidence_that_is_not_what_its_row_names_fails_it(scope: WorkspaceScope, asked: ScanChange) -> None:
    other = ObjectStore.of(scope).put_bytes(b"other bytes").name
    with scope.transaction():
        Scan.update(object=other).where(Scan.id == asked.second_scan_id).execute()
    assert carry_change(scope, asked.id) == "failed"
    assert get_change(scope, asked.id).error_code == "scan.evidence"
    assert kinds(scope)[-1] == "change.failed"
    with pytest.raises(Conflict):
        change_file(scope, asked.id, LAZ)


def test_one_that_failed_is_tried_again_once_its_cause_is_gone(scope: WorkspaceScope, asked: ScanChange) -> None:
    with pytest.raises(Conflict, match="only what ended early"):
        retry_change(scope, asked.id)
    with scope:
        stored = Scan.get_by_id(asked.second_scan_id).object
    other = ObjectStore.of(scope).put_bytes(b"other bytes").name
    with scope.transaction():
        Scan.update(object=other).where(Scan.id == asked.second_scan_id).execute()
        ScanChange.update(attempts=7).execute()
    assert carry_change(scope, asked.id) == "failed"
    with scope.transaction():
        Scan.update(object=stored).where(Scan.id == asked.second_scan_id).execute()
    row = retry_change(scope, asked.id)
    assert (row.state, row.attempts, row.error_code, row.finished_at) == ("requested", 0, None, None)
    assert kinds(scope)[-1] == "change.retried"
    assert carry_change(scope, asked.id) == "done"
    with pytest.raises(Conflict):
        retry_change(scope, asked.id)


def test_one_that_was_cancelled_is_tried_again_unless_a_scan_is_gone(
    scope: WorkspaceScope, scans: tuple[Scan, Scan], asked: ScanChange
) -> None:
    cancel_change(scope, asked.id)
    with scope.transaction():
        Scan.update(state="quarantined").where(Scan.id == scans[0].id).execute()
    with pytest.raises(Conflict, match="quarantined"):
        retry_change(scope, asked.id)
    with scope.transaction():
        Scan.update(state="stored").where(Scan.id == scans[0].id).execute()
    row = retry_change(scope, asked.id)
    assert (row.state, row.cancel_requested) == ("requested", 0)
    assert [row.id for row in changes_under_way(scope)] == [asked.id]
    assert carry_change(scope, asked.id) == "done", "it is not cancelled once more"
    assert changes_under_way(scope) == []


def test_a_full_disk_gives_it_back_for_later(
    scope: WorkspaceScope, asked: ScanChange, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> dict[str, object]:
        raise Unavailable("file.unwritable", "No space left.")

    with monkeypatch.context() as patched:
        patched.setattr(job, "change_of_files", full)
        assert carry_change(scope, asked.id) == "requested"
    row = get_change(scope, asked.id)
    assert (row.lease_until, row.error_code) == (None, "file.unwritable")
    assert carry_change(scope, asked.id) is None, "it waits"
    with scope.transaction():
        ScanChange.update(not_before=None).execute()
    assert carry_change(scope, asked.id) == "done"
    assert get_change(scope, asked.id).error_code is None


def test_what_cannot_be_compared_is_refused_when_it_is_asked(
    scope: WorkspaceScope, scans: tuple[Scan, Scan], tmp_path: Path
) -> None:
    one, two = scans
    other = received(scope, create_asset(scope, "another dune").id, tmp_path / "d.xyz", hills(4))
    for first, second, error in (
        (one.id, one.id, InvalidInput), (one.id, other.id, InvalidInput), (one.id, "scn_none", NotFound),
    ):  # fmt: skip
        with pytest.raises(error):
            request_change(scope, first, second, {})
    aside = received(scope, one.asset_id, tmp_path / "c.xyz", hills(3))
    with scope.transaction():
        Scan.update(state="quarantined").where(Scan.id == aside.id).execute()
    with pytest.raises(Conflict):
        request_change(scope, one.id, aside.id, {})
    assert list_changes(scope) == []
    made = request_change(scope, one.id, two.id, {})
    assert [row.id for row in list_changes(scope, asset_id=one.asset_id, state="requested")] == [made.id]
