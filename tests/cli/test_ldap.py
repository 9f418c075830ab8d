"""``d2r ldap`` and ``d2r person`` against a running appliance and a real directory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.identity.login import sign_in
from appliance.identity.sessions import Visit, begin_session, find_session
from tests.cli import test_remote
from tests.ldap_server import BASE, PASSWORD, SEARCHER, SEARCHER_PASSWORD, LdapServer, group, new_server

Shell = test_remote.Shell
server, shell = test_remote.server, test_remote.shell


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LdapServer]:
    started = new_server(tmp_path_factory.mktemp("ldap"))
    yield started
    started.stop()


@pytest.fixture
def plant(shell: Shell, directory: LdapServer, tmp_path: Path) -> Shell:
    """The shell of an owner who has set up the directory."""
    (tmp_path / "secret").write_text(f"{SEARCHER_PASSWORD}\n")
    places = ["--user-base", f"ou=people,{BASE}", "--group-base", f"ou=groups,{BASE}", "--bind-dn", SEARCHER]
    reached = ["--server", directory.ldaps, "--ca", str(directory.folder / "ca.pem"), "--kind", "openldap"]
    code, text = shell("ldap", "set", *reached, *places, "--password-file", str(tmp_path / "secret"))
    assert code == 0, text
    assert SEARCHER_PASSWORD not in text
    return shell


def test_a_directory_is_set_up_tested_and_removed(plant: Shell, directory: LdapServer) -> None:
    assert plant.json("ldap", "show")["urls"] == [directory.ldaps]
    code, text = plant("ldap", "test", "ann")
    assert code == 3  # no group has a role yet
    made = plant.json("ldap", "group", "give", group("Supervisors"), "--role", "supervisor", "--in", "main")
    code, text = plant("ldap", "test", "ann")
    assert code == 0, text
    assert "Ann Lee" in text
    assert "supervisor" in text
    assert directory.ldaps in text
    assert plant("ldap", "test", "nobody")[0] == 3
    assert group("Supervisors") in plant("ldap", "group", "list")[1].replace("\n", "")
    assert plant.json("ldap", "group", "take", made["id"]) == {"taken": made["id"]}
    assert plant.json("ldap", "group", "list") == []
    assert plant("ldap", "remove")[0] == 0
    code, text = plant("ldap", "test", "ann")
    assert code == 3
    assert "[ldap.missing]" in text


def test_the_test_says_why_when_the_directory_is_down(plant: Shell, directory: LdapServer) -> None:
    directory.stop()
    try:
        code, text = plant("ldap", "test", "ann")
    finally:
        directory.start()
    assert code == 3
    assert text.startswith("d2r: The directory ldaps://localhost:")
    assert "[ldap.down]" in text


def test_people_are_listed_disabled_and_sent_away(plant: Shell) -> None:
    plant.json("ldap", "group", "give", group("operators"), "--role", "operator", "--in", "main")
    entered = sign_in(plant.site, "ben", PASSWORD)
    principal, method = entered.principal, entered.method
    token = begin_session(plant.site, principal, method, Visit("10.0.0.9", "x"))
    (person,) = plant.json("person", "list")
    assert person["login"] == "ben"
    (session,) = [row for row in plant.json("person", "sessions") if row["principal_id"] == principal.id]
    assert session["peer"] == "10.0.0.9"
    assert plant("person", "end", session["id"])[0] == 0
    assert find_session(plant.site, token) is None
    assert plant.json("person", "disable", person["id"])["disabled_at"]
    assert plant.json("person", "enable", person["id"])["disabled_at"] is None
    assert plant.json("person", "show", person["id"])["name"] == "Ben Ora"
