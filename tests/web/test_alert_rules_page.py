"""The page of alert rules and channels: what may be done over the API may be done there, by the same people."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from appliance.alerts.channels import add_channel
from tests.web.conftest import Cast
from tests.web.test_console import signed_in
from web.console import alert_rules

PAGE = "/console/main/alert-rules"
CHANNELS = "/console/main/alert-channels"
HOOK = "https://hooks.plant.example/d2r"
WEEKLY = {"name": "weekly", "kind": "missing_scans", "interval_days": "7", "grace_days": "0.5", "enabled": "1"}


@pytest.fixture
def browser(cast: Cast) -> tuple[FlaskClient, str]:
    return signed_in(cast, cast.supervisor)


def test_a_rule_is_made_and_changed_with_a_reason(cast: Cast, browser: tuple[FlaskClient, str]) -> None:
    client, token = browser
    made = client.post(PAGE, data={**WEEKLY, "token": token, "reason": "As agreed"})
    assert (made.status_code, made.headers["Location"]) == (303, PAGE)
    assert client.post(PAGE, data={**WEEKLY, "token": token, "interval_days": "5", "reason": "Wear"}).status_code == 303
    row = cast.operator.get("alert-rules/weekly")
    assert (row["version"], row["settings"]) == (2, {"interval_days": 5.0, "grace_days": 0.5})
    page = client.get(PAGE).text
    assert "version 2" in page
    assert re.search(r'name="interval_days" type="number" required min="0" max="\d+" step="any" value="5"', page)


def test_a_rule_is_switched_off_by_taking_the_mark_away(cast: Cast, browser: tuple[FlaskClient, str]) -> None:
    client, token = browser
    rule = {"name": "overdue", "kind": "suspect_instrument", "grace_days": "0", "token": token, "reason": "x"}
    client.post(PAGE, data={**rule, "enabled": "1"})
    client.post(PAGE, data=rule)
    assert cast.operator.get("alert-rules/overdue")["enabled"] is False
    assert "switched off" in client.get(PAGE).text


@pytest.mark.parametrize(
    "wrong", [{"interval_days": "often"}, {"interval_days": "-1"}, {"reason": " "}, {"name": ""}, {"kind": "none"}]
)
def test_what_cannot_be_a_rule_is_refused_with_why(browser: tuple[FlaskClient, str], wrong: dict[str, str]) -> None:
    client, token = browser
    answer = client.post(PAGE, data={**WEEKLY, "token": token, "reason": "x", **wrong})
    assert answer.status_code == 422
    assert "That did not work" in answer.text


def test_every_kind_has_a_form_that_its_defaults_fill(cast: Cast, browser: tuple[FlaskClient, str]) -> None:
    client, token = browser
    page = client.get(PAGE).text
    for kind in ("missing_scans", "run_rules", "drift", "suspect_instrument"):
        [form] = [one for one in re.findall(r"<form.*?</form>", page, re.DOTALL) if f'id="name-{kind}"' in one]
        data = dict(re.findall(r'name="(\w+)"[^>]*?value="([^"]*)"', form)) | {"token": token, "rules": "few"}
        made = client.post(PAGE, data={**data, "name": f"of {kind}", "reason": "by default"})
        assert made.status_code == 303, made.text
        assert cast.operator.get(f"alert-rules/of {kind}")["kind"] == kind


def test_who_reads_sees_rules_and_nothing_to_press(cast: Cast) -> None:
    client, token = signed_in(cast, cast.operator)
    page = client.get(PAGE).text
    assert "<form" not in page.replace("/console/logout", "").split("<main")[1]
    assert client.post(PAGE, data={**WEEKLY, "token": token, "reason": "x"}).status_code == 403


def test_channels_are_the_owners_business(cast: Cast, browser: tuple[FlaskClient, str]) -> None:
    client, token = browser
    hook = {"token": token, "name": "hall", "kind": "webhook", "target": HOOK}
    assert client.post(CHANNELS, data=hook).status_code == 403
    assert "Add a channel" not in client.get(PAGE).text
    client, token = signed_in(cast, cast.owner)
    refused = client.post(CHANNELS, data={**hook, "token": token})
    assert (refused.status_code, "webhook_origins" in refused.text) == (409, True)


def test_the_secret_of_a_webhook_is_shown_once_and_ends_with_it(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    allowed = replace(cast.site.settings, webhook_origins="https://hooks.plant.example")
    monkeypatch.setattr(
        alert_rules, "add_channel", lambda scope, *what: add_channel(replace(scope, settings=allowed), *what)
    )
    client, token = signed_in(cast, cast.owner)
    page = client.post(CHANNELS, data={"token": token, "name": "hall", "kind": "webhook", "target": HOOK}).text
    assert re.search(r'<code id="made" class="hash">whsec_[\w+/=]{44}</code>', page)
    page = client.get(PAGE).text
    assert HOOK in page
    assert "whsec_" not in page
    [channel] = cast.operator.get("alert-channels")["items"]
    assert client.post(f"{CHANNELS}/{channel['id']}/remove", data={"token": token}).status_code == 303
    assert HOOK not in client.get(PAGE).text
