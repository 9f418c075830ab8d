"""Alerts and rules over HTTP and in the console: listed, acknowledged, refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from appliance.alerts.channels import add_channel
from appliance.alerts.engine import look_for_alerts
from appliance.core.clock import utc_now
from tests.web.conftest import Cast
from tests.web.test_console import signed_in

WEEKLY = {"name": "weekly", "kind": "missing_scans", "settings": {"interval_days": 7}, "reason": "As agreed"}


@pytest.fixture(scope="module")
def raised(cast: Cast) -> list[dict[str, Any]]:
    """Alerts of three assets that nobody scanned, by a rule of the supervisor's."""
    for number in (1, 2, 3):
        cast.supervisor.made("assets", {"name": f"press-{number}"})
    cast.supervisor.made("alert-rules", WEEKLY)
    look_for_alerts(cast.scope, utc_now() + timedelta(days=8))
    found: list[dict[str, Any]] = cast.operator.get("alerts?sort=id")["items"]
    assert len(found) == 3
    return found


def test_alerts_are_listed_and_found_by_what_they_are_about(cast: Cast, raised: list[dict[str, Any]]) -> None:
    found = cast.auditor.get("alerts?asset=press-2&rule=weekly")["items"]
    assert [one["id"] for one in found] == [raised[1]["id"]]
    assert found[0] == cast.service.get(f"alerts/{raised[1]['id']}")
    assert found[0]["evidence"]["interval_days"] == 7.0
    assert cast.operator.get("alerts?rule=other")["items"] == []
    assert cast.operator("GET", "alerts/alr_nothing").json["code"] == "alert.unknown"


def test_who_may_edit_acknowledges_with_a_reason_and_once(cast: Cast, raised: list[dict[str, Any]]) -> None:
    path = f"alerts/{raised[0]['id']}/acknowledge"
    assert cast.operator("POST", path, {"reason": "seen"}).status_code == 403
    assert cast.auditor("POST", path, {"reason": "seen"}).status_code == 403
    assert cast.supervisor("POST", path, {"reason": "  "}).status_code == 422
    answer = cast.supervisor("POST", path, {"reason": "In repair"}).json
    assert (answer["state"], answer["acknowledge_reason"]) == ("acknowledged", "In repair")
    assert answer["acknowledged_by"] == cast.supervisor.key_id
    assert cast.supervisor("POST", path, {"reason": "again"}).json["code"] == "alert.state"
    assert [one["id"] for one in cast.operator.get("alerts?state=acknowledged")["items"]] == [raised[0]["id"]]


def test_a_rule_has_versions_and_the_current_one_is_found_by_its_name(cast: Cast, raised: list[dict[str, Any]]) -> None:
    first = cast.operator.get("alert-rules/weekly")
    assert first["id"] == raised[0]["rule_id"]
    new = cast.supervisor.made("alert-rules", WEEKLY | {"settings": {"interval_days": 5}, "reason": "Wear"})
    assert (new["version"], new["is_current"], new["enabled"]) == (first["version"] + 1, True, True)
    assert cast.operator.get(f"alert-rules/{first['id']}")["is_current"] is False
    assert [one["version"] for one in cast.auditor.get("alert-rules?name=weekly&sort=id")["items"]] == [1, 2]


@pytest.mark.parametrize(
    "wrong",
    [{"kind": "weather"}, {"settings": {"interval": 7}}, {"settings": {"interval_days": -1}}, {"reason": ""}, {"x": 1}],
)
def test_rules_that_are_none_are_refused(cast: Cast, wrong: dict[str, Any]) -> None:
    assert cast.supervisor("POST", "alert-rules", WEEKLY | {"name": "new"} | wrong).status_code == 422
    assert cast.operator("GET", "alert-rules/new").status_code == 404


def test_only_who_may_edit_sets_rules_and_a_rule_keeps_its_kind(cast: Cast, raised: list[dict[str, Any]]) -> None:
    assert cast.operator("POST", "alert-rules", WEEKLY).status_code == 403
    body = {"name": "weekly", "kind": "drift", "reason": "x"}
    assert cast.supervisor("POST", "alert-rules", body).json["code"] == "rule.kind"


def test_the_console_shows_alerts_and_takes_a_reason(cast: Cast, raised: list[dict[str, Any]]) -> None:
    browser, token = signed_in(cast, cast.supervisor)
    page = browser.get("/console/main/alerts").text
    assert "press-2 was not scanned yet" in page
    form = f"/console/main/alerts/{raised[1]['id']}/acknowledge"
    assert form in page
    assert browser.post(form, data={"token": token, "reason": "On its way"}).status_code == 303
    page = browser.get("/console/main/alerts").text
    assert "On its way" in page
    assert form not in page
    assert browser.post(form.replace("acknowledge", "forget"), data={"token": token}).status_code == 404


def test_an_operator_sees_alerts_and_cannot_acknowledge(cast: Cast, raised: list[dict[str, Any]]) -> None:
    browser, token = signed_in(cast, cast.operator)
    form = f"/console/main/alerts/{raised[2]['id']}/acknowledge"
    assert form not in browser.get("/console/main/alerts").text
    assert browser.post(form, data={"token": token, "reason": "x"}).status_code == 403


def test_channels_are_the_owners_and_their_secret_is_shown_once(cast: Cast) -> None:
    hook = {"name": "hall", "kind": "webhook", "target": "https://hooks.plant.example/d2r"}
    assert cast.supervisor("POST", "alert-channels", hook).status_code == 403
    refused = cast.owner("POST", "alert-channels", hook)
    assert refused.json["code"] == "channel.origin"  # no setting allows it
    assert cast.owner("POST", "alert-channels", hook | {"target": "ftp://x/"}).status_code == 422
    settings = replace(cast.site.settings, webhook_origins="https://hooks.plant.example")
    row, secret = add_channel(replace(cast.scope, settings=settings), "hall", "webhook", hook["target"])
    shown = cast.operator("GET", f"alert-channels/{row.id}")
    assert str(secret) not in shown.text
    assert shown.json["target"] == hook["target"]
    assert [one["name"] for one in cast.auditor.get("alert-channels")["items"]] == ["hall"]
    cast.supervisor.made("assets", {"name": "press-9"})
    cast.supervisor.made("alert-rules", WEEKLY | {"name": "other"})
    look_for_alerts(cast.scope, utc_now() + timedelta(days=8))
    waiting = cast.operator.get(f"alert-deliveries?state=waiting&channel={row.id}")["items"]
    assert waiting
    assert {one["event"] for one in waiting} == {"alert.raised"}
    assert cast.operator("POST", f"alert-channels/{row.id}/remove").status_code == 403
    assert cast.owner("POST", f"alert-channels/{row.id}/remove").json["removed_at"]
    assert cast.operator.get("alert-deliveries?state=waiting")["items"] == []
