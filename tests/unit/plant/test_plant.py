"""Parts, assets, devices, operators: named once, found by name or id, every change in the log with its event."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from appliance.audit.database_log import DatabaseLog
from appliance.audit.erasure import erase
from appliance.audit.persons import profile_of
from appliance.crypto.vkey import Signer
from appliance.db.listing import Listing
from appliance.errors import Conflict, InvalidInput, NotFound
from appliance.plant.assets import change_asset, create_asset, find_asset, list_assets
from appliance.plant.devices import enrol_device, find_device, list_devices, revoke_device
from appliance.plant.operators import person_of_badge
from appliance.plant.parts import create_part, find_part, list_parts
from appliance.queue.outbox import Event
from appliance.tenancy.records import SYSTEM, Principal
from appliance.tenancy.scope import WorkspaceScope
from appliance.tenancy.site import Site

MAKERS: list[Callable[[WorkspaceScope, str], Any]] = [create_part, create_asset, enrol_device]


def last_entry(scope: WorkspaceScope) -> Any:
    log = DatabaseLog.of(scope)
    with scope:
        return json.loads(log.entry(log.size - 1))


def events(scope: WorkspaceScope) -> list[tuple[str, Any]]:
    with scope:
        return [(event.kind, json.loads(event.body)) for event in Event.select().order_by(Event.seq)]


def size(scope: WorkspaceScope) -> int:
    with scope:
        return DatabaseLog.of(scope).size


@pytest.mark.parametrize(
    ("make", "find", "kind", "event"),
    [
        (create_part, find_part, "part", "part.created"),
        (create_asset, find_asset, "asset", "asset.created"),
        (enrol_device, find_device, "device", "device.enrolled"),
    ],
)
def test_what_is_made_is_found_logged_and_told(
    scope: WorkspaceScope, make: Any, find: Any, kind: str, event: str
) -> None:
    row = make(scope, "  Housing 7 ")
    assert row.name == "Housing 7"
    assert find(scope, row.id).id == find(scope, "Housing 7").id == row.id
    entry = last_entry(scope)
    assert (entry["kind"], entry["facts"][kind], entry["facts"]["by"]["id"]) == (event, row.id, "key_owner")
    assert events(scope) == [(event, {kind: row.id, "name": "Housing 7"})]
    with pytest.raises(Conflict) as refused:
        make(scope, "Housing 7")
    assert refused.value.code == f"{kind}.taken"
    assert size(scope) == 1
    assert len(events(scope)) == 1
    with pytest.raises(NotFound) as unknown:
        find(scope, "other")
    assert unknown.value.code == f"{kind}.unknown"


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("name", ["", "   ", "a\nb", "x" * 121, "prt_01m85rtnxdegj21hp9fn45c1fz", "a\x1b[31m"])
def test_a_name_that_cannot_be_is_refused(scope: WorkspaceScope, make: Any, name: str) -> None:
    with pytest.raises(InvalidInput):
        make(scope, name)
    assert size(scope) == 0


def test_names_of_another_workspace_are_its_own(site: Site, scope: WorkspaceScope) -> None:
    other = site.system_scope(site.create_workspace("other", "Other", SYSTEM).id)
    part = create_part(scope, "P")
    create_part(other, "P")
    with pytest.raises(NotFound):
        find_part(other, part.id)
    assert [row.name for row in list_parts(other)] == ["P"]


def test_pages_follow_the_order_of_making(scope: WorkspaceScope) -> None:
    made = [create_asset(scope, f"A{9 - n}").id for n in range(9)]
    first = list_assets(scope, Listing(limit=4))
    second = list_assets(scope, Listing(after=(first[-1].id,), limit=4))
    last = list_assets(scope, Listing(after=(second[-1].id,), limit=4))
    assert [row.id for row in first + second + last] == made
    assert list_devices(scope) == []


def test_an_asset_is_of_a_part_and_carries_what_the_plant_says(scope: WorkspaceScope) -> None:
    part = create_part(scope, "P")
    asset = create_asset(scope, "A", part="P", serial="4711", location="hall 2", metadata={"b": 1.5, "a": [True]})
    found = find_asset(scope, asset.id)
    assert (found.part_id, found.serial, found.location) == (part.id, "4711", "hall 2")
    assert found.metadata == '{"a":[true],"b":1.5}'
    with pytest.raises(NotFound):
        create_asset(scope, "B", part="Q")
    with pytest.raises(InvalidInput):
        create_asset(scope, "C", metadata={"x": "y" * 20_000})
    with pytest.raises(InvalidInput):
        create_asset(scope, "D", metadata={"x": float("nan")})


def test_a_change_of_an_asset_says_what_stood_there_before(scope: WorkspaceScope) -> None:
    asset = create_asset(scope, "A", location="hall 1", serial="1")
    changed = change_asset(scope, "A", location="hall 2")
    assert (changed.location, changed.serial) == ("hall 2", "1")
    assert changed.updated_at > asset.updated_at
    entry = last_entry(scope)
    assert entry["kind"] == "asset.changed"
    assert (entry["facts"]["old"], entry["facts"]["new"]) == ({"location": "hall 1"}, {"location": "hall 2"})
    before = size(scope)
    change_asset(scope, "A", location="hall 2")
    assert size(scope) == before
    with pytest.raises(TypeError):
        change_asset(scope, "A", name="B")


def test_a_change_over_somebody_elses_change_is_refused(scope: WorkspaceScope) -> None:
    seen = create_asset(scope, "A").updated_at
    changed = change_asset(scope, "A", location="hall 1", seen={seen})
    with pytest.raises(Conflict) as refused:
        change_asset(scope, "A", location="hall 2", seen={seen})
    assert refused.value.code == "asset.changed"
    assert find_asset(scope, "A").location == "hall 1"
    assert change_asset(scope, "A", location="hall 2", seen={changed.updated_at}).location == "hall 2"


def test_a_device_signs_with_the_key_it_was_enrolled_with_and_is_revoked_for_good(scope: WorkspaceScope) -> None:
    key = str(Signer.generate("edge-1").verifier)
    device = enrol_device(scope, "edge 1", key)
    assert find_device(scope, "edge 1").vkey == key
    assert last_entry(scope)["facts"]["vkey"] == key
    revoked = revoke_device(scope, device.id)
    assert revoked.revoked_at
    assert find_device(scope, device.id).revoked_by == "key_owner"
    assert events(scope)[-1] == ("device.revoked", {"device": device.id, "name": "edge 1"})
    with pytest.raises(Conflict):
        revoke_device(scope, "edge 1")
    with pytest.raises(InvalidInput):
        enrol_device(scope, "edge 2", "not a key")


def test_a_badge_leads_to_one_person_and_stands_nowhere_in_the_clear(scope: WorkspaceScope) -> None:
    first = person_of_badge(scope, "BADGE-4711", "Ada Example")
    assert person_of_badge(scope, " BADGE-4711 ") == first
    assert person_of_badge(scope, "BADGE-4712") != first
    assert profile_of(scope, first) == {"badge": "BADGE-4711", "name": "Ada Example"}
    scope.database.close()
    for file in scope.settings.data.rglob("*"):
        if file.is_file():
            assert b"BADGE-4711" not in file.read_bytes(), file
            assert b"Ada Example" not in file.read_bytes(), file


def test_the_same_badge_in_two_workspaces_cannot_be_compared(site: Site, scope: WorkspaceScope) -> None:
    from appliance.plant.models import Operator

    other = site.system_scope(site.create_workspace("other", "Other", SYSTEM).id)
    macs = set()
    for place in (scope, other):
        person_of_badge(place, "4711")
        with place:
            macs.add(Operator.get().badge_mac)
    assert len(macs) == 2


def test_an_erased_person_is_not_found_again_by_the_badge(scope: WorkspaceScope) -> None:
    first = person_of_badge(scope, "4711")
    erase(scope, first, legal_basis="art. 17", approver=Principal("key_dpo", "key", "dpo", "owner"))
    second = person_of_badge(scope, "4711")
    assert second != first
    assert person_of_badge(scope, "4711") == second


def test_a_name_with_a_nul_is_nobodys_on_either_backend(scope: WorkspaceScope) -> None:
    create_asset(scope, "A")
    for name in ("A\0", "\0", "ast_01m8gpr3b45aqe5kbssdd8ypef\0"):
        with pytest.raises(NotFound):
            find_asset(scope, name)
