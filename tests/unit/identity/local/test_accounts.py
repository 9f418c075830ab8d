"""Local accounts: made by a link that works once, with the roles that an owner gave; the envelope is loud."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import timedelta

import pytest

from appliance.core.clock import utc_now
from appliance.errors import Conflict, Denied, InvalidInput, NotFound
from appliance.identity.local import invitations
from appliance.identity.local.accounts import roles_named, set_roles
from appliance.identity.local.break_glass import LOGIN, broken_since, is_break_glass, seal_break_glass
from appliance.identity.local.invitations import (
    accept,
    find_invitation,
    invite,
    list_invitations,
    offer_reset,
    withdraw_invitation,
)
from appliance.identity.login import confirm, sign_in
from appliance.identity.second_factor import begin_second_factor, confirm_second_factor, has_second_factor
from appliance.identity.sessions import Visit, begin_session, find_session
from appliance.identity.users import set_disabled
from appliance.tenancy.records import SYSTEM, Principal
from appliance.tenancy.site import Site
from tests.unit.identity.local.conftest import OWNER, PASSWORD
from tests.unit.identity.test_users import entries, vouched

Account = Callable[..., Principal]


def test_an_account_has_the_roles_that_were_given(site: Site, account: Account) -> None:
    site.create_workspace("other", "Other", SYSTEM)
    ann = account("ann", "plant-it", main="supervisor")
    assert ann.role == "plant-it"
    assert site.scope(ann, "main").principal.role == "supervisor"
    with pytest.raises(NotFound):
        site.scope(ann, "other")
    assert account("boss", "owner").is_everywhere


def test_a_link_works_once(site: Site) -> None:
    row, token = invite(site, "ann", "Ann", roles_named(site, OWNER, None, {"main": "auditor"}), OWNER)
    assert find_invitation(site, token).id == row.id
    with pytest.raises(InvalidInput):
        accept(site, token, "short")
    assert accept(site, token, PASSWORD).label == "Ann"
    for other in (token, token + "x", "", "\ud800"):
        with pytest.raises(Denied):
            accept(site, other, PASSWORD)
    assert list_invitations(site) == []


def test_a_link_works_for_three_days_and_until_it_is_withdrawn(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    roles = roles_named(site, OWNER, None, {"main": "auditor"})
    row, token = invite(site, "ann", "Ann", roles, OWNER)
    assert [one.id for one in list_invitations(site)] == [row.id]
    withdraw_invitation(site, row.id, OWNER)
    with pytest.raises(Denied):
        accept(site, token, PASSWORD)
    with pytest.raises(Conflict):
        withdraw_invitation(site, row.id, OWNER)
    _, token = invite(site, "ann", "Ann", roles, OWNER)
    moment = utc_now() + timedelta(hours=73)
    monkeypatch.setattr(invitations, "utc_now", lambda: moment)
    with pytest.raises(Denied):
        accept(site, token, PASSWORD)


def test_a_login_is_taken_once_however_it_is_spelled(site: Site, account: Account) -> None:
    roles = roles_named(site, OWNER, None, {"main": "auditor"})
    _, early = invite(site, "ANN", "Another", roles, OWNER)
    account("ann")
    with pytest.raises(Conflict):
        invite(site, " Ann ", "Ann", roles, OWNER)
    with pytest.raises(Conflict):
        accept(site, early, PASSWORD)
    assert find_invitation(site, early)  # what failed left the link as it was
    for login, name in (("", "x"), ("x", " "), ("a\nb", "x"), ("x" * 121, "x")):
        with pytest.raises(InvalidInput):
            invite(site, login, name, roles, OWNER)


@pytest.mark.parametrize(
    ("appliance", "workspaces"),
    [(None, {}), ("operator", {}), (None, {"main": "plant-it"}), (None, {"main": "device"})],
)
def test_roles_are_those_of_people(site: Site, appliance: str | None, workspaces: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        roles_named(site, OWNER, appliance, workspaces)


def test_other_roles_count_at_once(site: Site, account: Account) -> None:
    ann = account()
    token = begin_session(site, ann, "local", Visit())
    set_roles(site, ann.id, roles_named(site, OWNER, None, {"main": "auditor"}), OWNER)
    found = find_session(site, token)
    assert found
    assert site.scope(found.principal, "main").principal.role == "auditor"
    with pytest.raises(Conflict):
        set_roles(site, ann.id, roles_named(site, OWNER, "owner", {}), ann)
    with pytest.raises(NotFound):
        set_roles(site, "usr_nobody", roles_named(site, OWNER, "owner", {}), OWNER)


def test_roles_and_password_of_a_person_from_a_directory_are_not_ours_to_change(site: Site) -> None:
    from appliance.identity.groups import give_role
    from appliance.identity.users import admit

    give_role(site, "ldap", "cn=x", "main", "operator", SYSTEM)
    person = admit(site, vouched("cn=x"))
    with pytest.raises(Conflict):
        set_roles(site, person.id, roles_named(site, OWNER, "owner", {}), OWNER)
    with pytest.raises(Conflict):
        offer_reset(site, person.id, OWNER)


def test_a_reset_ends_sessions_and_takes_the_second_factor_with_it(
    site: Site, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pyotp import TOTP

    ann = account()
    secret, _ = begin_second_factor(site, ann)
    confirm_second_factor(site, ann, TOTP(secret).now())
    session = begin_session(site, ann, "local", Visit())
    _, token = offer_reset(site, ann.id, OWNER)
    assert find_session(site, session)
    assert accept(site, token, "another long password 9") == ann
    assert find_session(site, session) is None
    assert not has_second_factor(site, ann.id)
    with pytest.raises(Denied):
        sign_in(site, "ann", PASSWORD)
    assert not sign_in(site, "ann", "another long password 9").owes_code
    with pytest.raises(NotFound):
        offer_reset(site, "usr_nobody", OWNER)


def test_somebody_disabled_gets_in_by_no_link(site: Site, account: Account) -> None:
    ann = account()
    _, token = offer_reset(site, ann.id, OWNER)
    set_disabled(site, ann.id, True, OWNER)
    with pytest.raises(Denied):
        accept(site, token, "another long password 9")


def test_the_password_is_asked_again_of_the_same_person(site: Site, account: Account) -> None:
    ann, _ = account("ann"), account("ben")
    confirm(site, ann, PASSWORD)
    with pytest.raises(Denied):
        confirm(site, ann, "wrong")
    with pytest.raises(Denied):
        confirm(site, Principal("key_x", "key", "x", "owner"), PASSWORD)


def test_the_log_names_nobody_and_holds_no_link(site: Site, account: Account) -> None:
    _, token = invite(site, "zoe.quist", "Zoe Quist", roles_named(site, OWNER, None, {"main": "auditor"}), OWNER)
    person = accept(site, token, PASSWORD)
    text = json.dumps(entries(site))
    kinds = [entry["kind"] for entry in entries(site)]
    assert kinds[-3:] == ["invitation.made", "invitation.accepted", "user.created"]
    assert not [word for word in ("zoe", "Zoe", token, PASSWORD, person.id) if word in text]


def test_the_account_in_the_envelope_opens_everything_and_is_loud(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    password = seal_break_glass(site, OWNER)
    assert broken_since(site) is None
    with caplog.at_level(logging.CRITICAL):
        entered = sign_in(site, LOGIN, password)
    assert entered.principal.is_everywhere
    assert is_break_glass(site, entered.principal.id)
    assert [line.levelname for line in caplog.records] == ["CRITICAL"]
    assert entries(site)[-1]["kind"] == "break_glass.used"
    assert broken_since(site)
    with pytest.raises(Conflict):
        begin_second_factor(site, entered.principal)


def test_sealing_it_anew_makes_another_password_and_silence(site: Site, account: Account) -> None:
    former = seal_break_glass(site, OWNER)
    who = sign_in(site, LOGIN, former).principal
    session = begin_session(site, who, "local", Visit())
    password = seal_break_glass(site, OWNER)
    assert password != former
    assert broken_since(site) is None
    assert find_session(site, session) is None
    with pytest.raises(Denied):
        sign_in(site, LOGIN, former)
    assert sign_in(site, LOGIN, password).principal.id == who.id
    assert not is_break_glass(site, account().id)
