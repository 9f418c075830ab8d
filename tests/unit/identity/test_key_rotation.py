"""Keys that end, do less than their role, and get another secret while the one before still counts."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest

from appliance.audit.database_log import DatabaseLog
from appliance.core.clock import utc_now
from appliance.errors import Conflict, Denied, InvalidInput, NotFound
from appliance.identity import api_keys, key_holders
from appliance.identity.api_keys import (
    LONGEST_OVERLAP,
    authenticate,
    create_api_key,
    find_api_key,
    list_api_keys,
    principal_of_key,
    revoke_api_key,
    rotate_api_key,
)
from appliance.tenancy.records import SYSTEM, Principal
from appliance.tenancy.site import Site


def at(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    for module in (api_keys, key_holders):
        monkeypatch.setattr(module, "utc_now", lambda: moment)


def opens(site: Site, token: str) -> bool:
    try:
        authenticate(site, token)
    except Denied:
        return False
    return True


def test_a_key_that_is_over_opens_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    end = utc_now() + timedelta(hours=1)
    row, token = create_api_key(site, "main", "operator", "x", SYSTEM, expires_at=end)
    at(monkeypatch, end - timedelta(microseconds=1))
    assert opens(site, token)
    assert principal_of_key(site, row.id)
    at(monkeypatch, end)
    assert not opens(site, token)
    assert principal_of_key(site, row.id) is None


def test_a_key_is_not_made_for_the_past(site: Site) -> None:
    with pytest.raises(InvalidInput) as refused:
        create_api_key(site, "main", "operator", "x", SYSTEM, expires_at=utc_now())
    assert refused.value.code == "key.expiry"


def test_scopes_come_with_the_principal(site: Site) -> None:
    row, token = create_api_key(site, "main", "operator", "x", SYSTEM, scopes=["uploads:write", "assets:read"])
    assert authenticate(site, token).scopes == {"uploads:write", "assets:read"}
    assert principal_of_key(site, row.id) == authenticate(site, token)
    assert row.scopes == "assets:read uploads:write"


@pytest.mark.parametrize("scopes", [[], ["all"], ["scans:*"], ["scans:read scans:write"], ["Scans:read"]])
def test_what_is_no_scope_is_refused(site: Site, scopes: list[str]) -> None:
    with pytest.raises(InvalidInput):
        create_api_key(site, "main", "operator", "x", SYSTEM, scopes=scopes)


def test_nobody_hands_out_more_than_they_may(site: Site) -> None:
    wide, _ = create_api_key(site, "main", "owner", "wide", SYSTEM)
    workspace_id = site.workspaces()[0].id
    narrow = Principal("key_n", "key", "n", "owner", workspace_id, scopes=frozenset({"keys:write", "scans:read"}))
    person = Principal("usr_p", "user", "p", "owner", workspace_id, scopes=frozenset({"keys:write"}))
    for scopes in (None, ["assets:read"], ["scans:read", "assets:read"]):
        with pytest.raises(Denied):
            create_api_key(site, "main", "owner", "x", narrow, scopes=scopes)
    with pytest.raises(Denied):
        rotate_api_key(site, wide.id, narrow)
    with pytest.raises(Denied):
        create_api_key(site, "main", "owner", "x", person, scopes=["keys:write"])
    assert create_api_key(site, "main", "owner", "x", narrow, scopes=["scans:read"])


def test_after_a_rotation_both_secrets_count_until_the_overlap_ends(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, former = create_api_key(site, "main", "device", "edge 1", SYSTEM)
    before, now = authenticate(site, former), utc_now()
    at(monkeypatch, now)
    rotated, token = rotate_api_key(site, row.id, SYSTEM, overlap=timedelta(hours=2))
    assert (rotated.id, rotated.label) == (row.id, "edge 1")
    assert authenticate(site, token) == authenticate(site, former) == before
    at(monkeypatch, now + timedelta(hours=2))
    assert opens(site, token)
    assert not opens(site, former)


def test_without_an_overlap_the_former_secret_is_refused_at_once_in_every_process(site: Site) -> None:
    row, former = create_api_key(site, "main", "operator", "x", SYSTEM)
    with Site.open(site.settings) as other:
        assert opens(other, former)
        _, token = rotate_api_key(site, row.prefix, SYSTEM)
        for place in (site, other):
            assert opens(place, token)
            assert not opens(place, former)


def test_an_answer_that_was_lost_locks_nobody_out(site: Site) -> None:
    row, former = create_api_key(site, "main", "operator", "x", SYSTEM)
    overlap = timedelta(hours=1)
    lost, third = (rotate_api_key(site, row.id, SYSTEM, overlap=overlap)[1] for _ in range(2))
    assert opens(site, former)
    assert opens(site, lost)
    assert opens(site, third)


def test_a_second_rotation_makes_no_overlap_longer(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    row, former = create_api_key(site, "main", "operator", "x", SYSTEM)
    now = utc_now()
    at(monkeypatch, now)
    rotate_api_key(site, row.id, SYSTEM, overlap=timedelta(hours=1))
    rotate_api_key(site, row.id, SYSTEM, overlap=timedelta(hours=5))
    at(monkeypatch, now + timedelta(hours=1))
    assert not opens(site, former)


def test_revoking_ends_every_secret(site: Site) -> None:
    row, former = create_api_key(site, "main", "operator", "x", SYSTEM)
    _, token = rotate_api_key(site, row.id, SYSTEM, overlap=timedelta(hours=1))
    revoke_api_key(site, former.split("_")[1], SYSTEM)
    assert not opens(site, former)
    assert not opens(site, token)
    with pytest.raises(Conflict):
        rotate_api_key(site, row.id, SYSTEM)


def test_a_key_is_found_by_any_of_its_prefixes(site: Site) -> None:
    row, former = create_api_key(site, "main", "operator", "x", SYSTEM)
    rotated, token = rotate_api_key(site, row.id, SYSTEM, overlap=timedelta(hours=1))
    for shown in (former, token):
        assert find_api_key(site, row.workspace_id, shown.split("_")[1]).id == row.id
    assert rotated.prefix == token.split("_")[1]


def test_a_key_that_is_over_is_rotated_to_another_end_alone(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    end = utc_now() + timedelta(hours=1)
    row, _ = create_api_key(site, "main", "operator", "x", SYSTEM, expires_at=end)
    at(monkeypatch, end)
    with pytest.raises(Conflict) as refused:
        rotate_api_key(site, row.id, SYSTEM)
    assert refused.value.code == "key.over"
    _, token = rotate_api_key(site, row.id, SYSTEM, expires_at=end + timedelta(hours=1))
    assert opens(site, token)


def test_an_overlap_has_bounds(site: Site) -> None:
    row, _ = create_api_key(site, "main", "operator", "x", SYSTEM)
    for overlap in (-timedelta(seconds=1), LONGEST_OVERLAP + timedelta(seconds=1)):
        with pytest.raises(InvalidInput):
            rotate_api_key(site, row.id, SYSTEM, overlap=overlap)


def test_a_stranger_rotates_nothing(site: Site) -> None:
    row, token = create_api_key(site, "main", "operator", "x", SYSTEM)
    stranger = Principal("key_s", "key", "s", "owner", site.create_workspace("other", "Other", SYSTEM).id)
    with pytest.raises(NotFound):
        rotate_api_key(site, row.id, stranger)
    assert opens(site, token)


def test_a_rotation_is_in_the_control_log_without_a_secret(site: Site) -> None:
    row, _ = create_api_key(site, "main", "operator", "x", SYSTEM, scopes=["scans:read"])
    _, token = rotate_api_key(site, row.id, SYSTEM, overlap=timedelta(hours=1))
    log = DatabaseLog.of_control(site)
    with site.control_session():
        entry = json.loads(log.entry(log.size - 1))
    assert entry["kind"] == "key.rotated"
    assert entry["facts"]["scopes"] == "scans:read"
    assert entry["facts"]["former_until"]
    assert token.rsplit("_", 1)[1] not in json.dumps(entry)


def test_the_last_key_of_the_owner_is_one_that_does_not_end(site: Site) -> None:
    first, _ = create_api_key(site, None, "owner", "first", SYSTEM)
    create_api_key(site, None, "owner", "short", SYSTEM, expires_at=utc_now() + timedelta(days=1))
    create_api_key(site, None, "owner", "narrow", SYSTEM, scopes=["workspaces:read"])
    with pytest.raises(Conflict):
        revoke_api_key(site, first.id, SYSTEM)
    assert len(list_api_keys(site, None)) == 3
