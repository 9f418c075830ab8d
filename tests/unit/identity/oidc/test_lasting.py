"""People of a provider who are looked at again while they are signed in: out when it vouches for them no more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from appliance.identity.groups import give_role
from appliance.identity.oidc import lasting
from appliance.identity.oidc.settings import OidcSettings
from appliance.identity.oidc.sign_on import begin, configure, finish
from appliance.identity.refresh import refresh_people
from appliance.identity.sessions import Visit, begin_session, find_session
from appliance.identity.users import find_user
from appliance.tenancy.records import SYSTEM, Principal
from appliance.tenancy.site import Site
from tests.unit.identity.oidc.test_sign_on import Forger


@pytest.fixture(scope="module")
def provider() -> Iterator[Forger]:
    made = Forger()
    yield made
    made.server.shutdown()


@pytest.fixture(autouse=True)
def of_good_will(provider: Forger) -> None:
    provider.status, provider.asked = 200, []
    provider.info = {"sub": "u-ann", "name": "Ann", "groups": ["leads"]}


def signed_in(site: Site, provider: Forger, refresh_token: str | None = "first") -> tuple[Principal, str]:
    """Somebody who came through the provider, and what the browser holds."""
    configure(site, OidcSettings(provider.issuer, "d2r", "Plant"), "secret", SYSTEM)
    give_role(site, "oidc", "leads", "main", "supervisor", SYSTEM)
    give_role(site, "oidc", "crew", "main", "operator", SYSTEM)
    address, held = begin(site)
    nonce = address.partition("nonce=")[2].partition("&")[0]
    provider.token = {"access_token": "a", "token_type": "Bearer", "id_token": provider.signed(nonce=nonce)}
    if refresh_token is not None:
        provider.token["refresh_token"] = refresh_token
    person, _ = finish(site, held, {"state": held, "code": "c"})
    provider.token = {"access_token": "b", "token_type": "Bearer", "refresh_token": "second"}
    provider.asked = []
    return person, begin_session(site, person, "oidc", Visit())


def role(site: Site, session: str) -> Any:
    found = find_session(site, session)
    return found and site.scope(found.principal, "main").principal.role


def test_who_is_still_there_stays_and_the_next_token_is_kept(site: Site, provider: Forger) -> None:
    person, session = signed_in(site, provider)
    assert refresh_people(site) == 0
    assert provider.asked[0] | {"grant_type": "refresh_token", "refresh_token": "first"} == provider.asked[0]
    assert role(site, session) == "supervisor"
    assert lasting.kept(site, person.id) == "second"
    del provider.token["refresh_token"]  # a provider that does not rotate them
    refresh_people(site)
    assert lasting.kept(site, person.id) == "second"


def test_name_and_role_follow_what_the_provider_says(site: Site, provider: Forger) -> None:
    person, session = signed_in(site, provider)
    provider.info |= {"name": "Ann Lee", "groups": ["crew"]}
    assert refresh_people(site) == 0
    assert role(site, session) == "operator"
    assert find_user(site, person.id).name == "Ann Lee"
    provider.info |= {"groups": []}
    assert refresh_people(site) == 1
    assert find_session(site, session) is None


def test_a_provider_that_says_nothing_of_groups_takes_no_role(site: Site, provider: Forger) -> None:
    _, session = signed_in(site, provider)
    provider.info = {"sub": "u-ann"}
    assert refresh_people(site) == 0
    assert role(site, session) == "supervisor"


def test_who_is_vouched_for_no_more_is_out_until_the_next_login(site: Site, provider: Forger) -> None:
    person, session = signed_in(site, provider)
    provider.status, provider.token = 400, {"error": "invalid_grant"}
    assert refresh_people(site) == 1
    assert find_session(site, session) is None
    assert lasting.kept(site, person.id) is None
    provider.status = 200
    again, session = signed_in_again(site, provider)
    assert again.id == person.id
    assert role(site, session) == "supervisor"


def signed_in_again(site: Site, provider: Forger) -> tuple[Principal, str]:
    address, held = begin(site)
    nonce = address.partition("nonce=")[2].partition("&")[0]
    provider.token = {"access_token": "a", "token_type": "Bearer", "id_token": provider.signed(nonce=nonce)}
    person, _ = finish(site, held, {"state": held, "code": "c"})
    return person, begin_session(site, person, "oidc", Visit())


@pytest.mark.parametrize(
    ("status", "answer"), [(400, {"error": "invalid_client"}), (500, {}), (503, {"error": "busy"}), (200, {})], ids=str
)
def test_a_provider_that_does_not_serve_takes_nothing_away(
    site: Site, provider: Forger, status: int, answer: dict[str, str]
) -> None:
    person, session = signed_in(site, provider)
    provider.status, provider.token = status, answer
    assert refresh_people(site) == 0
    assert role(site, session) == "supervisor"
    assert lasting.kept(site, person.id) == "first"


@pytest.mark.parametrize("forged", ["info", "token", "key"])
def test_what_is_said_of_somebody_else_is_not_believed(site: Site, provider: Forger, forged: str) -> None:
    _, session = signed_in(site, provider)
    if forged == "info":
        provider.info = {"sub": "u-ben", "groups": ["leads"]}
    elif forged == "token":
        provider.token["id_token"] = provider.signed(sub="u-ben", nonce=None)
    else:
        provider.token["id_token"] = provider.signed(provider.other, nonce=None)
    assert refresh_people(site) == 1
    assert find_session(site, session) is None


def test_without_a_refresh_token_nobody_is_asked_about(site: Site, provider: Forger) -> None:
    _, session = signed_in(site, provider, None)
    assert refresh_people(site) == 0
    assert provider.asked == []
    assert role(site, session) == "supervisor"


@pytest.mark.sqlite
def test_the_refresh_token_is_kept_wrapped(site: Site, provider: Forger) -> None:
    signed_in(site, provider, "a-refresh-token-in-the-clear")
    site.close()
    files = [file for file in site.settings.data.rglob("*") if file.is_file()]
    assert files
    assert not [file for file in files if b"a-refresh-token-in-the-clear" in file.read_bytes()]
