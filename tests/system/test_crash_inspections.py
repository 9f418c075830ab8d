"""The crash matrix of inspections: a worker killed at each of its commits, one after the other, on one scan."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from appliance.audit.database_log import DatabaseLog
from appliance.audit.entry import read_entry
from appliance.inspections import service
from appliance.inspections.carry import carry
from appliance.inspections.models import InspectionRow
from appliance.measurements.models import Measurement
from appliance.objects.sealed import ObjectStore
from appliance.reports.issuing import issue
from appliance.tenancy.scope import WorkspaceScope
from appliance.twin.models import TwinVersion
from tests.conftest import ROOT
from tests.line_samples import known_part, sample_files, stored_scan

#: Every commit of an inspection, in its order (docs/crash-matrix.md), and the state that the row is left in.
POINTS = (
    ("inspection.laid_out", "stored"), ("inspection.decoded", "decoded"), ("inspection.aligned", "aligned"),
    ("inspection.compared", "compared"), ("inspection.outputs_stored", "compared"), ("report.signed", "compared"),
    ("report.judged", "judged"), ("twin.stored", "judged"), ("report.printed", "judged"),
    ("report.recorded", "recorded"),
)  # fmt: skip
CARRY = """
import sys
from pathlib import Path
from appliance.config.settings import load_settings
from appliance.inspections.carry import carry
from appliance.reports.issuing import issue
from appliance.tenancy.site import Site
with Site.open(load_settings(Path(sys.argv[1]), {})) as site:
    carry(site.system_scope(sys.argv[2]), sys.argv[3], issue)
"""


def test_a_worker_killed_at_any_commit_leaves_an_inspection_that_the_next_one_ends(
    scope: WorkspaceScope, tmp_path: Path
) -> None:
    sample = sample_files(tmp_path, points=30_000)
    scan = stored_scan(scope, sample, known_part(scope, sample))
    alignment = ObjectStore.of(scope).put_file(sample.alignment).name
    asked = service.create_inspection(scope, scan.id, alignment_object=alignment)
    for name, state in POINTS:
        done = _carried_by_a_process_that_dies_at(name, scope, asked.id)
        assert done.returncode == -9, f"{name}: {done.stderr.decode()[-2000:]}"
        assert service.get_inspection(scope, asked.id).state == state, name
        _expire_lease(scope, asked.id)
    assert carry(scope, asked.id, issue) is None, "it was recorded before the last kill"
    _require_one_of_everything(scope, asked.id)


def _carried_by_a_process_that_dies_at(
    name: str, scope: WorkspaceScope, inspection_id: str
) -> subprocess.CompletedProcess[bytes]:
    environment = os.environ | {"D2R_FAULT": name, "D2R_ALLOW_FAULTS": "1"}
    command = [sys.executable, "-c", CARRY, str(scope.settings.data), scope.workspace_id, inspection_id]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, timeout=300, check=False)


def _expire_lease(scope: WorkspaceScope, inspection_id: str) -> None:
    with scope.transaction():
        changed = InspectionRow.update(lease_until="2020-01-01T00:00:00.000000Z")
        changed.where(InspectionRow.id == inspection_id, InspectionRow.lease_until.is_null(False)).execute()


def _require_one_of_everything(scope: WorkspaceScope, inspection_id: str) -> None:
    log = DatabaseLog.of(scope)
    log.validate()
    kinds = [read_entry(log.entry(index)).kind for index in range(log.size)]
    assert kinds.count("report.issued") == 1
    assert kinds.count("inspection.recorded") == 1
    row = service.get_inspection(scope, inspection_id)
    assert row.state == "recorded"
    with scope:
        assert Measurement.select().count() == 6
        assert TwinVersion.select().count() == 1
    store = ObjectStore.of(scope)
    for name in (row.result_object, row.envelope_object, row.proof_object, row.pdf_object, row.tiles_object):
        store.check(name)
