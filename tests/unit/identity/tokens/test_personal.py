"""Personal tokens: never more than the person, never for good, and gone when the person or the role is."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest

from appliance.audit.database_log import DatabaseLog
from appliance.core.clock import utc_now
from appliance.errors import Conflict, Denied, InvalidInput, NotFound
from appliance.identity import users
from appliance.identity.api_keys import create_api_key, principal_of_key
from appliance.identity.groups import give_role, list_group_roles, take_role
from appliance.identity.local.accounts import local_user
from appliance.identity.local.break_glass import seal_break_glass
from appliance.identity.records import Vouched
from appliance.identity.tokens import personal
from appliance.identity.tokens.access import authenticate
from appliance.identity.tokens.personal import (
    VOUCHED_WITHIN,
    create_personal_token,
    list_personal_tokens,
    revoke_all_of,
    revoke_personal_token,
)
from appliance.identity.users import admit, principal_of_user, set_disabled, withdraw
from appliance.tenancy.records import SYSTEM, Principal
from appliance.tenancy.site import Site
from tests.token_clock import at

OWNER = Principal("key_owner", "key", "owner", "owner")
SCOPES = ("scans:read", "assets:write")


def make(site: Site, person: Principal, days: float = 30, slug: str = "main", scopes: tuple[str, ...] = SCOPES):  # type: ignore[no-untyped-def]
    return create_personal_token(site, person, slug, "nightly", scopes, utc_now() + timedelta(days=days))


def opens(site: Site, token: str) -> bool:
    try:
        authenticate(site, token)
    except Denied:
        return False
    return True


def test_a_token_stands_for_its_person_in_one_workspace_under_its_scopes(site: Site, ann: Principal) -> None:
    row, token = make(site, ann)
    found = authenticate(site, token)
    workspace_id = site.workspaces()[0].id
    assert (found.id, found.kind, found.role) == (ann.id, "user", "supervisor")
    assert (found.workspace_id, found.memberships, found.scopes) == (workspace_id, (), frozenset(SCOPES))
    assert found.holder == row.id
    assert token.startswith("d2p_")


def test_an_owner_of_the_appliance_is_bound_to_the_workspace_too(site: Site) -> None:
    site.create_workspace("other", "Other", SYSTEM)
    give_role(site, "ldap", "cn=it", None, "owner", SYSTEM)
    boss = admit(site, Vouched("ldap", "s-2", "bob", "Bob", ("cn=it",)))
    found = authenticate(site, make(site, boss)[1])
    assert not found.is_everywhere
    with pytest.raises(NotFound):
        site.scope(found, "other")


def test_the_role_is_that_of_now(site: Site, ann: Principal) -> None:
    _, token = make(site, ann)
    (crew, _) = list_group_roles(site)[0]
    take_role(site, crew.id, SYSTEM)
    give_role(site, "ldap", "cn=crew", "main", "auditor", SYSTEM)
    assert authenticate(site, token).role == "supervisor"  # until the next login, as everywhere
    admit(site, Vouched("ldap", "s-1", "ann", "Ann", ("cn=crew",)))
    assert authenticate(site, token).role == "auditor"


def test_who_is_disabled_or_has_no_role_takes_the_tokens_along_in_every_process(site: Site, ann: Principal) -> None:
    _, token = make(site, ann)
    with Site.open(site.settings) as other:
        assert opens(other, token)
        set_disabled(site, ann.id, True, SYSTEM)
        assert not opens(other, token)
        set_disabled(site, ann.id, False, SYSTEM)
        assert opens(other, token)
        withdraw(site, ann.id)
        assert not opens(other, token)


def test_a_token_ends_when_it_must(site: Site, ann: Principal, monkeypatch: pytest.MonkeyPatch) -> None:
    row, token = make(site, ann, days=1)
    end = utc_now().fromisoformat(row.expires_at)
    at(monkeypatch, end - timedelta(microseconds=1))
    assert opens(site, token)
    at(monkeypatch, end)
    assert not opens(site, token)
    assert list_personal_tokens(site, user_id=ann.id) == []


@pytest.mark.parametrize("days", [0, -1, 90.01])
def test_an_end_is_stated_and_not_too_far(site: Site, ann: Principal, days: float) -> None:
    with pytest.raises(InvalidInput):
        make(site, ann, days)


@pytest.mark.parametrize("scopes", [(), ("keys:write",), ("scans:read", "keys:write"), ("x",)])
def test_scopes_are_stated_and_make_no_keys(site: Site, ann: Principal, scopes: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput):
        make(site, ann, scopes=scopes)


def test_keys_tokens_and_the_envelope_make_none(site: Site, ann: Principal) -> None:
    row, _ = create_api_key(site, "main", "owner", "x", SYSTEM)
    key = principal_of_key(site, row.id)
    acting = authenticate(site, make(site, ann)[1])
    seal_break_glass(site, OWNER)
    with site.control_session():
        broken = principal_of_user(site, local_user("break-glass").id)
    for who in (key, acting, broken):
        assert who
        with pytest.raises(Denied):
            make(site, who)


def test_nobody_makes_one_for_a_workspace_that_is_not_theirs(site: Site, ann: Principal) -> None:
    site.create_workspace("other", "Other", SYSTEM)
    for slug in ("other", "nowhere"):
        with pytest.raises(NotFound):
            make(site, ann, slug=slug)


def test_who_may_end_a_token(site: Site, ann: Principal) -> None:
    main, other = site.workspaces()[0].id, site.create_workspace("other", "Other", SYSTEM).id
    row, token = make(site, ann)
    for stranger in (
        Principal("usr_x", "user", "x", "supervisor", main), Principal("key_o", "key", "o", "owner", other),
    ):  # fmt: skip
        with pytest.raises(NotFound):
            revoke_personal_token(site, row.id, stranger)
    assert opens(site, token)
    revoke_personal_token(site, row.id, Principal("key_m", "key", "m", "owner", main))
    assert not opens(site, token)
    with pytest.raises(Conflict):
        revoke_personal_token(site, row.id, ann)
    row, token = make(site, ann)
    revoke_personal_token(site, row.id, ann)
    assert not opens(site, token)


def test_all_of_a_person_end_at_once(site: Site, ann: Principal) -> None:
    texts = [make(site, ann)[1] for _ in range(3)]
    assert revoke_all_of(site, ann.id, OWNER) == 3
    assert not [token for token in texts if opens(site, token)]


def test_a_person_has_not_too_many(site: Site, ann: Principal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(personal, "_LARGEST_NUMBER", 2)
    (row, _), _ = make(site, ann), make(site, ann)
    with pytest.raises(Conflict):
        make(site, ann)
    revoke_personal_token(site, row.id, ann)
    make(site, ann)


def test_the_secret_is_kept_nowhere_and_another_one_opens_nothing(site: Site, ann: Principal) -> None:
    _, token = make(site, ann)
    for wrong in (token[:-1] + ("a" if token[-1] != "a" else "b"), token.replace("d2p_", "d2r_"), token + "a"):
        assert not opens(site, wrong)
    secret = token.rsplit("_", 1)[1].encode()
    site.close()
    files = [file for file in site.settings.data.rglob("*") if file.is_file()]
    assert files
    assert not [file for file in files if secret in file.read_bytes()]


def test_making_and_ending_are_in_the_control_log_without_a_name(site: Site, ann: Principal) -> None:
    row, token = make(site, ann)
    revoke_personal_token(site, row.id, ann)
    log = DatabaseLog.of_control(site)
    with site.control_session():
        entries = [json.loads(log.entry(index)) for index in range(log.size)][-2:]
    assert [entry["kind"] for entry in entries] == ["personal_token.created", "personal_token.revoked"]
    assert entries[0]["facts"]["scopes"] == "assets:write scans:read"
    said = json.dumps(entries)
    assert not {"ann", "Ann"} & set(re.findall(r"\w+", said))
    assert not [one for one in (ann.id, token.rsplit("_", 1)[1]) if one in said]


def test_use_is_noted_beside_the_request(site: Site, ann: Principal) -> None:
    _, token = make(site, ann)
    authenticate(site, token)
    assert site.aside.settle()
    assert list_personal_tokens(site, user_id=ann.id)[0].last_used_at


@pytest.mark.parametrize(("source", "rests"), [("oidc", True), ("saml", True), ("ldap", False)])
def test_tokens_of_who_comes_through_a_provider_rest_when_they_come_no_more(
    site: Site, monkeypatch: pytest.MonkeyPatch, source: Any, rests: bool
) -> None:
    give_role(site, source, "crew", "main", "operator", SYSTEM)
    vouched = Vouched(source, "s-9", "kim", "Kim", ("crew",))
    _, token = make(site, admit(site, vouched), days=90)
    now = utc_now()
    at(monkeypatch, now + VOUCHED_WITHIN + timedelta(hours=1))
    assert opens(site, token) != rests
    at(monkeypatch, now + timedelta(hours=1))
    assert opens(site, token)
    later = now + VOUCHED_WITHIN + timedelta(hours=1)
    monkeypatch.setattr(users, "utc_now", lambda: later)
    admit(site, vouched)
    at(monkeypatch, later)
    assert opens(site, token)
