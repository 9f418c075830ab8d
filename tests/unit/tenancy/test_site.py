"""A site: founded whole, opened only where it is whole, entered by those who belong."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.config.settings import Settings, load_settings
from appliance.crypto import sodium
from appliance.crypto.aead import new_key
from appliance.crypto.master import MasterKey
from appliance.db.models import ControlModel
from appliance.db.routing import ScopeConflict, ScopeMissing
from appliance.errors import Conflict, Denied, InvalidInput, Misconfigured, Modified, NotFound
from appliance.tenancy.models import WorkspaceRow
from appliance.tenancy.records import SYSTEM, Principal
from appliance.tenancy.site import Site

OWNER = Principal("key_o", "key", "owner", "owner")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(tmp_path / "appliance", {})


@pytest.fixture(autouse=True)
def cheap_passphrases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sodium, "PASSPHRASE_PASSES", 1)
    monkeypatch.setattr(sodium, "PASSPHRASE_MEMORY_BYTES", 8192)


def test_every_folder_is_for_the_owner_alone(site: Site) -> None:
    for folder in site.settings.folders:
        assert folder.stat().st_mode & 0o777 == 0o700
    places = [site.settings.control_db, site.settings.database_file]
    for file in (site.settings.master_key_file, *(place for place in places if place.exists())):
        assert file.stat().st_mode & 0o777 == 0o600


def test_the_recovery_key_is_given_once_and_opens_the_master_key(settings: Settings) -> None:
    sealed = replace(settings, passphrase="one")
    with Site.open(sealed, create=True) as site:
        site.create_workspace("main", "Main", SYSTEM)
        assert site.recovery_key is not None
        recovery = site.recovery_key
        wrapped = site.master.wrap(b"k" * 32, "x")
    sealed.admin_key_file.write_text("the founding is finished")
    with Site.open(sealed, create=True) as again:
        assert again.recovery_key is None
    opened = MasterKey.recover(sealed.master_key_file, recovery, "two")
    assert opened.unwrap(wrapped, "x") == b"k" * 32


def test_there_must_be_an_appliance_to_open(settings: Settings) -> None:
    with pytest.raises(Misconfigured) as refused:
        Site.open(settings)
    assert refused.value.code == "site.missing"
    assert "d2r init" in refused.value.hint
    assert not settings.data.exists()


def test_a_wrong_passphrase_is_denied(settings: Settings) -> None:
    Site.open(replace(settings, passphrase="one"), create=True).close()
    for passphrase in (None, "two"):
        with pytest.raises(Denied):
            Site.open(replace(settings, passphrase=passphrase))


def test_a_folder_that_others_may_enter_is_refused(site: Site) -> None:
    site.close()
    site.settings.data.chmod(0o755)
    with pytest.raises(Misconfigured, match="open to other users"):
        Site.open(site.settings)


@pytest.mark.sqlite
def test_a_damaged_control_database_is_told(site: Site) -> None:
    site.close()
    site.settings.control_db.write_bytes(b"\0" * 100 + b"x" * 5000)
    with pytest.raises(Misconfigured) as refused:
        Site.open(site.settings)
    assert refused.value.code == "database.damaged"


@pytest.mark.sqlite
def test_a_damaged_workspace_is_found_by_the_check(site: Site) -> None:
    site.check_databases()
    site.close()
    path = site.databases.path(site.workspaces()[0].id)
    site.close()
    data = bytearray(path.read_bytes())
    data[3 * 4096 : 3 * 4096 + 200] = b"\xff" * 200
    path.write_bytes(data)
    with pytest.raises(Misconfigured) as refused:
        site.check_databases()
    assert refused.value.code == "database.damaged"
    assert str(path) in refused.value.message


@pytest.mark.sqlite
def test_a_missing_workspace_database_is_told_and_not_made_anew(site: Site) -> None:
    workspace = site.workspaces()[0]
    site.close()
    path = site.databases.path(workspace.id)
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()
    with Site.open(site.settings) as again:
        with pytest.raises(Misconfigured) as refused:
            again.system_scope(workspace.id)
        assert refused.value.code == "database.missing"
        with pytest.raises(Misconfigured):
            again.check_databases()
    assert not path.exists()


@pytest.mark.sqlite
def test_a_database_of_a_newer_program_is_refused(site: Site) -> None:
    site.close()
    connection = sqlite3.connect(site.settings.control_db)
    connection.execute("INSERT INTO schema_migration VALUES (9999, 'future', 'x', 'y')")
    connection.commit()
    connection.close()
    with pytest.raises(Misconfigured) as refused:
        Site.open(site.settings)
    assert refused.value.code == "schema.newer"


def test_a_stranger_is_told_that_there_is_nothing(site: Site) -> None:
    other = site.create_workspace("other", "Other", SYSTEM)
    stranger = Principal("key_s", "key", "stranger", "owner", other.id)
    assert site.scope(stranger, "other").workspace_id == other.id
    with pytest.raises(NotFound) as hidden:
        site.scope(stranger, "main")
    with pytest.raises(NotFound) as missing:
        site.scope(stranger, "nothing")
    assert hidden.value.code == missing.value.code
    assert hidden.value.message.replace("main", "nothing") == missing.value.message


@pytest.mark.parametrize("role", ["supervisor", "operator", "auditor", "device", "service", "plant-it"])
def test_only_an_owner_of_the_appliance_enters_every_workspace(site: Site, role: str) -> None:
    site.scope(OWNER, "main")
    with pytest.raises(NotFound):
        site.scope(Principal("key_x", "key", "x", role), "main")  # type: ignore[arg-type]


def test_a_job_enters_by_the_workspace_row_alone(site: Site) -> None:
    workspace = site.workspaces()[0]
    scope = site.system_scope(workspace.id)
    assert (scope.principal, scope.slug, scope.object_prefix) == (SYSTEM, "main", workspace.id)
    for unknown in ("main", "wsp_nothing", ""):
        with pytest.raises(NotFound):
            site.system_scope(unknown)


def test_every_workspace_has_a_key_of_its_own_that_is_never_shown(site: Site) -> None:
    other = site.create_workspace("other", "Other", SYSTEM)
    first, second = site.scope(OWNER, "main"), site.system_scope(other.id)
    assert len(first.data_key) == len(second.data_key) == 32
    assert first.data_key != second.data_key
    for shown in (repr(first), repr(site), str(site.settings)):
        assert repr(first.data_key) not in shown
    with Site.open(site.settings) as again:
        assert again.scope(OWNER, "main").data_key == first.data_key


def test_a_wrapped_key_moved_to_another_workspace_does_not_open(site: Site) -> None:
    other = site.create_workspace("other", "Other", SYSTEM)
    with site.control_transaction():
        key = WorkspaceRow.get(WorkspaceRow.slug == "main").data_key
        WorkspaceRow.update(data_key=key).where(WorkspaceRow.id == other.id).execute()
    with Site.open(site.settings) as again, pytest.raises(Modified):
        again.scope(OWNER, "other")


def test_a_key_that_is_wrapped_anew_is_opened_anew(site: Site) -> None:
    scope = site.scope(OWNER, "main")
    site.master.rotate()
    with site.control_transaction():
        wrapped = site.master.wrap(scope.data_key, f"workspace/{scope.workspace_id}")
        WorkspaceRow.update(data_key=wrapped).execute()
    assert site.scope(OWNER, "main").data_key == scope.data_key
    with site.control_transaction():
        WorkspaceRow.update(data_key=site.master.wrap(new_key(), f"workspace/{scope.workspace_id}")).execute()
    assert site.scope(OWNER, "main").data_key != scope.data_key


@pytest.mark.parametrize("slug", ["", "Main", "a b", "-a", "a-", "ä", "a" * 64, "a/b", "..", "a_b", "a\n"])
def test_a_slug_that_cannot_stand_in_an_address_is_refused(site: Site, slug: str) -> None:
    with pytest.raises(InvalidInput):
        site.create_workspace(slug, "Name", SYSTEM)


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 201])
def test_a_name_that_cannot_be_printed_is_refused(site: Site, name: str) -> None:
    with pytest.raises(InvalidInput):
        site.create_workspace("good", name, SYSTEM)


def test_a_slug_is_given_once(site: Site) -> None:
    with pytest.raises(Conflict):
        site.create_workspace("main", "Again", SYSTEM)
    assert [workspace.slug for workspace in site.workspaces()] == ["main"]


@pytest.mark.sqlite
def test_a_half_made_workspace_cannot_be_entered_and_is_finished_by_the_next_try(site: Site) -> None:
    with site.control_transaction():
        WorkspaceRow.update(state="creating").execute()
    assert site.workspaces() == ()
    with pytest.raises(NotFound):
        site.scope(OWNER, "main")
    again = site.create_workspace("main", "Main", SYSTEM)
    assert [workspace.id for workspace in site.workspaces()] == [again.id]
    assert len(list(site.settings.workspaces_folder.glob("*.db"))) == 1


def test_what_belongs_to_a_new_workspace_is_written_with_it_or_neither_is(site: Site) -> None:
    def refuse(_: object) -> None:
        raise Conflict("x", "no")

    with pytest.raises(Conflict):
        site.create_workspace("other", "Other", SYSTEM, refuse)
    assert [workspace.slug for workspace in site.workspaces()] == ["main"]


def test_control_rows_need_a_control_session(site: Site) -> None:
    with pytest.raises(ScopeMissing):
        WorkspaceRow.select().count()
    with site.scope(OWNER, "main"), pytest.raises(ScopeMissing):
        WorkspaceRow.select().count()
    with site.control_session() as control, site.scope(OWNER, "main"):
        assert WorkspaceRow.select().count() == 1
        assert control.route is ControlModel._meta.route


def test_workspaces_that_nobody_uses_keep_no_files_open(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site.databases.backend, "warm_workspaces", 2)
    scopes = []
    for name in ("b", "c", "d"):
        site.create_workspace(name, name, SYSTEM)
    for name in ("main", "b", "c", "d", "b"):
        scope = site.scope(OWNER, name)
        with scope:
            scopes.append(scope)
    open_ones = {scope.slug for scope in scopes if scope.database.idle_connections}
    assert open_ones == {"d", "b"}
    with scopes[0]:
        pass


def test_a_scope_inside_another_raises(site: Site) -> None:
    site.create_workspace("other", "Other", SYSTEM)
    with site.scope(OWNER, "main"):
        with pytest.raises(ScopeConflict), site.scope(OWNER, "other"):
            pytest.fail("entered")
        with site.system_scope(site.scope(OWNER, "main").workspace_id):
            pass


def test_two_who_make_the_same_workspace_at_once_make_one(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second comes by while the first is at its files: it takes the row up, finishes it, and the first is told."""
    backend = site.databases.backend
    make = backend.make_workspace

    def overtaken(workspace_id: str) -> None:
        monkeypatch.setattr(backend, "make_workspace", make)
        recorded.append(site.create_workspace("new", "Second", SYSTEM).id)
        make(workspace_id)

    recorded: list[str] = []
    monkeypatch.setattr(backend, "make_workspace", overtaken)
    with pytest.raises(Conflict) as refused:
        site.create_workspace("new", "First", SYSTEM, lambda workspace: recorded.append(workspace.id))
    assert refused.value.code == "workspace.taken"
    assert [workspace.id for workspace in site.workspaces() if workspace.slug == "new"] == recorded
