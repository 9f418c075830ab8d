"""Tokens, tickets, cookies and headers that were changed open nothing, whatever was changed in them."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator

import pytest
from flask.testing import FlaskClient

from appliance.config.settings import load_settings
from appliance.errors import Denied
from appliance.identity.api_keys import authenticate, create_api_key
from appliance.identity.tickets import create_ticket, redeem_ticket
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.site import Site
from web.app import create_app

CASES = int(os.environ.get("D2R_FUZZ_CASES", "400"))
#: What is put into a token: what looks alike, what ends a line, a text or a list, what numbers and letters become.
ODD = [*"\n\r\t \0.,;:/\\_-=+'\"%&#", "é", "А", "ａ", "ſ", "İ", "\u200b", "%00", "..", "d2r_", "\ud7ff"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    settings = load_settings(tmp_path_factory.mktemp("fuzz") / "appliance", {"D2R_FAILURES_PER_MINUTE": "100000000"})
    with Site.open(settings, create=True) as site:
        site.create_workspace("main", "Main", SYSTEM)
        yield site


def changes(rest: random.Random) -> list[Callable[[str], str]]:
    """Ways to change a text once."""

    def at(text: str) -> int:
        return rest.randrange(len(text))

    def put(text: str) -> str:
        place = rest.randrange(len(text) + 1)
        return text[:place] + rest.choice(ODD) + text[place:]

    def other(text: str) -> str:
        place = at(text)
        return text[:place] + rest.choice([chr(ord(text[place]) ^ 1 << rest.randrange(7)), *ODD]) + text[place + 1 :]

    def cut(text: str) -> str:
        place = at(text)
        return text[:place] + text[place + rest.choice((1, 2, 8, 100)) :]

    def swapped(text: str) -> str:
        first, second = sorted((at(text), at(text)))
        return text[:first] + text[first:second][::-1] + text[second:]

    return [put, other, cut, swapped, str.upper, lambda text: text + text, lambda text: text[::-1]]


def changed(text: str, cases: int, seed: int) -> Iterator[str]:
    rest = random.Random(seed)
    for _ in range(cases):
        result = text
        for _ in range(rest.choice((1, 1, 1, 2, 5))):
            result = rest.choice(changes(rest))(result) or "a"
        if result != text:
            yield result


def test_a_changed_token_is_nobodys(site: Site) -> None:
    token = create_api_key(site, "main", "owner", "owner", SYSTEM)[1]
    assert authenticate(site, token).role == "owner"
    for other in changed(token, CASES, 1):
        with pytest.raises(Denied):
            authenticate(site, other)


def test_a_changed_ticket_opens_nothing_and_spends_nothing(site: Site) -> None:
    row, token = create_api_key(site, "main", "owner", "owner", SYSTEM)
    scope = site.scope(authenticate(site, token), "main")
    ticket = create_ticket(scope)
    for other in changed(ticket, min(CASES, 2000), 2):  # a ticket lives for half a minute
        with pytest.raises(Denied):
            redeem_ticket(site, scope.workspace_id, other)
    assert redeem_ticket(site, scope.workspace_id, ticket).id == row.id


def signed_in(client: FlaskClient, token: str) -> str:
    client.post("/console/login", data={"key": token})
    cookie = client.get_cookie("d2r-session", path="/console/")
    assert cookie
    return cookie.value


def test_a_changed_cookie_is_nobodys(site: Site) -> None:
    """A signature may be spelled in several ways (base64); what it signs may not."""
    client = create_app(site=site).test_client()
    value = signed_in(client, create_api_key(site, "main", "owner", "owner", SYSTEM)[1])
    assert client.get("/console/main/").status_code == 200
    signed = value.rpartition(".")[0]
    for other in changed(value, CASES, 3):
        if not all(32 < ord(sign) < 127 and sign not in ';," \\' for sign in other):
            continue  # no browser and no server carries these in a cookie
        client.set_cookie("d2r-session", other, path="/console/")
        status = client.get("/console/main/").status_code
        assert status == 303 or other.rpartition(".")[0] == signed, other


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "Basic", "Token", "", "Bearer Bearer", "Bearer,"])
def test_a_changed_header_is_nobodys_and_no_fault(site: Site, scheme: str) -> None:
    token = create_api_key(site, "main", "owner", "owner", SYSTEM)[1]
    client = create_app(site=site).test_client()
    for other in changed(token, CASES // 8, 4):
        try:
            header = f"{scheme} {other}".encode().decode("latin-1")
            response = client.get("/api/v1/workspaces/main/parts", headers={"Authorization": header})
        except ValueError:  # line breaks are carried by no client
            continue
        expected = 200 if other.strip() == token and scheme.lower() == "bearer" else 401
        assert response.status_code == expected, repr(other)
