"""Rows of docs/crash-matrix.md: killed between two commits of founding and of what a plant registers.

The founding of an appliance is killed at each of its points in ``tests/cli/test_init.py``, a migration at each of its
statements in ``tests/unit/db/test_migrations.py``.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.audit.database_log import DatabaseLog
from appliance.cad.models import CadRevision
from appliance.config.settings import load_settings
from appliance.measurements.models import CharacteristicSetRow
from appliance.plant.models import Instrument
from appliance.queue.outbox import Event
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.site import Site
from appliance.workspaces.destruction import clear_destroyed
from appliance.workspaces.service import create_workspace, resume, suspend

_REGISTER = """
import sys
from pathlib import Path
from appliance.cad.revisions import add_revision
from appliance.config.settings import load_settings
from appliance.errors import Conflict
from appliance.measurements.instruments import add_instrument
from appliance.measurements.sets import add_set
from appliance.plant.parts import create_part
from appliance.tenancy.records import Principal
from appliance.tenancy.site import Site
data, cad = Path(sys.argv[1]), Path(sys.argv[2])
with Site.open(load_settings(data, {})) as site:
    scope = site.scope(Principal("key_o", "key", "owner", "owner"), "main")
    try:
        create_part(scope, "P")
    except Conflict:
        pass
    add_revision(scope, "P", cad)
    add_set(scope, "P", b"name,zone,quantity,lower_mm,upper_mm,coverage\\nskin,all,mean,-1,1,0.5\\n")
    add_instrument(scope, "I", b"mpe_mm = 0.03\\n")
"""

_WORKSPACE = """
import sys
from pathlib import Path
from appliance.config.settings import load_settings
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.site import Site
from appliance.workspaces.service import create_workspace
with Site.open(load_settings(Path(sys.argv[1]), {})) as site:
    create_workspace(site, "second", "Second", SYSTEM)
"""

_FACET = "facet normal 0 0 1\nouter loop\nvertex 0 0 0\nvertex 30 0 0\nvertex 0 40 0\nendloop\nendfacet\n"


def _run(program: str, *arguments: Path, fault: str = "") -> int:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("D2R_")}
    armed = {"D2R_FAULT": fault, "D2R_ALLOW_FAULTS": "1"} if fault else {}
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, env=environ | armed, capture_output=True).returncode


@pytest.fixture
def data(tmp_path: Path) -> Path:
    with Site.open(load_settings(tmp_path / "d", {}), create=True) as site:
        create_workspace(site, "main", "Main", SYSTEM)
    return tmp_path / "d"


@pytest.mark.parametrize(
    ("fault", "registered"),
    [
        ("cad.stored", (0, 0, 0)),
        ("audit.recorded:2", (0, 0, 0)),
        ("plan.stored", (1, 0, 0)),
        ("instrument.stored", (1, 1, 0)),
    ],
)
def test_what_was_killed_half_way_is_not_registered_and_its_object_is_taken_up_by_the_next_try(
    data: Path, tmp_path: Path, fault: str, registered: tuple[int, int, int]
) -> None:
    cad = tmp_path / "t.stl"
    cad.write_text(f"solid t\n{_FACET}endsolid\n")
    assert _run(_REGISTER, data, cad, fault=fault) == -signal.SIGKILL
    assert _state(data)[0] == registered
    assert _run(_REGISTER, data, cad) == 0
    rows, events, objects = _state(data)
    assert rows == (1, 1, 1)
    assert events == ["part.created", "cad.revision.added", "characteristics.added", "instrument.added"]
    assert objects == 3


def _state(data: Path) -> tuple[tuple[int, ...], list[str], int]:
    with Site.open(load_settings(data, {})) as site:
        site.check_databases()
        workspace = site.workspaces()[0]
        with site.system_scope(workspace.id):
            rows = tuple(model.select().count() for model in (CadRevision, CharacteristicSetRow, Instrument))
            events = [event.kind for event in Event.select().order_by(Event.seq)]
        folder = site.settings.objects_folder / workspace.id
        return rows, events, sum(file.is_file() for file in folder.rglob("*"))


@pytest.mark.sqlite
@pytest.mark.parametrize("fault", ["workspace.reserved", "migration.statement:2", "workspace.files", "audit.recorded"])
def test_a_workspace_that_was_killed_half_way_cannot_be_entered_and_is_finished_by_the_next_try(
    data: Path, fault: str
) -> None:
    assert _run(_WORKSPACE, data, fault=fault) == -signal.SIGKILL
    with Site.open(load_settings(data, {})) as site:
        assert [workspace.slug for workspace in site.workspaces()] == ["main"]
        site.check_databases()
    assert _run(_WORKSPACE, data) == 0
    with Site.open(load_settings(data, {})) as site:
        assert [workspace.slug for workspace in site.workspaces()] == ["main", "second"]
        site.check_databases()
        assert len(list(site.settings.workspaces_folder.glob("*.db"))) == 2
        with site.system_scope(site.workspaces()[1].id):
            assert Event.select().count() == 0


_DESTROY = """
import sys
from pathlib import Path
from appliance.config.settings import load_settings
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.site import Site
from appliance.workspaces.destruction import destroy
with Site.open(load_settings(Path(sys.argv[1]), {})) as site:
    destroy(site, "main", "the contract ended", "main", SYSTEM)
"""


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("fault", "is_destroyed"),
    [
        ("workspace.signed_off", False), ("workspace.key_destroyed", True), ("workspace.rows_removed", True),
        ("workspace.files_removed", True),
    ],
)  # fmt: skip
def test_a_destruction_that_was_killed_is_done_or_not_begun_and_the_rest_is_cleared(
    data: Path, fault: str, is_destroyed: bool
) -> None:
    with Site.open(load_settings(data, {})) as site:
        workspace = site.workspaces()[0]
        suspend(site, "main", "the contract ended", SYSTEM)
    assert _run(_DESTROY, data, fault=fault) == -signal.SIGKILL
    with Site.open(load_settings(data, {})) as site:
        assert (site.all_workspaces()[0].condition == "destroyed") is is_destroyed
        log = DatabaseLog.of_control(site)
        kinds = [json.loads(log.entry(index))["kind"] for index in range(log.size)]
        assert kinds.count("workspace.destroyed") == is_destroyed
        if not is_destroyed:
            resume(site, "main", "after all", SYSTEM)
            site.scope(SYSTEM, "main")
            return
        assert clear_destroyed(site) == 1
        assert clear_destroyed(site) == 0
        assert not (site.settings.objects_folder / workspace.id).exists()
        assert not site.databases.path(workspace.id).exists()
        site.check_databases()
