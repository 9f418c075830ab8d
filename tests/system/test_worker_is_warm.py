"""A job pays neither imports nor compilation: the worker's parent has done both before it forks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

#: Runs in a process of its own: the worker's parent, then a fork that inspects and reports as a job does.
PROBE = """
import json, os, sys
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

import worker.main as parent
from appliance.supervise.kernels import load_compiled

for module in (*parent.JOBS.values(), *parent.LATE):
    import_module(module)
loaded = load_compiled()
from numba.core import event

class Compilations(event.Listener):
    count = 0
    def on_start(self, e): type(self).count += 1
    def on_end(self, e): pass

folder = Path(sys.argv[1])
known = set(sys.modules)
if os.fork() == 0:
    event.register("numba:compile", Compilations())
    from appliance.core.clock import utc_now
    from appliance.crypto.keystore import KeyStore
    from appliance.inspections.outputs import write_clouds
    from appliance.inspections.pipeline import inspect
    from appliance.inspections.request import InspectionRequest
    from appliance.reports.issue import issue_report
    from appliance.audit.log import FileLog
    known |= {"appliance.audit.log", "appliance.audit.entryfile"}
    request = InspectionRequest(
        scan=folder / "scan-2.e57", cad=folder / "housing.stl", characteristics=folder / "housing.plan.toml",
        zones=folder / "housing.zones.toml", inspected_at=utc_now(),
    )
    inspection = inspect(request)
    keys = KeyStore.open_or_create(folder / "keys")
    (folder / "out").mkdir()
    issue_report(inspection, folder / "out", keys=keys, log=FileLog.of(keys), issued_at=utc_now())
    new = [name for name in set(sys.modules) - known if name.partition(".")[0] not in sys.stdlib_module_names]
    print(json.dumps({"loaded": loaded, "compilations": Compilations.count, "imports": sorted(new)}), flush=True)
    os._exit(0)
os._exit(os.waitstatus_to_exitcode(os.wait()[1]))
"""


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from appliance.simulate.series import CASES, Series

    folder = tmp_path_factory.mktemp("evidence")
    Series.write(folder).write_scan(folder, CASES[1], 60_000)
    return folder


def test_a_job_imports_nothing_and_compiles_nothing(evidence: Path) -> None:
    answer = subprocess.run(
        [sys.executable, "-c", PROBE, str(evidence)], cwd=ROOT, env=dict(os.environ), capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr[-2000:]
    told = json.loads(answer.stdout.splitlines()[-1])
    assert told["loaded"] > 50, "kernels come from the cache, without being run"
    assert told["compilations"] == 0
    assert told["imports"] == []
