"""What is refused is noted: who, from where, what, why; and nothing that would open a door."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from appliance.core.logs import JsonLines
from appliance.identity.api_keys import create_api_key, revoke_api_key
from appliance.tenancy.records import SYSTEM
from tests.web.conftest import BASE, Cast


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """What the process writes, one object a line."""
    written = [JsonLines("web").format(record) for record in caplog.records]
    assert not any("\n" in line for line in written)
    return [json.loads(line) for line in written]


def test_a_role_that_may_not_is_noted_with_its_key(cast: Cast, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        cast.auditor("POST", "parts", {"name": "x"})
    line = lines(caplog)[-1]
    assert line["message"] == f"POST {BASE}/parts 403"
    assert (line["principal"], line["role"], line["problem"]) == (cast.auditor.key_id, "auditor", "role.denied")
    assert line["peer"] == "127.0.0.1"
    assert line["request"].startswith("req_")


def test_a_stranger_is_noted_though_the_answer_says_nothing(cast: Cast, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        cast.stranger("GET", "parts")
    line = lines(caplog)[-1]
    assert (line["principal"], line["problem"]) == (cast.stranger.key_id, "workspace.unknown")


@pytest.mark.parametrize("door", ["api", "console"])
@pytest.mark.parametrize("why", ["is unknown", "has another secret", "is revoked"])
def test_a_refused_key_is_noted_by_its_prefix_and_never_by_its_secret(
    cast: Cast, caplog: pytest.LogCaptureFixture, door: str, why: str
) -> None:
    row, token = create_api_key(cast.site, "main", "operator", "to be refused", SYSTEM)
    secret = "a" * 52 if why == "has another secret" else token.rpartition("_")[2]
    prefix = "aaaaaaaa" if why == "is unknown" else row.prefix
    if why == "is revoked":
        revoke_api_key(cast.site, row.id, SYSTEM)
    shown = f"d2r_{prefix}_{secret}"
    with caplog.at_level(logging.INFO):
        if door == "api":
            cast.nobody.client.get(f"{BASE}/parts", headers={"Authorization": f"Bearer {shown}"})
        else:
            cast.app.test_client().post("/console/login", data={"key": shown})
    written = lines(caplog)
    assert f"an API key is refused: {prefix} {why}" in [line["message"] for line in written]
    assert written[-1]["problem"] == "key.refused"
    assert secret not in json.dumps(written)


def test_who_signed_in_is_noted(cast: Cast, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        cast.app.test_client().post("/console/login", data={"key": cast.operator.token})
    line = lines(caplog)[-1]
    assert (line["message"], line["principal"]) == ("POST /console/login 303", cast.operator.key_id)


def test_a_form_of_another_session_is_noted(cast: Cast, caplog: pytest.LogCaptureFixture) -> None:
    browser = cast.app.test_client()
    browser.post("/console/login", data={"key": cast.supervisor.token})
    with caplog.at_level(logging.INFO):
        browser.post("/console/main/quarantine/nothing/discard", data={"token": "x", "reason": "x"})
    line = lines(caplog)[-1]
    assert (line["principal"], line["problem"]) == (cast.supervisor.key_id, "form.token")


@pytest.mark.parametrize("forged", ["%0a{%22level%22:%22INFO%22}", "%0d%0a", "%e2%80%a8", "%1b[31m", "%00"])
def test_no_request_writes_a_line_of_its_own(cast: Cast, caplog: pytest.LogCaptureFixture, forged: str) -> None:
    with caplog.at_level(logging.INFO):
        cast.nobody.client.get(f"/nothing/{forged}", headers={"X-Request-Id": "a b", "User-Agent": forged})
    (line,) = lines(caplog)
    assert line["message"].startswith("GET /nothing/")
    assert line["request"].startswith("req_")
    assert "\x1b" not in JsonLines("web").format(caplog.records[-1])


def test_secrets_in_an_address_are_not_noted(cast: Cast, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        cast.nobody.client.get(f"{BASE}/parts?token={cast.owner.token}&ticket=sesame")
        cast.nobody.client.get(f"/nothing/{cast.owner.token}")
    written = json.dumps(lines(caplog))
    assert str(cast.owner.token).rpartition("_")[2] not in written
    assert "sesame" not in written
