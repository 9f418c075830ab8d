"""Signing in through a real OpenLDAP: passwords, nested groups, certificates, injection, a directory that is away."""

from __future__ import annotations

import logging
import socket
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from appliance.errors import Denied, InvalidInput, Misconfigured, NotFound, Unavailable
from appliance.identity.ldap import connection
from appliance.identity.ldap.connection import bound
from appliance.identity.ldap.directory import configure, examine, look_up, remove, vouch
from appliance.identity.ldap.search import MOST_GROUPS, escaped, find_person
from appliance.identity.login import sign_in
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.site import Site
from tests.ldap_server import (
    BASE,
    ODD_LOGIN,
    PASSWORD,
    SEARCHER,
    SEARCHER_PASSWORD,
    LdapServer,
    group,
    write_certificates,
)
from tests.unit.identity.test_users import entries


def test_a_person_signs_in_with_the_role_of_a_group_in_a_group(plant: Site) -> None:
    entered = sign_in(plant, "ann", PASSWORD)
    principal, method = entered.principal, entered.method
    assert (principal.label, method) == ("Ann Lee", "ldap")
    assert plant.scope(principal, "main").principal.role == "supervisor"
    assert sign_in(plant, " ANN ", PASSWORD).principal.id == principal.id


def test_groups_are_found_by_member_by_login_and_through_rings(plant: Site) -> None:
    assert vouch(plant, "ann", PASSWORD).groups == (group("shift-leads"), group("Supervisors"))
    assert vouch(plant, "ben", PASSWORD).groups == (group("operators"),)
    assert set(vouch(plant, ODD_LOGIN, PASSWORD).groups) == {group(name) for name in ("ring-a", "ring-b", "auditors")}
    assert vouch(plant, "eve", PASSWORD).groups == ()


def test_start_tls_does_the_same(plant: Site, server: LdapServer) -> None:
    configure(plant, server.settings(server.start_tls), SEARCHER_PASSWORD, SYSTEM)
    assert vouch(plant, "ann", PASSWORD).name == "Ann Lee"
    assert examine(plant, "ann").tls.startswith("TLSv1.")


@pytest.mark.parametrize(
    ("login", "password"),
    [
        ("ann", "wrong"), ("ann", PASSWORD + " "), ("nobody", PASSWORD), ("twin", PASSWORD), ("", PASSWORD),
        ("ann\0", PASSWORD),
    ],
)  # fmt: skip
def test_everybody_else_is_refused_in_the_same_words(plant: Site, login: str, password: str) -> None:
    with pytest.raises(Denied) as refused:
        sign_in(plant, login, password)
    assert str(refused.value) == "Name or password is wrong. Try again, or ask plant IT."


def test_an_empty_password_is_no_password(plant: Site, server: LdapServer) -> None:
    """RFC 4513 5.1.2: a bind with a name and no password succeeds, as nobody."""
    with pytest.raises(Denied):
        vouch(plant, "ann", "")


@pytest.mark.parametrize(
    "login",
    [
        "*", "a*", "ann)(uid=*", "ann)(|(uid=*", "*)(objectClass=*", "\\61nn", "ann\\00", "(", ")", "&", "|", "a" * 300,
        "ann)\n",
    ],
)  # fmt: skip
def test_a_login_is_never_a_filter(plant: Site, server: LdapServer, login: str) -> None:
    with bound(server.settings(), SEARCHER_PASSWORD) as link:
        assert find_person(link, server.settings(), login) is None


def test_a_login_that_looks_like_a_filter_finds_its_person(plant: Site) -> None:
    assert vouch(plant, ODD_LOGIN, PASSWORD).login == ODD_LOGIN


def test_whatever_goes_into_a_filter_is_escaped_byte_by_byte() -> None:
    assert escaped("Aé*(") == "A\\c3\\a9\\2a\\28"


def test_a_server_with_a_certificate_of_another_ca_learns_no_password(
    plant: Site, server: LdapServer, tmp_path: Path
) -> None:
    write_certificates(tmp_path)
    other = (tmp_path / "ca.pem").read_text()
    for url in (server.ldaps, server.start_tls):
        configure(plant, server.settings(url, ca_pem=other), SEARCHER_PASSWORD, SYSTEM)
        with pytest.raises(Unavailable) as refused:
            vouch(plant, "ann", PASSWORD)
        assert refused.value.code == "ldap.certificate"


def test_a_server_under_another_name_than_its_certificates_learns_no_password(plant: Site, server: LdapServer) -> None:
    for url in (f"ldaps://127.0.0.1:{server.tls_port}", f"ldap://127.0.0.1:{server.port}"):
        configure(plant, server.settings(url), SEARCHER_PASSWORD, SYSTEM)
        with pytest.raises(Unavailable) as refused:
            vouch(plant, "ann", PASSWORD)
        assert refused.value.code == "ldap.certificate"


def test_the_server_that_answers_is_asked(plant: Site, server: LdapServer) -> None:
    configure(plant, server.settings("ldaps://localhost:1", server.ldaps), SEARCHER_PASSWORD, SYSTEM)
    assert examine(plant, "ann").url == server.ldaps


def test_a_directory_that_is_down_says_so_and_lets_nobody_in(plant: Site, server: LdapServer) -> None:
    server.stop()
    try:
        with pytest.raises(Unavailable) as refused:
            sign_in(plant, "ann", PASSWORD)
    finally:
        server.start()
    assert refused.value.code == "ldap.down"
    assert entries(plant)[-1]["facts"]["reason"] == "ldap.down"
    assert sign_in(plant, "ann", PASSWORD)


def test_a_directory_that_hangs_is_given_up(plant: Site, server: LdapServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "ANSWER_S", 1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        thread = threading.Thread(target=lambda: [silent.accept() for _ in range(2)], daemon=True)
        thread.start()
        port = silent.getsockname()[1]
        configure(plant, server.settings(f"ldaps://localhost:{port}"), SEARCHER_PASSWORD, SYSTEM)
        began = time.monotonic()
        with pytest.raises(Unavailable) as refused:
            vouch(plant, "ann", PASSWORD)
    assert refused.value.code == "ldap.down"
    assert time.monotonic() - began < 5


def test_a_wrong_bind_account_is_a_fault_of_the_settings_and_not_of_the_person(plant: Site, server: LdapServer) -> None:
    configure(plant, server.settings(), "wrong", SYSTEM)
    with pytest.raises(Misconfigured, match="bind account"):
        vouch(plant, "ann", PASSWORD)
    configure(plant, server.settings(user_base=f"ou=nowhere,{BASE}"), SEARCHER_PASSWORD, SYSTEM)
    with pytest.raises(InvalidInput, match="ou=nowhere"):
        vouch(plant, "ann", PASSWORD)


def test_without_a_directory_nobody_signs_in(plant: Site) -> None:
    remove(plant, SYSTEM)
    with pytest.raises(Denied):
        sign_in(plant, "ann", PASSWORD)
    with pytest.raises(NotFound):
        examine(plant, "ann")


def test_a_test_says_everything_about_a_person(plant: Site) -> None:
    found = examine(plant, "ann", PASSWORD)
    assert found.person
    assert found.roles
    assert (found.dn, found.password) == (f"cn=p0,ou=people,{BASE}", "")
    assert [role for _, role in found.roles.workspaces] == ["supervisor"]
    assert examine(plant, "ann", "wrong").password == "invalidCredentials"
    assert examine(plant, "ann").password is None
    assert examine(plant, "nobody").dn is None


def test_the_reasons_of_active_directory_are_said_in_words() -> None:
    said = "80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data 533, v1db1"
    result = {"description": "invalidCredentials", "message": said}
    refusing = SimpleNamespace(result=result, bind=lambda: False)
    assert connection._bind("ldaps://dc1", refusing) == "the account is disabled"


def test_refusals_are_logged_without_the_name_that_was_tried(plant: Site, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        for login in ("hunter2-typed-here", "HUNTER2-typed-here ", "eve"):
            with pytest.raises(Denied):
                sign_in(plant, login, "hunter3")
    told = [entry["facts"] for entry in entries(plant) if entry["kind"] == "login.refused"]
    assert [fact["reason"] for fact in told] == ["login.refused"] * 3
    assert told[0]["login_hash"] == told[1]["login_hash"] != told[2]["login_hash"]
    assert "hunter" not in str(told).lower()
    assert "hunter" not in caplog.text.lower()


def test_a_person_without_a_role_is_told_so(plant: Site) -> None:
    with pytest.raises(Denied, match="no role"):
        sign_in(plant, "eve", PASSWORD)
    assert entries(plant)[-1]["facts"]["reason"] == "login.no_role"


def test_what_the_directory_says_is_asked_without_a_password_too(plant: Site) -> None:
    found = look_up(plant, "ann")
    assert found
    assert found == vouch(plant, "ann", PASSWORD)
    assert look_up(plant, "nobody") is None


def test_the_searching_account_reads_no_passwords(plant: Site, server: LdapServer) -> None:
    with bound(server.settings(), SEARCHER_PASSWORD) as link:
        (entry,) = link.search(SEARCHER, "(objectClass=person)", ["userPassword", "cn"])
    assert entry.text("cn") == "searcher"
    assert entry.text("userPassword") == ""


def test_more_groups_than_anybody_has_are_refused(plant: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_GROUPS >= 1_000
    monkeypatch.setattr("appliance.identity.ldap.search.MOST_GROUPS", 1)
    with pytest.raises(Misconfigured, match="groups"):
        vouch(plant, "ann", PASSWORD)
