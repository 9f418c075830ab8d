"""The rows of docs/crash-matrix.md about the audit log: a process is killed between any two commits."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.audit.book import book_of
from appliance.audit.database_log import DatabaseLog
from appliance.audit.entry import read_entry
from appliance.audit.erasure import erase
from appliance.audit.openings import Erased, disclose
from appliance.audit.persons import create_person, find_person
from appliance.audit.recording import record
from appliance.audit.rotation import rotate_key
from appliance.config.settings import load_settings
from appliance.errors import Conflict
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.scope import WorkspaceScope
from appliance.tenancy.site import Site

ROOT = Path(__file__).resolve().parents[2]
NAME = "Erika Mustermann"
SCRIPT = """
import sys
from pathlib import Path
from appliance.audit.database_log import DatabaseLog
from appliance.audit.epochs import open_epoch
from appliance.audit.erasure import erase
from appliance.audit.recording import record
from appliance.audit.rotation import rotate_key
from appliance.config.settings import load_settings
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.site import Site
site = Site.open(load_settings(Path(sys.argv[1]), {}))
scope, person = site.scope(SYSTEM, "line-1"), sys.argv[2]
ACTION
"""
RECORD = 'record(scope, "scan.received", personal={"operator": "Erika Mustermann"}, person=person)'


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site.open(load_settings(tmp_path / "data", {"D2R_NAME": "plant.example/7"}), create=True) as made:
        made.create_workspace("line-1", "Line 1", SYSTEM)
        yield made


@pytest.fixture
def scope(site: Site) -> WorkspaceScope:
    return site.scope(SYSTEM, "line-1")


@pytest.fixture
def person(scope: WorkspaceScope) -> str:
    made = create_person(scope, {"name": NAME})
    for _ in range(3):
        record(scope, "scan.received", personal={"operator": NAME}, person=made)
    return made


def killed_at(point: str, site: Site, person: str, action: str) -> None:
    """Run an action in a process of its own that is killed at ``point``."""
    environment = {**os.environ, "D2R_FAULT": point, "D2R_ALLOW_FAULTS": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", SCRIPT.replace("ACTION", action), str(site.settings.data), person]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == -signal.SIGKILL, done.stderr


def test_an_entry_that_was_not_committed_never_was(site: Site, scope: WorkspaceScope, person: str) -> None:
    killed_at("audit.recorded", site, person, RECORD)
    log = DatabaseLog.of(scope)
    assert log.size == 3
    assert find_person(scope, person).records == 3  # type: ignore[union-attr]
    assert record(scope, "scan.received", personal={"operator": NAME}, person=person) == 3
    assert disclose(scope, 3)["operator"].value == NAME  # type: ignore[union-attr]
    assert log.validate().size == 4


def test_a_checkpoint_that_was_signed_and_not_committed_reached_nobody(
    site: Site, scope: WorkspaceScope, person: str
) -> None:
    killed_at("audit.signed", site, person, "DatabaseLog.of(scope).checkpoint()")
    log = DatabaseLog.of(scope)
    assert log.tables.checkpoints() == []
    assert log.validate_for_export().size == 3


def test_a_checkpoint_that_was_committed_and_not_handed_out_is_handed_out_next(
    site: Site, scope: WorkspaceScope, person: str
) -> None:
    killed_at("audit.checkpoint", site, person, "DatabaseLog.of(scope).checkpoint()")
    log = DatabaseLog.of(scope)
    [kept] = log.tables.checkpoints()
    assert bytes(log.checkpoint()) == kept.note
    assert log.is_signed()


def test_an_erasure_that_was_not_committed_left_everything(site: Site, scope: WorkspaceScope, person: str) -> None:
    killed_at("audit.erased", site, person, 'erase(scope, person, legal_basis="GDPR", approver=SYSTEM)')
    assert find_person(scope, person).erased_at is None  # type: ignore[union-attr]
    assert disclose(scope, 1)["operator"].value == NAME  # type: ignore[union-attr]
    assert DatabaseLog.of(scope).validate().size == 3
    assert erase(scope, person, legal_basis="GDPR", approver=SYSTEM) == 3


@pytest.mark.sqlite
def test_an_erasure_cut_after_its_commit_is_ended_by_asking_again(
    site: Site, scope: WorkspaceScope, person: str
) -> None:
    [(wrapped,)] = book_of(scope).rows.fetch("SELECT wrapped_key FROM person WHERE id = ?", person)
    killed_at("audit.forgotten", site, person, 'erase(scope, person, legal_basis="GDPR", approver=SYSTEM)')
    assert isinstance(disclose(scope, 1)["operator"], Erased)
    with pytest.raises(Conflict, match="erased"):
        erase(scope, person, legal_basis="GDPR", approver=SYSTEM)
    path = site.databases.path(scope.workspace_id)
    files = [path.with_name(path.name + end) for end in ("", "-wal")]
    assert all(wrapped not in file.read_bytes() for file in files if file.exists())
    assert DatabaseLog.of(scope).validate().size == 4


def test_a_new_epoch_is_declared_and_named_or_neither(site: Site, scope: WorkspaceScope, person: str) -> None:
    killed_at("audit.epoch", site, person, 'open_epoch(scope, "restored from a backup")')
    log = DatabaseLog.of(scope)
    assert (log.size, log.origin) == (3, log.first_origin)
    assert log.validate().size == 3


def test_a_rotation_that_was_cut_before_its_entry_is_recorded_with_the_next_one(
    site: Site, scope: WorkspaceScope, person: str
) -> None:
    DatabaseLog.of(scope).checkpoint()
    killed_at("audit.rotated", site, person, "rotate_key(site, SYSTEM)")
    control = DatabaseLog.of_control(site)
    assert control.size == 0
    assert DatabaseLog.of(scope).validate_for_export().size == 3, "signed by the new key, after the old one"
    rotate_key(site, SYSTEM)
    said = [read_entry(control.entry(index)) for index in range(control.size)]
    keys = [str(key) for key in site.keys.own_keys()]
    assert [(one.facts["old"], one.facts["new"]) for one in said] == [(keys[2], keys[1]), (keys[1], keys[0])]
