"""Suspended, resumed, destroyed: who gets in, what stays, and what nobody can read again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from appliance.audit.checkpoint import verify_checkpoint
from appliance.audit.database_log import DatabaseLog
from appliance.audit.erasure import hold, release
from appliance.audit.persons import create_person
from appliance.errors import Conflict, D2RError, Denied, InvalidInput, NotFound
from appliance.identity.api_keys import authenticate, create_api_key
from appliance.inspections.service import reconcile
from appliance.objects.sealed import ObjectStore
from appliance.plant.assets import create_asset, list_assets
from appliance.tenancy.models import WorkspaceRow
from appliance.tenancy.records import SYSTEM, Principal
from appliance.tenancy.scope import WorkspaceScope
from appliance.tenancy.site import Site
from appliance.workspaces.destruction import clear_destroyed, destroy
from appliance.workspaces.service import create_workspace, resume, suspend

OWNER = Principal("key_owner", "key", "owner", "owner")
SECRET = b"the shape of press 7"


def last_entry(site: Site) -> dict[str, object]:
    log = DatabaseLog.of_control(site)
    found: dict[str, object] = json.loads(log.entry(log.size - 1))
    return found


def stored(scope: WorkspaceScope, tmp_path: Path) -> str:
    file = tmp_path / "evidence"
    file.write_bytes(SECRET)
    return ObjectStore.of(scope).put_file(file).name


def test_nobody_enters_a_suspended_workspace_and_what_is_there_stays(site: Site) -> None:
    create_asset(site.scope(OWNER, "main"), "press-7")
    mine = Principal("key_mine", "key", "mine", "operator", site.workspaces()[0].id)
    suspend(site, "main", "an audit", OWNER)
    for principal in (OWNER, mine):
        with pytest.raises(Denied) as refused:
            site.scope(principal, "main")
        assert refused.value.code == "workspace.suspended"
    with pytest.raises(Denied):
        site.system_scope(str(mine.workspace_id))
    assert not site.is_open(str(mine.workspace_id))
    assert site.workspaces() == ()
    reconcile(site)  # no job is asked for
    resume(site, "main", "it is over", OWNER)
    assert [asset.name for asset in list_assets(site.scope(mine, "main"))] == ["press-7"]


def test_a_stranger_is_not_even_told_that_it_is_suspended(site: Site) -> None:
    other = create_workspace(site, "other", "Other", SYSTEM)
    suspend(site, "main", "an audit", OWNER)
    with pytest.raises(NotFound):
        site.scope(Principal("key_x", "key", "x", "owner", other.id), "main")


def test_each_turn_stands_in_the_control_log_with_its_reason(site: Site) -> None:
    for kind, work in (("workspace.suspended", suspend), ("workspace.resumed", resume)):
        work(site, "main", " an audit ", OWNER)
        entry = last_entry(site)
        assert entry["kind"] == kind
        assert entry["facts"] | {"reason": "an audit", "slug": "main"} == entry["facts"]  # type: ignore[operator]
        assert entry["facts"]["by"]["id"] == OWNER.id  # type: ignore[index]


@pytest.mark.parametrize("reason", ["", "   ", "x" * 1001])
def test_a_turn_without_a_reason_is_refused(site: Site, reason: str) -> None:
    for work in (suspend, resume):
        with pytest.raises(InvalidInput):
            work(site, "main", reason, OWNER)
    with pytest.raises(InvalidInput):
        destroy(site, "main", reason, "main", OWNER)


def test_turns_come_in_their_order(site: Site) -> None:
    with pytest.raises(Conflict):
        resume(site, "main", "r", OWNER)
    with pytest.raises(Conflict) as refused:
        destroy(site, "main", "r", "main", OWNER)
    assert "Suspend it first" in refused.value.hint
    suspend(site, "main", "r", OWNER)
    with pytest.raises(Conflict):
        suspend(site, "main", "r", OWNER)
    for work in (suspend, resume):
        with pytest.raises(NotFound):
            work(site, "nowhere", "r", OWNER)


def test_destroying_wants_the_name_once_more(site: Site) -> None:
    suspend(site, "main", "r", OWNER)
    with pytest.raises(InvalidInput):
        destroy(site, "main", "r", "mian", OWNER)
    resume(site, "main", "r", OWNER)
    site.scope(OWNER, "main")


def test_what_was_destroyed_is_not_read_again_from_any_copy(site: Site, tmp_path: Path) -> None:
    scope = site.scope(OWNER, "main")
    name = stored(scope, tmp_path)
    copies = tmp_path / "backup"
    shutil.copytree(site.settings.objects_folder / scope.workspace_id, copies)
    with site.control_session():
        wrapped = bytes(WorkspaceRow.get_by_id(scope.workspace_id).data_key)
    assert b"".join(ObjectStore.of(scope).blocks(name)) == SECRET
    suspend(site, "main", "r", OWNER)
    destroy(site, "main", "the contract ended", "main", OWNER)

    assert not any(SECRET in path.read_bytes() for path in copies.rglob("*") if path.is_file())
    assert wrapped
    assert not any(wrapped in path.read_bytes() for path in site.settings.data.rglob("*") if path.is_file())
    with site.control_session():
        assert bytes(WorkspaceRow.get_by_id(scope.workspace_id).data_key) == b""
    # Putting the bytes back, under the master key that is still there, brings nothing back.
    shutil.copytree(copies, site.settings.objects_folder / scope.workspace_id)
    with pytest.raises(D2RError):
        site.sealed_scope(scope.workspace_id)
    with Site.open(site.settings) as again, pytest.raises(NotFound):
        again.scope(OWNER, "main")


def test_nothing_of_it_is_left_but_a_row_and_what_the_log_says(site: Site, tmp_path: Path) -> None:
    scope = site.scope(OWNER, "main")
    stored(scope, tmp_path)
    create_asset(scope, "press-7")
    _, token = create_api_key(site, "main", "operator", "a key", OWNER)
    suspend(site, "main", "r", OWNER)
    destroyed = destroy(site, "main", "the contract ended", "main", OWNER)
    assert destroyed.condition == "destroyed"
    assert not (site.settings.objects_folder / scope.workspace_id).exists()
    assert not (site.settings.uploads_folder / scope.workspace_id).exists()
    assert list(site.settings.workspaces_folder.glob(f"{scope.workspace_id}*")) == []
    with pytest.raises(Denied):
        authenticate(site, token)
    assert [one.slug for one in site.all_workspaces()] == ["main"]
    with site.control_session():
        assert WorkspaceRow.get_by_id(scope.workspace_id).cleared_at is not None


def test_its_log_ends_signed_and_the_end_stands_in_the_control_log(site: Site) -> None:
    log = DatabaseLog.of(site.scope(OWNER, "main"))
    create_asset(site.scope(OWNER, "main"), "press-7")
    origin, size = log.first_origin, log.size
    suspend(site, "main", "r", OWNER)
    destroy(site, "main", "the contract ended", "main", OWNER)
    facts = last_entry(site)["facts"]
    assert isinstance(facts, dict)
    assert (facts["reason"], facts["counts"]) == ("the contract ended", {"inspections": 0, "scans": 0})
    state = verify_checkpoint(facts["checkpoint"].encode(), site.keys.own_keys(), origin)
    assert state.size == size + 1


def test_a_legal_hold_keeps_a_workspace(site: Site) -> None:
    scope = site.scope(OWNER, "main")
    person = create_person(scope, {"name": "Max"})
    hold(scope, person, "a law suit")
    suspend(site, "main", "r", OWNER)
    with pytest.raises(Conflict) as refused:
        destroy(site, "main", "r", "main", OWNER)
    assert refused.value.code == "workspace.held"
    resume(site, "main", "r", OWNER)
    release(site.scope(OWNER, "main"), person, "it ended")
    suspend(site, "main", "r", OWNER)
    assert destroy(site, "main", "r", "main", OWNER).condition == "destroyed"


def test_a_destroyed_workspace_never_comes_back_and_its_name_is_never_given_again(site: Site) -> None:
    suspend(site, "main", "r", OWNER)
    destroy(site, "main", "r", "main", OWNER)
    with pytest.raises(Conflict):
        create_workspace(site, "main", "Main", SYSTEM)
    for work in (suspend, resume):
        with pytest.raises(Conflict):
            work(site, "main", "r", OWNER)
    with pytest.raises(Conflict):
        destroy(site, "main", "r", "main", OWNER)


def test_others_are_not_touched(site: Site, tmp_path: Path) -> None:
    create_workspace(site, "other", "Other", SYSTEM)
    other = site.scope(OWNER, "other")
    name = stored(other, tmp_path)
    create_asset(other, "press-8")
    _, token = create_api_key(site, "other", "operator", "a key", OWNER)
    suspend(site, "main", "r", OWNER)
    destroy(site, "main", "r", "main", OWNER)
    assert b"".join(ObjectStore.of(site.scope(OWNER, "other")).blocks(name)) == SECRET
    assert [asset.name for asset in list_assets(site.scope(OWNER, "other"))] == ["press-8"]
    assert authenticate(site, token).role == "operator"


def test_what_was_cut_is_cleared_by_whoever_comes_by(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    scope = site.scope(OWNER, "main")
    suspend(site, "main", "r", OWNER)
    with monkeypatch.context() as cut:
        cut.setattr("appliance.workspaces.destruction.clear_destroyed", lambda site: 0)
        destroy(site, "main", "r", "main", OWNER)
    assert (site.settings.objects_folder / scope.workspace_id).exists()
    assert clear_destroyed(site) == 1
    assert not (site.settings.objects_folder / scope.workspace_id).exists()
    assert clear_destroyed(site) == 0
