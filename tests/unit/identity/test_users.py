"""People and roles: what groups give, where they give it, and what is taken away again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from appliance.audit.database_log import DatabaseLog
from appliance.audit.persons import profile_of
from appliance.errors import Conflict, Denied, InvalidInput, NotFound
from appliance.identity.groups import give_role, group_key, list_group_roles, take_role
from appliance.identity.principals import principal_of
from appliance.identity.records import Vouched
from appliance.identity.users import admit, find_user, list_users, set_disabled, withdraw
from appliance.tenancy.records import SYSTEM, Principal
from appliance.tenancy.site import Site

LEADS, CREW, IT = "cn=Leads,dc=plant", "cn=crew,dc=plant", "cn=it,dc=plant"


def vouched(*groups: str, subject: str = "s-1", login: str = "ann") -> Vouched:
    return Vouched("ldap", subject, login, "Ann Lee", groups)


@pytest.fixture
def plant(site: Site) -> Site:
    """Two workspaces; leads supervise ``main`` and audit ``other``, the crew works in ``main``."""
    site.create_workspace("other", "Other", SYSTEM)
    for group, slug, role in (
        (LEADS, "main", "supervisor"), (LEADS, "other", "auditor"), (CREW, "main", "operator"), (IT, None, "plant-it"),
    ):  # fmt: skip
        give_role(site, "ldap", group, slug, role, SYSTEM)
    return site


def entries(site: Site) -> list[Any]:
    log = DatabaseLog.of_control(site)
    with site.control_session():
        return [json.loads(log.entry(index)) for index in range(log.size)]


def test_a_person_has_in_each_workspace_the_role_of_their_groups_there(plant: Site) -> None:
    principal = admit(plant, vouched(LEADS))
    assert (principal.kind, principal.role, principal.workspace_id) == ("user", "member", None)
    assert plant.scope(principal, "main").principal.role == "supervisor"
    other = plant.scope(principal, "other")
    assert (other.principal.role, other.principal.workspace_id) == ("auditor", other.workspace_id)
    assert [one.slug for one in plant.workspaces_of(principal)] == ["main", "other"]


def test_who_is_in_two_groups_has_the_role_with_more_rights(plant: Site) -> None:
    assert plant.scope(admit(plant, vouched(CREW, LEADS)), "main").principal.role == "supervisor"


def test_a_workspace_in_which_somebody_has_no_role_is_not_there(plant: Site) -> None:
    with pytest.raises(NotFound):
        plant.scope(admit(plant, vouched(CREW)), "other")


def test_plant_it_enters_no_workspace_and_the_owner_all(plant: Site) -> None:
    keeper = admit(plant, vouched(IT))
    assert keeper.role == "plant-it"
    assert plant.workspaces_of(keeper) == ()
    give_role(plant, "ldap", "cn=bosses", None, "owner", SYSTEM)
    owner = admit(plant, vouched("CN=Bosses", CREW, subject="s-2"))
    assert owner.is_everywhere
    assert plant.scope(owner, "other").principal.role == "owner"


def test_nobody_is_let_in_without_a_role_and_nothing_is_kept_of_them(plant: Site) -> None:
    for groups in ((), ("cn=others,dc=plant",)):
        with pytest.raises(Denied, match="no role"):
            admit(plant, vouched(*groups))
    assert list_users(plant) == []


def test_a_person_is_the_same_under_another_login_and_name(plant: Site) -> None:
    first = admit(plant, vouched(CREW))
    again = admit(plant, Vouched("ldap", "s-1", "ann.ray", "Ann Ray", (CREW,)))
    assert again.id == first.id
    assert (find_user(plant, first.id).login, again.label) == ("ann.ray", "Ann Ray")
    assert admit(plant, vouched(CREW, subject="s-9")).id != first.id


def test_a_role_that_a_group_lost_is_gone_at_the_next_login_and_without_one_at_once(plant: Site) -> None:
    principal = admit(plant, vouched(CREW))
    row = next(row for row, _ in list_group_roles(plant, "ldap") if row.group_name == CREW)
    take_role(plant, row.id, SYSTEM)
    assert principal_of(plant, principal.id) == principal
    with pytest.raises(Denied, match="no role"):
        admit(plant, vouched(CREW))
    assert principal_of(plant, principal.id) is None
    with pytest.raises(NotFound):
        take_role(plant, row.id, SYSTEM)


def test_somebody_who_was_disabled_stays_out_whatever_the_directory_says(plant: Site) -> None:
    principal = admit(plant, vouched(LEADS))
    assert set_disabled(plant, principal.id, True, SYSTEM).disabled_at
    assert principal_of(plant, principal.id) is None
    with pytest.raises(Denied, match="disabled"):
        admit(plant, vouched(LEADS))
    with pytest.raises(Conflict):
        set_disabled(plant, principal.id, True, SYSTEM)
    set_disabled(plant, principal.id, False, SYSTEM)
    assert admit(plant, vouched(LEADS)).id == principal.id


def test_nobody_disables_themselves(plant: Site) -> None:
    principal = admit(plant, vouched(LEADS))
    with pytest.raises(Conflict, match="themselves"):
        set_disabled(plant, principal.id, True, principal)


def test_who_left_the_directory_has_no_role_any_more(plant: Site) -> None:
    principal = admit(plant, vouched(LEADS))
    withdraw(plant, principal.id)
    assert principal_of(plant, principal.id) is None
    assert not find_user(plant, principal.id).roles


def test_the_log_says_what_somebody_may_do_and_not_who_they_are(plant: Site) -> None:
    principal = admit(plant, vouched(LEADS))
    admit(plant, vouched(LEADS))  # nothing changed, so nothing is said
    admit(plant, vouched(CREW))
    told = [entry for entry in entries(plant) if entry["kind"].startswith("user.")]
    assert [entry["kind"] for entry in told] == ["user.admitted", "user.roles_changed"]
    main = next(one.id for one in plant.workspaces() if one.slug == "main")
    assert [entry["facts"]["workspaces"][main] for entry in told] == ["supervisor", "operator"]
    text = json.dumps(told)
    assert not [word for word in ("ann", "Ann Lee", principal.id, "s-1") if word in text]
    assert profile_of(plant, principal.id) == {"name": "Ann Lee"}


def test_a_person_acts_in_the_log_of_a_workspace_as_a_person(plant: Site) -> None:
    from appliance.audit.recording import record

    scope = plant.scope(admit(plant, vouched(LEADS)), "main")
    record(scope, "asset.looked_at")
    log = DatabaseLog.of(scope)
    with scope:
        entry = json.loads(log.entry(log.size - 1))
    assert entry["facts"]["by"] == {"kind": "user", "role": "supervisor"}


@pytest.mark.parametrize(
    ("one", "same"),
    [
        ("CN=Shift Leads, OU=Groups,DC=plant", "cn=shift leads,ou=groups,dc=plant"),
        (" cn = a , dc = b ", "cn=a,dc=b"),
        ("inspectors", "Inspectors"),
    ],
)
def test_names_of_groups_are_compared_as_directories_compare_them(one: str, same: str) -> None:
    assert group_key(one) == group_key(same)
    assert group_key(one) != group_key(same + "x")


def test_a_group_has_one_role_in_a_place_and_only_one_that_people_have(plant: Site) -> None:
    with pytest.raises(Conflict):
        give_role(plant, "ldap", LEADS.upper(), "main", "operator", SYSTEM)
    for slug, role in (("main", "device"), ("main", "plant-it"), (None, "operator"), ("main", "system")):
        with pytest.raises(InvalidInput):
            give_role(plant, "ldap", "cn=x", slug, role, SYSTEM)
    with pytest.raises(NotFound):
        give_role(plant, "ldap", "cn=x", "nowhere", "operator", SYSTEM)
    for name in ("", "  ", "x" * 501, "a\nb"):
        with pytest.raises(InvalidInput):
            give_role(plant, "ldap", name, "main", "operator", SYSTEM)


def test_roles_in_a_workspace_that_was_destroyed_are_gone(plant: Site) -> None:
    from appliance.workspaces.destruction import destroy
    from appliance.workspaces.service import suspend

    owner = Principal("key_x", "key", "owner", "owner")
    principal = admit(plant, vouched(LEADS))
    suspend(plant, "other", "closed", owner)
    destroy(plant, "other", "closed", "other", owner)
    assert [slug for row, slug in list_group_roles(plant, "ldap") if row.group_name == LEADS] == ["main"]
    assert len(find_user(plant, principal.id).roles.workspaces) == 1
