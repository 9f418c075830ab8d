"""API keys: shown once, known by hash, refused when revoked."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from appliance.audit.database_log import DatabaseLog
from appliance.db import glance
from appliance.db.listing import Listing
from appliance.errors import Conflict, Denied, InvalidInput, NotFound, Unavailable
from appliance.identity import key_holders
from appliance.identity.api_keys import authenticate, create_api_key, list_api_keys, revoke_api_key
from appliance.tenancy.records import SYSTEM, Principal
from appliance.tenancy.site import Site


@pytest.fixture
def workspace_id(site: Site) -> str:
    return site.workspaces()[0].id


def _kinds(site: Site) -> list[str]:
    log = DatabaseLog.of_control(site)
    with site.control_session():
        return [json.loads(log.entry(index))["kind"] for index in range(log.size)]


def test_who_holds_the_token_is_the_principal(site: Site, workspace_id: str) -> None:
    row, token = create_api_key(site, "main", "operator", "cell 4", SYSTEM)
    assert authenticate(site, token) == Principal(row.id, "key", "cell 4", "operator", workspace_id)
    row, token = create_api_key(site, "main", "device", "edge 1", SYSTEM)
    assert authenticate(site, token) == Principal(row.id, "device", "edge 1", "device", workspace_id)
    row, token = create_api_key(site, None, "owner", "owner", SYSTEM)
    assert authenticate(site, token) == Principal(row.id, "key", "owner", "owner", None)


def test_the_secret_is_kept_nowhere(site: Site) -> None:
    _, token = create_api_key(site, "main", "operator", "x", SYSTEM)
    secret = token.rsplit("_", 1)[1].encode()
    site.close()
    for file in site.settings.data.rglob("*"):
        if file.is_file():
            assert secret not in file.read_bytes(), file


def test_a_token_is_random_and_spelled_so_that_it_can_be_marked(site: Site) -> None:
    tokens = {create_api_key(site, "main", "operator", "x", SYSTEM)[1] for _ in range(5)}
    assert len(tokens) == 5
    for token in tokens:
        prefix, secret = token.split("_")[1:]
        assert (len(prefix), len(secret)) == (8, 52)  # 5 and 32 bytes in base 32


def _wrong(token: str) -> Iterator[str]:
    yield from ("", "d2r", "d2r__", token[:-1], token + "a", token.upper(), " " + token, token + "\n")
    for position in (4, 12, 13, -1):  # a letter of the prefix, the underscore, letters of the secret
        other = "b" if token[position] == "a" else "a"
        yield token[:position] + other + (token[position + 1 :] if position != -1 else "")


def test_any_other_token_is_refused_in_the_same_words(site: Site) -> None:
    _, token = create_api_key(site, "main", "operator", "x", SYSTEM)
    messages = set()
    for other in _wrong(token):
        with pytest.raises(Denied) as refused:
            authenticate(site, other)
        messages.add(str(refused.value))
    assert len(messages) == 1


def test_the_secret_of_one_key_does_not_open_another(site: Site) -> None:
    _, first = create_api_key(site, "main", "operator", "x", SYSTEM)
    _, second = create_api_key(site, "main", "owner", "y", SYSTEM)
    mixed = f"{second.rsplit('_', 1)[0]}_{first.rsplit('_', 1)[1]}"
    with pytest.raises(Denied):
        authenticate(site, mixed)


def test_a_revoked_key_is_refused_at_once_also_by_another_process(site: Site) -> None:
    row, token = create_api_key(site, "main", "operator", "x", SYSTEM)
    with Site.open(site.settings) as other:
        authenticate(other, token)
        assert revoke_api_key(site, row.prefix, SYSTEM).revoked_at
        for place in (site, other):
            with pytest.raises(Denied):
                authenticate(place, token)
    with pytest.raises(Conflict):
        revoke_api_key(site, row.id, SYSTEM)


def test_making_and_revoking_are_in_the_control_log(site: Site) -> None:
    row, token = create_api_key(site, "main", "operator", "x", SYSTEM)
    revoke_api_key(site, row.id, SYSTEM)
    assert _kinds(site)[-2:] == ["key.created", "key.revoked"]
    log = DatabaseLog.of_control(site)
    with site.control_session():
        entry = json.loads(log.entry(log.size - 1))
    assert entry["facts"]["key"] == row.id
    assert token.rsplit("_", 1)[1] not in str(entry)


def test_a_stranger_finds_no_key_of_another_workspace(site: Site) -> None:
    other = site.create_workspace("other", "Other", SYSTEM)
    stranger = Principal("key_s", "key", "s", "owner", other.id)
    row, token = create_api_key(site, "main", "operator", "x", SYSTEM)
    with pytest.raises(NotFound):
        revoke_api_key(site, row.id, stranger)
    with pytest.raises(NotFound):
        create_api_key(site, "main", "operator", "x", stranger)
    authenticate(site, token)


def test_the_last_key_of_the_owner_stays(site: Site) -> None:
    first, _ = create_api_key(site, None, "owner", "first", SYSTEM)
    with pytest.raises(Conflict) as refused:
        revoke_api_key(site, first.id, SYSTEM)
    assert refused.value.code == "key.last"
    create_api_key(site, None, "owner", "second", SYSTEM)
    revoke_api_key(site, first.id, SYSTEM)


@pytest.mark.parametrize(
    ("slug", "role", "label"),
    [
        ("main", "king", "x"), ("main", "system", "x"), (None, "operator", "x"), ("main", "operator", ""),
        ("main", "operator", "a\nb"), ("main", "operator", "x" * 121),
    ],
)  # fmt: skip
def test_a_key_that_cannot_be_is_refused(site: Site, slug: str | None, role: str, label: str) -> None:
    with pytest.raises(InvalidInput):
        create_api_key(site, slug, role, label, SYSTEM)


def test_keys_are_listed_by_workspace_page_by_page(site: Site, workspace_id: str) -> None:
    made = [create_api_key(site, "main", "operator", f"k{n}", SYSTEM)[0].id for n in range(5)]
    create_api_key(site, None, "owner", "owner", SYSTEM)
    first = list_api_keys(site, workspace_id, Listing(limit=3))
    rest = list_api_keys(site, workspace_id, Listing(after=(first[-1].id,)))
    assert [row.id for row in first + rest] == made
    assert [row.label for row in list_api_keys(site, None)] == ["owner"]


def test_use_is_noted_now_and_then_and_not_at_every_request(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glance, "LIFETIME_S", 0.0)
    _, token = create_api_key(site, None, "owner", "x", SYSTEM)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    noted = []
    for minutes in (0, 1, 4, 6, 7):
        monkeypatch.setattr(key_holders, "utc_now", lambda minutes=minutes: start + timedelta(minutes=minutes))
        authenticate(site, token)
        assert site.aside.settle()
        noted.append(list_api_keys(site, None)[0].last_used_at[14:16])
    assert noted == ["00", "00", "00", "06", "06"]


def test_a_full_disk_locks_nobody_out(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    _, token = create_api_key(site, None, "owner", "x", SYSTEM)

    def full() -> None:
        raise Unavailable("database.unwritable", "full")

    monkeypatch.setattr(site, "control_transaction", full)
    authenticate(site, token)
    assert site.aside.settle()


def test_a_key_that_is_revoked_here_is_refused_at_once(site: Site) -> None:
    row, token = create_api_key(site, None, "owner", "x", SYSTEM)
    assert authenticate(site, token).id == row.id
    create_api_key(site, None, "owner", "another", SYSTEM)
    authenticate(site, token)
    revoke_api_key(site, row.id, SYSTEM)
    with pytest.raises(Denied):
        authenticate(site, token)


def test_a_key_that_another_machine_revoked_is_refused_within_a_second(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, token = create_api_key(site, None, "owner", "x", SYSTEM)
    create_api_key(site, None, "owner", "another", SYSTEM)
    with Site.open(site.settings) as other:
        monkeypatch.setattr(other.control.commits, "mark", lambda: None)  # it shares no memory with this one
        authenticate(site, token)
        assert site.aside.settle()
        authenticate(site, token)
        revoke_api_key(other, row.id, SYSTEM)
        authenticate(site, token)
    time.sleep(glance.LIFETIME_S)
    with pytest.raises(Denied):
        authenticate(site, token)


def test_a_read_waits_for_no_writer(site: Site) -> None:
    _, token = create_api_key(site, "main", "operator", "x", SYSTEM)
    with site.control_transaction():
        began = time.monotonic()
        reading = threading.Thread(target=lambda: authenticate(site, token))
        reading.start()
        reading.join(5)
        assert not reading.is_alive()
        assert time.monotonic() - began < 2
    assert site.aside.settle()
    assert list_api_keys(site, site.workspaces()[0].id)[0].last_used_at
