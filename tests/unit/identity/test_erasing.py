"""Erasing somebody who signed in: no byte of them is left, what they decided is provable, and a cut goes on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from appliance.audit.database_log import DatabaseLog
from appliance.audit.erasure import hold
from appliance.audit.judgement import judge_log
from appliance.audit.persons import find_person
from appliance.core.clock import utc_now
from appliance.errors import Conflict, Denied, InvalidInput, NotFound
from appliance.identity import erasing
from appliance.identity.erasing import erase_user
from appliance.identity.groups import give_role
from appliance.identity.local.accounts import roles_named
from appliance.identity.local.invitations import accept, invite
from appliance.identity.login import sign_in
from appliance.identity.records import Vouched
from appliance.identity.sessions import Visit, begin_session, find_session
from appliance.identity.tokens.access import authenticate
from appliance.identity.tokens.personal import create_personal_token
from appliance.identity.users import admit, find_user, list_users, set_disabled
from appliance.plant.parts import create_part
from appliance.tenancy.records import SYSTEM, Principal
from appliance.tenancy.site import Site

OWNER = Principal("key_owner", "key", "owner", "owner")
BASIS = "GDPR Art. 17(1)(a)"
NAME, LOGIN, PLACE = "Kunigunde Zwetschgenkern", "zwetschgenkern-k", "10.99.88.77"


@pytest.fixture
def kuni(site: Site) -> Principal:
    """Somebody who works in two workspaces, has a password, a session, a token, and a link to another password."""
    site.create_workspace("other", "Other", SYSTEM)
    roles = roles_named(site, OWNER, None, {"main": "supervisor", "other": "owner"})
    _, token = invite(site, LOGIN, NAME, roles, OWNER)
    person = accept(site, token, "seven grey herons wait")
    begin_session(site, person, "local", Visit(PLACE, "Zwetschgenbrowser"))
    create_personal_token(site, person, "main", "zwetschgen", ["scans:read"], utc_now() + timedelta(days=1))
    for slug in ("main", "other"):
        create_part(site.scope(person, slug), "housing")
    return person


def left_of(site: Site, *words: str) -> list[str]:
    """Where a word stands, after everything was written to the disk."""
    site.control.scrub()
    site.close()
    files = [file for file in site.settings.data.rglob("*") if file.is_file()]
    assert len(files) > 3
    return [f"{word} in {file.name}" for file in files for word in words if word.encode() in file.read_bytes()]


@pytest.mark.sqlite
def test_before_the_erasure_the_words_are_there(site: Site, kuni: Principal) -> None:
    assert len(left_of(site, NAME, LOGIN, PLACE, "Zwetschgenbrowser")) >= 4


@pytest.mark.sqlite
def test_no_byte_of_a_person_is_left(site: Site, kuni: Principal) -> None:
    erase_user(site, kuni.id, legal_basis=BASIS, approver=OWNER)
    assert left_of(site, NAME, LOGIN, PLACE, "Zwetschgenbrowser", "zwetschgen") == []


def test_nobody_signs_in_under_what_is_left(site: Site, kuni: Principal) -> None:
    session = begin_session(site, kuni, "local", Visit())
    _, token = create_personal_token(site, kuni, "main", "x", ["scans:read"], utc_now() + timedelta(days=1))
    erase_user(site, kuni.id, legal_basis=BASIS, approver=OWNER)
    assert find_session(site, session) is None
    for attempt in (lambda: authenticate(site, token), lambda: sign_in(site, LOGIN, "seven grey herons wait")):
        with pytest.raises(Denied):
            attempt()
    with pytest.raises(Conflict):
        set_disabled(site, kuni.id, False, OWNER)
    left = find_user(site, kuni.id)
    assert (left.source, left.login, left.name, bool(left.roles)) == ("erased", "", "", False)


def test_every_log_says_it_and_stays_whole(site: Site, kuni: Principal) -> None:
    entry = erase_user(site, kuni.id, legal_basis=BASIS, approver=OWNER)
    scopes = [site.scope(OWNER, slug) for slug in ("main", "other")]
    for where in (*scopes, site):
        person = find_person(where, kuni.id)
        assert person
        assert person.erased_entry is not None
    assert find_person(site, kuni.id).erased_entry == entry  # type: ignore[union-attr]
    for log in (DatabaseLog.of(scopes[0]), DatabaseLog.of(scopes[1]), DatabaseLog.of_control(site)):
        assert judge_log(log, ()).finding.value != "MODIFIED"


def test_a_hold_anywhere_forbids_it_and_nothing_is_erased(site: Site, kuni: Principal) -> None:
    hold(site.scope(OWNER, "other"), kuni.id, "court order 12/26")
    with pytest.raises(Conflict) as refused:
        erase_user(site, kuni.id, legal_basis=BASIS, approver=OWNER)
    assert refused.value.code == "person.held"
    assert find_user(site, kuni.id).name == NAME
    assert find_person(site.scope(OWNER, "main"), kuni.id).erased_at is None  # type: ignore[union-attr]


def test_what_was_cut_goes_on(site: Site, kuni: Principal, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut(_: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(erasing, "point", cut)
        with pytest.raises(KeyboardInterrupt):
            erase_user(site, kuni.id, legal_basis=BASIS, approver=OWNER)
    assert find_user(site, kuni.id).name == NAME
    erase_user(site, kuni.id, legal_basis=BASIS, approver=OWNER)
    assert find_user(site, kuni.id).name == ""


def test_who_may_not_and_what_is_missing(site: Site, kuni: Principal) -> None:
    with pytest.raises(Conflict):
        erase_user(site, kuni.id, legal_basis=BASIS, approver=kuni)
    with pytest.raises(NotFound):
        erase_user(site, "usr_nobody", legal_basis=BASIS, approver=OWNER)
    with pytest.raises(InvalidInput):
        erase_user(site, kuni.id, legal_basis=" ", approver=OWNER)
    erase_user(site, kuni.id, legal_basis=BASIS, approver=OWNER)
    with pytest.raises(Conflict):
        erase_user(site, kuni.id, legal_basis=BASIS, approver=OWNER)


def test_who_comes_back_from_the_directory_is_another_person(site: Site) -> None:
    give_role(site, "ldap", "cn=crew", "main", "operator", SYSTEM)
    vouched = Vouched("ldap", "s-1", LOGIN, NAME, ("cn=crew",))
    before = admit(site, vouched)
    erase_user(site, before.id, legal_basis=BASIS, approver=OWNER)
    after = admit(site, vouched)
    assert after.id != before.id
    assert [user.name for user in list_users(site)] == ["", NAME]
