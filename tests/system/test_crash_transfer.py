"""Rows of docs/crash-matrix.md: killed between two commits of an export and of an import of a workspace."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from appliance.audit.database_log import DatabaseLog
from appliance.config.settings import load_settings
from appliance.inspections.models import InspectionRow
from appliance.objects.sealed import ObjectStore
from appliance.tenancy.models import WorkspaceRow
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.site import Site
from appliance.workspaces.importing import Archive, give_up_imports, import_workspace
from tests.full_workspace import KEY, OWNER, Handed, fill, hand_out, new_site
from tests.postgresql_cluster import make_ready

_EXPORT = """
import sys
from pathlib import Path
from appliance.config.settings import load_settings
from appliance.crypto.archive_key import parse_archive_lock
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.site import Site
from appliance.workspaces.exporting import export_workspace
with Site.open(load_settings(Path(sys.argv[1]), {})) as site, open(sys.argv[2], "wb") as sink:
    export_workspace(site, "main", parse_archive_lock(sys.argv[3]), "a move", SYSTEM, sink)
"""

_IMPORT = """
import sys
from pathlib import Path
from appliance.config.settings import load_settings
from appliance.crypto.archive_key import parse_archive_key
from appliance.crypto.vkey import parse_vkey
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.site import Site
from appliance.workspaces.importing import Archive, import_workspace
with Site.open(load_settings(Path(sys.argv[1]), {})) as site:
    archive = Archive(Path(sys.argv[2]), parse_archive_key(sys.argv[3]), (parse_vkey(sys.argv[4]),))
    import_workspace(site, archive, "a move", SYSTEM)
"""


def _run(program: str, *arguments: object, fault: str = "") -> int:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("D2R_")}
    armed = {"D2R_FAULT": fault, "D2R_ALLOW_FAULTS": "1"} if fault else {}
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, env=environ | armed, capture_output=True).returncode


@pytest.fixture(scope="module")
def exporter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with new_site(tmp_path_factory.mktemp("here") / "appliance", "plant.example/7") as site:
        site.create_workspace("main", "Main", SYSTEM)
        fill(site.scope(OWNER, "main"), Random(3))
        yield site


@pytest.fixture(scope="module")
def handed(exporter: Site, tmp_path_factory: pytest.TempPathFactory) -> Handed:
    return hand_out(exporter, "main", tmp_path_factory.mktemp("archive"))


@pytest.fixture
def there(tmp_path: Path) -> Path:
    with new_site(tmp_path / "there", "elsewhere.example/2") as site:
        make_ready(site, 2)
    return tmp_path / "there"


def kinds(site: Site) -> list[str]:
    log = DatabaseLog.of_control(site)
    return [json.loads(log.entry(index))["kind"] for index in range(log.size)]


@pytest.mark.parametrize("fault", ["audit.recorded:1", "export.announced", "export.rows", "export.written"])
def test_an_export_that_was_killed_holds_nobody_up_and_stands_in_the_log(
    exporter: Site, tmp_path: Path, fault: str
) -> None:
    before, file = kinds(exporter), tmp_path / "cut"
    assert _run(_EXPORT, exporter.settings.data, file, KEY.lock.text, fault=fault) == -signal.SIGKILL
    added = kinds(exporter)[len(before) :]
    assert added == ([] if fault == "audit.recorded:1" else ["workspace.exported"])
    with exporter.system_scope(exporter.workspaces()[0].id):
        assert InspectionRow.select().count() == 5
    whole = tmp_path / "whole"
    assert _run(_EXPORT, exporter.settings.data, whole, KEY.lock.text) == 0
    assert kinds(exporter)[-1] == "workspace.export_finished"
    assert whole.stat().st_size > file.stat().st_size or fault == "export.written"


@pytest.mark.parametrize(
    ("fault", "is_there"),
    [
        ("import.reserved", False), ("import.furnished", False), ("import.filled", False), ("audit.recorded:2", False),
        ("audit.signed", False), ("import.signed", False), ("audit.recorded:3", False), ("import.revealed", True),
    ],
)  # fmt: skip
def test_an_import_that_was_killed_is_there_whole_or_leaves_nothing(
    exporter: Site, handed: Handed, there: Path, fault: str, is_there: bool
) -> None:
    vkey = exporter.keys.own_keys()[0]
    arguments = (there, handed.file, KEY.text, vkey)
    assert _run(_IMPORT, *arguments, fault=fault) == -signal.SIGKILL
    with Site.open(load_settings(there, {})) as site:
        settings = site.settings
        assert [one.slug for one in site.all_workspaces()] == (["main"] if is_there else [])
        assert kinds(site).count("workspace.imported") == is_there
        assert give_up_imports(site) == (not is_there)
        assert give_up_imports(site) == 0
        with site.control_session():
            assert WorkspaceRow.select().where(WorkspaceRow.cleared_at.is_null()).count() == is_there
        for folder in (settings.objects_folder, settings.uploads_folder):
            assert len(list(folder.iterdir())) == is_there
        if not is_there:
            assert not list(settings.workspaces_folder.iterdir())
            import_workspace(site, Archive(handed.file, KEY, (vkey,)), "once more", OWNER)
        scope = site.scope(SYSTEM, "main")
        DatabaseLog.of(scope).validate()
        assert len(list(ObjectStore.of(scope).names())) == handed.statement.contents.objects.count
        site.check_databases()


def test_an_import_gives_up_what_another_one_left(exporter: Site, handed: Handed, there: Path) -> None:
    arguments = (there, handed.file, KEY.text, exporter.keys.own_keys()[0])
    assert _run(_IMPORT, *arguments, fault="import.filled") == -signal.SIGKILL
    assert _run(_IMPORT, *arguments) == 0
    with Site.open(load_settings(there, {})) as site:
        assert [one.slug for one in site.workspaces()] == ["main"]
        assert len(list(site.settings.objects_folder.iterdir())) == 1
        assert give_up_imports(site) == 0
