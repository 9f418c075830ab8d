"""Who left the plant, or a group, is out without having to sign in again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from appliance.core.clock import utc_now
from appliance.errors import Denied
from appliance.identity.ldap.directory import configure
from appliance.identity.login import sign_in
from appliance.identity.refresh import refresh_people
from appliance.identity.sessions import Visit, begin_session, find_session
from appliance.identity.tokens.access import authenticate
from appliance.identity.tokens.personal import create_personal_token
from appliance.tenancy.records import SYSTEM, Principal
from appliance.tenancy.site import Site
from tests.ldap_server import BASE, PASSWORD, SEARCHER_PASSWORD, LdapServer, group

OPERATORS = f"dn: {group('operators')}\nchangetype: modify\n"


@pytest.fixture
def ben(plant: Site) -> Principal:
    return sign_in(plant, "ben", PASSWORD).principal


def test_nothing_changes_for_who_is_still_there(plant: Site, ben: Principal) -> None:
    token = begin_session(plant, ben, "ldap", Visit())
    assert refresh_people(plant) == 0
    found = find_session(plant, token)
    assert found
    assert found.principal == ben


def test_who_left_a_group_lost_its_role(plant: Site, ben: Principal, server: LdapServer) -> None:
    token = begin_session(plant, ben, "ldap", Visit())
    server.modify(f"{OPERATORS}delete: memberUid\nmemberUid: ben\n")
    try:
        assert refresh_people(plant) == 1
    finally:
        server.modify(f"{OPERATORS}add: memberUid\nmemberUid: ben\n")
    assert find_session(plant, token) is None
    assert sign_in(plant, "ben", PASSWORD).principal.id == ben.id
    assert find_session(plant, token)


def test_who_came_into_another_group_has_its_role(plant: Site, ben: Principal, server: LdapServer) -> None:
    token = begin_session(plant, ben, "ldap", Visit())
    entry = f"dn: {group('Supervisors')}\nchangetype: modify\n"
    server.modify(f"{entry}add: member\nmember: cn=p1,ou=people,{BASE}\n")
    try:
        assert refresh_people(plant) == 0
    finally:
        server.modify(f"{entry}delete: member\nmember: cn=p1,ou=people,{BASE}\n")
    found = find_session(plant, token)
    assert found
    assert plant.scope(found.principal, "main").principal.role == "supervisor"


def test_who_is_not_in_the_directory_any_more_is_out(plant: Site, ben: Principal, server: LdapServer) -> None:
    token = begin_session(plant, ben, "ldap", Visit())
    entry = f"dn: cn=p1,ou=people,{BASE}\nchangetype: modify\nreplace: uid\nuid: "
    server.modify(f"{entry}gone\n")
    try:
        assert refresh_people(plant) == 1
    finally:
        server.modify(f"{entry}ben\n")
    assert find_session(plant, token) is None


def test_a_directory_that_is_away_takes_nothing_from_anybody(plant: Site, ben: Principal, server: LdapServer) -> None:
    token = begin_session(plant, ben, "ldap", Visit())
    configure(plant, server.settings("ldaps://localhost:1"), SEARCHER_PASSWORD, SYSTEM)
    assert refresh_people(plant) == 0
    assert find_session(plant, token)


def test_people_without_a_session_are_not_asked_about(plant: Site, ben: Principal, server: LdapServer) -> None:
    configure(plant, server.settings(user_base=f"ou=nowhere,{BASE}"), SEARCHER_PASSWORD, SYSTEM)
    assert refresh_people(plant) == 0


def test_who_has_a_token_and_no_session_is_looked_at_too(plant: Site, ben: Principal, server: LdapServer) -> None:
    until = utc_now() + timedelta(days=1)
    _, token = create_personal_token(plant, ben, "main", "nightly", ["scans:read"], until)
    assert authenticate(plant, token).id == ben.id
    server.modify(f"{OPERATORS}delete: memberUid\nmemberUid: ben\n")
    try:
        assert refresh_people(plant) == 1
    finally:
        server.modify(f"{OPERATORS}add: memberUid\nmemberUid: ben\n")
    with pytest.raises(Denied):
        authenticate(plant, token)
