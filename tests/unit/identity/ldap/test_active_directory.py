"""Signing in through a real Active Directory: its own filter, its rule for groups in groups, its reasons."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from appliance.errors import Denied
from appliance.identity.groups import give_role
from appliance.identity.ldap.directory import configure, examine, look_up, vouch
from appliance.identity.login import sign_in
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.site import Site
from tests.active_directory_server import BASE, PASSWORD, ActiveDirectory, new_domain


@pytest.fixture(scope="module")
def domain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ActiveDirectory]:
    """Ann is in ``Shift Leads``, and they in ``Supervisors``; Bob is disabled."""
    found = new_domain(tmp_path_factory.mktemp("ad"))
    for login, given, surname in (("ann", "Ann", "Lee"), ("bob", "Bob", "Off")):
        found.tool("user", "create", login, PASSWORD, f"--given-name={given}", f"--surname={surname}")
    for name, member in (("Shift Leads", "ann"), ("Supervisors", "Shift Leads")):
        found.tool("group", "add", name)
        found.tool("group", "addmembers", name, member)
    found.tool("user", "disable", "bob")
    yield found
    found.process.kill()
    found.process.wait(10)


@pytest.fixture
def plant(site: Site, domain: ActiveDirectory) -> Site:
    configure(site, domain.settings(), PASSWORD, SYSTEM)
    give_role(site, "ldap", f"cn=supervisors, cn=users, {BASE.lower()}", "main", "supervisor", SYSTEM)
    return site


def test_a_person_signs_in_by_either_name_with_the_role_of_a_group_in_a_group(plant: Site) -> None:
    principal = sign_in(plant, "ann", PASSWORD).principal
    assert plant.scope(principal, "main").principal.role == "supervisor"
    assert sign_in(plant, "ann@plant.example", PASSWORD).principal.id == principal.id


def test_a_person_is_known_by_what_the_domain_calls_them_for_good(plant: Site, domain: ActiveDirectory) -> None:
    found = vouch(plant, "ann", PASSWORD)
    assert found.subject == domain.guid("ann")
    assert (found.login, found.name) == ("ann", "Ann Lee")
    assert sorted(found.groups) == [f"CN=Shift Leads,CN=Users,{BASE}", f"CN=Supervisors,CN=Users,{BASE}"]


def test_start_tls_does_the_same(plant: Site, domain: ActiveDirectory) -> None:
    configure(plant, domain.settings("ldap://localhost"), PASSWORD, SYSTEM)
    assert vouch(plant, "ann", PASSWORD).name == "Ann Lee"


def test_a_disabled_account_is_nobody(plant: Site) -> None:
    with pytest.raises(Denied):
        sign_in(plant, "bob", PASSWORD)
    assert look_up(plant, "bob") is None


def test_the_reasons_are_said_in_words_to_whoever_sets_it_up(plant: Site, domain: ActiveDirectory) -> None:
    assert examine(plant, "ann", "wrong").password == "the password is wrong"
    assert examine(plant, "ann", PASSWORD).password == ""
    domain.tool("user", "setexpiry", "ann", "--days=-1")
    try:
        assert examine(plant, "ann", PASSWORD).password == "the account has expired"
    finally:
        domain.tool("user", "setexpiry", "ann", "--noexpiry")


@pytest.mark.parametrize("login", ["*", "ann)(cn=*", "ann*", "PLANT\\ann)(|(cn=*", ""])
def test_a_login_is_never_a_filter(plant: Site, login: str) -> None:
    assert look_up(plant, login) is None
