"""Sessions: opened by what the browser holds, ended by hand, by silence, by age, with whoever they are of."""

from __future__ import annotations

from datetime import timedelta

import pytest

from appliance.core.clock import utc_now
from appliance.errors import NotFound
from appliance.identity import sessions
from appliance.identity.api_keys import create_api_key, principal_of_key, revoke_api_key
from appliance.identity.groups import give_role
from appliance.identity.records import Vouched
from appliance.identity.sessions import Visit, begin_session, end_session, find_session, forget_sessions, list_sessions
from appliance.identity.users import admit, set_disabled
from appliance.tenancy.records import SYSTEM, Principal
from appliance.tenancy.site import Site

HOME = Visit("10.0.0.7", "Firefox")


@pytest.fixture
def ann(site: Site) -> Principal:
    give_role(site, "ldap", "cn=crew", "main", "operator", SYSTEM)
    return admit(site, Vouched("ldap", "s-1", "ann", "Ann", ("cn=crew",)))


def later(monkeypatch: pytest.MonkeyPatch, **span: float) -> None:
    moment = utc_now() + timedelta(**span)
    monkeypatch.setattr(sessions, "utc_now", lambda: moment)


def test_a_session_is_found_by_what_the_browser_holds_in_every_process(site: Site, ann: Principal) -> None:
    token = begin_session(site, ann, "ldap", HOME)
    with Site.open(site.settings) as other:
        for place in (site, other):
            found = find_session(place, token)
            assert found
            assert found.principal == ann
    assert find_session(site, token + "x") is None
    assert find_session(site, "") is None


def test_the_secret_is_kept_nowhere(site: Site, ann: Principal) -> None:
    token = begin_session(site, ann, "ldap", HOME).encode()
    site.close()
    files = [file for file in site.settings.data.rglob("*") if file.is_file()]
    assert files
    assert not [file for file in files if token in file.read_bytes()]


def test_a_session_that_was_ended_opens_nothing_and_the_others_do(site: Site, ann: Principal) -> None:
    first, second = begin_session(site, ann, "ldap", HOME), begin_session(site, ann, "ldap", HOME)
    found = find_session(site, first)
    assert found
    end_session(site, found.id, SYSTEM)
    end_session(site, found.id, SYSTEM)
    assert find_session(site, first) is None
    assert find_session(site, second)
    with pytest.raises(NotFound):
        end_session(site, "ses_nothing", SYSTEM)


def test_a_session_ends_by_silence_and_use_keeps_it_alive(
    site: Site, ann: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    used, silent = begin_session(site, ann, "ldap", HOME), begin_session(site, ann, "ldap", HOME)
    idle = site.settings.session_idle_minutes
    later(monkeypatch, minutes=idle - 1)
    assert find_session(site, used)
    later(monkeypatch, minutes=idle + 1)
    assert find_session(site, used)
    assert find_session(site, silent) is None


def test_a_session_ends_by_age_however_busy_it_is(site: Site, ann: Principal, monkeypatch: pytest.MonkeyPatch) -> None:
    token = begin_session(site, ann, "ldap", HOME)
    now = utc_now()
    for minutes in range(0, 60 * site.settings.session_hours, 30):
        monkeypatch.setattr(sessions, "utc_now", lambda at=now + timedelta(minutes=minutes): at)
        assert find_session(site, token), minutes
    monkeypatch.setattr(sessions, "utc_now", lambda: now + timedelta(hours=site.settings.session_hours, seconds=1))
    assert find_session(site, token) is None


def test_a_session_ends_with_its_person_or_key(site: Site, ann: Principal) -> None:
    row, _ = create_api_key(site, "main", "operator", "cell", SYSTEM)
    key = principal_of_key(site, row.id)
    assert key
    tokens = [begin_session(site, ann, "ldap", HOME), begin_session(site, key, "key", HOME)]
    assert all(find_session(site, token) for token in tokens)
    set_disabled(site, ann.id, True, SYSTEM)
    revoke_api_key(site, row.id, SYSTEM)
    assert not [token for token in tokens if find_session(site, token)]


def test_sessions_are_listed_with_where_they_come_from(site: Site, ann: Principal) -> None:
    begin_session(site, ann, "ldap", Visit("10.0.0.7", "Fire\nfox" + "x" * 500))
    (row,) = list_sessions(site, ann.id)
    assert (row.peer, row.method, len(row.agent)) == ("10.0.0.7", "ldap", 200)
    assert row.agent.startswith("Firefox")
    assert list_sessions(site, "usr_nobody") == []


def test_old_sessions_are_forgotten(site: Site, ann: Principal, monkeypatch: pytest.MonkeyPatch) -> None:
    begin_session(site, ann, "ldap", HOME)
    assert forget_sessions(site) == 0
    later(monkeypatch, days=91)
    assert forget_sessions(site) == 1
