"""Grants: refresh tokens that are used once, copies that end the family, and holders that take everything along."""

from __future__ import annotations

import json
import threading
from datetime import timedelta

import pytest

from appliance.audit.database_log import DatabaseLog
from appliance.core.clock import utc_now
from appliance.errors import Denied, NotFound
from appliance.identity.api_keys import authenticate as key_holder
from appliance.identity.api_keys import create_api_key, revoke_api_key, rotate_api_key
from appliance.identity.sessions import Visit, begin_session, end_session, find_session
from appliance.identity.tokens import grants
from appliance.identity.tokens.access import authenticate
from appliance.identity.tokens.grants import (
    GRACE,
    IDLE,
    LONGEST,
    Pair,
    exchange,
    forget_grants,
    list_grants,
    refresh,
    revoke,
    revoke_by_token,
    revoke_grants_of,
)
from appliance.identity.tokens.models import RefreshTokenRow
from appliance.identity.tokens.personal import create_personal_token, revoke_personal_token
from appliance.identity.tokens.signing import LIFETIME
from appliance.identity.users import set_disabled
from appliance.tenancy.records import SYSTEM, Principal
from appliance.tenancy.site import Site
from tests.token_clock import at

OWNER = Principal("key_owner", "key", "owner", "owner")


@pytest.fixture
def key(site: Site) -> Principal:
    return key_holder(site, create_api_key(site, "main", "operator", "cell", SYSTEM)[1])


def opens(site: Site, pair: Pair) -> bool:
    try:
        authenticate(site, pair.access_token)
    except Denied:
        return False
    return True


def goes_on(site: Site, pair: Pair) -> bool:
    try:
        refresh(site, pair.refresh_token)
    except Denied:
        return False
    return True


def kinds(site: Site) -> list[str]:
    log = DatabaseLog.of_control(site)
    with site.control_session():
        return [json.loads(log.entry(index))["kind"] for index in range(log.size)]


def test_an_access_token_stands_for_its_holder_and_for_ten_minutes(
    site: Site, key: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = exchange(site, key, key.holder)
    found = authenticate(site, pair.access_token)
    assert (found.id, found.role, found.workspace_id, found.scopes) == (key.id, key.role, key.workspace_id, None)
    assert found.holder == pair.grant_id
    at(monkeypatch, utc_now() + LIFETIME)
    assert not opens(site, pair)
    assert opens(site, refresh(site, pair.refresh_token))


def test_scopes_are_those_of_the_holder_or_less(site: Site) -> None:
    wide = key_holder(site, create_api_key(site, "main", "operator", "w", SYSTEM)[1])
    some = ["scans:read", "assets:read"]
    narrow = key_holder(site, create_api_key(site, "main", "operator", "n", SYSTEM, scopes=some)[1])
    assert authenticate(site, exchange(site, wide, wide.holder, ["scans:read"]).access_token).scopes == {"scans:read"}
    assert authenticate(site, exchange(site, narrow, narrow.holder).access_token).scopes == set(some)
    less = exchange(site, narrow, narrow.holder, ["scans:read"])
    assert authenticate(site, less.access_token).scopes == {"scans:read"}
    assert authenticate(site, refresh(site, less.refresh_token).access_token).scopes == {"scans:read"}
    with pytest.raises(Denied) as refused:
        exchange(site, narrow, narrow.holder, ["scans:read", "uploads:write"])
    assert refused.value.code == "scope.wider"


def test_an_access_token_is_exchanged_for_nothing(site: Site, key: Principal) -> None:
    acting = authenticate(site, exchange(site, key, key.holder).access_token)
    with pytest.raises(Denied) as refused:
        exchange(site, acting, acting.holder)
    assert refused.value.code == "token.chain"


def test_a_refresh_token_that_is_shown_again_later_ends_the_family_in_every_process(
    site: Site, key: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    stolen = exchange(site, key, key.holder)
    following = refresh(site, stolen.refresh_token)
    with Site.open(site.settings) as other:
        assert opens(other, following)
        at(monkeypatch, utc_now() + GRACE)
        with pytest.raises(Denied) as refused:
            refresh(site, stolen.refresh_token)
        assert refused.value.code == "token.reused"
        assert not opens(other, following)
        assert not opens(other, stolen)
        assert not goes_on(other, following)
    assert kinds(site)[-1] == "token_grant.reused"


def test_a_refresh_token_whose_next_one_was_used_ends_the_family_at_once(site: Site, key: Principal) -> None:
    first = exchange(site, key, key.holder)
    second = refresh(site, first.refresh_token)
    third = refresh(site, second.refresh_token)
    assert not goes_on(site, first)
    assert not goes_on(site, third)
    assert not opens(site, third)


def test_a_client_whose_answer_was_lost_gets_the_same_next_one(site: Site, key: Principal) -> None:
    first = exchange(site, key, key.holder)
    lost, again = refresh(site, first.refresh_token), refresh(site, first.refresh_token)
    assert lost.refresh_token == again.refresh_token
    assert opens(site, again)
    assert goes_on(site, again)


def test_threads_that_refresh_at_once_get_one_family(site: Site, key: Principal) -> None:
    first, found = exchange(site, key, key.holder), []
    asking = [threading.Thread(target=lambda: found.append(refresh(site, first.refresh_token))) for _ in range(6)]
    for one in asking:
        one.start()
    for one in asking:
        one.join()
    assert len({pair.refresh_token for pair in found}) == 1
    assert all(opens(site, pair) for pair in found)
    assert len(found) == 6


def test_what_lies_sealed_is_gone_when_the_next_one_is_used(site: Site, key: Principal) -> None:
    first = exchange(site, key, key.holder)
    second = refresh(site, first.refresh_token)
    refresh(site, second.refresh_token)
    with site.control_session():
        sealed = [bool(row.sealed) for row in RefreshTokenRow.select().order_by(RefreshTokenRow.issued_at)]
    assert sealed == [False, True, False]


def test_no_token_is_kept_anywhere(site: Site, key: Principal) -> None:
    first = exchange(site, key, key.holder)
    second = refresh(site, first.refresh_token)
    secrets = [pair.refresh_token.rsplit("_", 1)[1].encode() for pair in (first, second)]
    secrets += [pair.access_token.rsplit(".", 1)[1].encode() for pair in (first, second)]
    site.close()
    files = [file for file in site.settings.data.rglob("*") if file.is_file()]
    assert files
    assert not [file for file in files for secret in secrets if secret in file.read_bytes()]


def test_a_grant_ends_with_its_key_and_not_with_a_secret_of_it(site: Site) -> None:
    row, token = create_api_key(site, "main", "operator", "cell", SYSTEM)
    holder = key_holder(site, token)
    pair = exchange(site, holder, holder.holder)
    rotate_api_key(site, row.id, SYSTEM)
    assert opens(site, pair)
    revoke_api_key(site, row.id, SYSTEM)
    assert not opens(site, pair)
    assert not goes_on(site, pair)


def test_a_grant_ends_with_its_personal_token_and_its_person(site: Site, ann: Principal) -> None:
    until = utc_now() + timedelta(days=1)
    row, token = create_personal_token(site, ann, "main", "x", ["scans:read"], until)
    holder = authenticate(site, token)
    pair = exchange(site, holder, holder.holder)
    found = authenticate(site, pair.access_token)
    assert (found.id, found.scopes, found.workspace_id) == (ann.id, {"scans:read"}, site.workspaces()[0].id)
    set_disabled(site, ann.id, True, OWNER)
    assert not opens(site, pair)
    set_disabled(site, ann.id, False, OWNER)
    assert opens(site, pair)
    revoke_personal_token(site, row.id, ann)
    assert not opens(site, pair)


def test_a_grant_ends_with_its_session(site: Site, ann: Principal) -> None:
    session = find_session(site, begin_session(site, ann, "ldap", Visit()))
    assert session
    pair = exchange(site, ann, session.id)
    found = authenticate(site, pair.access_token)
    assert (found.memberships, found.role) == (ann.memberships, "member")
    end_session(site, session.id, ann)
    assert not opens(site, pair)
    assert not goes_on(site, pair)


def test_a_grant_ends_by_silence_and_by_age(site: Site, key: Principal, monkeypatch: pytest.MonkeyPatch) -> None:
    silent, busy = exchange(site, key, key.holder), exchange(site, key, key.holder)
    began = now = utc_now()
    while now + IDLE / 2 < began + LONGEST:
        now += IDLE / 2
        at(monkeypatch, now)
        busy = refresh(site, busy.refresh_token)
    assert not goes_on(site, silent)
    at(monkeypatch, began + LONGEST + timedelta(seconds=1))
    assert not goes_on(site, busy)


def test_whose_it_is_ends_it_and_the_owner_of_the_appliance_and_nobody_else(site: Site, key: Principal) -> None:
    pairs = [exchange(site, key, key.holder) for _ in range(4)]
    stranger = Principal("key_s", "key", "s", "owner", key.workspace_id)
    with pytest.raises(NotFound):
        revoke(site, pairs[0].grant_id, stranger)
    revoke(site, pairs[0].grant_id, key)
    revoke(site, pairs[1].grant_id, OWNER)
    revoke_by_token(site, pairs[2].refresh_token)
    for nothing in (pairs[2].refresh_token, "d2t_aaaaaaaa_" + "a" * 52, "x"):
        revoke_by_token(site, nothing)
    assert [opens(site, pair) for pair in pairs] == [False, False, False, True]
    assert [row.id for row in list_grants(site, key.id)] == [pairs[3].grant_id]
    assert revoke_grants_of(site, key.id, OWNER) == 1
    assert not opens(site, pairs[3])


def test_one_more_than_many_ends_the_oldest(site: Site, key: Principal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grants, "MOST", 2)
    pairs = [exchange(site, key, key.holder) for _ in range(3)]
    assert [opens(site, pair) for pair in pairs] == [False, True, True]


def test_grants_that_ended_long_ago_are_forgotten(site: Site, key: Principal, monkeypatch: pytest.MonkeyPatch) -> None:
    refresh(site, exchange(site, key, key.holder).refresh_token)
    assert forget_grants(site) == 0
    at(monkeypatch, utc_now() + IDLE + timedelta(days=7, seconds=1))
    assert forget_grants(site) == 1
    with site.control_session():
        assert RefreshTokenRow.select().count() == 0


def test_what_is_no_refresh_token_is_refused_in_the_same_words(site: Site, key: Principal) -> None:
    pair = exchange(site, key, key.holder)
    told = set()
    for wrong in ("", "x", pair.access_token, "d2t_aaaaaaaa_" + "a" * 52, pair.refresh_token + "a", "d2t_" + "\0" * 61):
        with pytest.raises(Denied) as refused:
            refresh(site, wrong)
        told.add(str(refused.value))
    assert len(told) == 1
