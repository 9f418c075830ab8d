"""Denied attempts in the control log: the first at once, the others by number, none that fills it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from appliance.audit.database_log import DatabaseLog
from appliance.core.clock import utc_now
from appliance.identity import denials
from appliance.identity.denials import MOST_NAMED, WINDOW, Attempt, close_windows, note_denied
from appliance.identity.groups import give_role
from appliance.identity.models import DeniedAttemptRow
from appliance.identity.records import Vouched
from appliance.identity.users import admit
from appliance.tenancy.records import SYSTEM, Principal
from appliance.tenancy.site import Site

CELL = Principal("key_cell", "key", "cell", "operator", "wsp_x")


def attempt(route: str = "keys.list_keys", who: Principal = CELL, **more: str) -> Attempt:
    return Attempt(who, route, more.pop("reason", "role.denied"), **more)


def entries(site: Site) -> list[dict[str, Any]]:
    log = DatabaseLog.of_control(site)
    with site.control_session():
        found = [json.loads(log.entry(index)) for index in range(log.size)]
    return [entry for entry in found if entry["kind"].startswith("access.")]


def later(monkeypatch: pytest.MonkeyPatch, span: timedelta) -> None:
    moment = utc_now() + span
    monkeypatch.setattr(denials, "utc_now", lambda: moment)


def test_the_first_attempt_is_an_entry_and_the_others_are_one_more(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    note_denied(site, {attempt(slug="main"): 1})
    (entry,) = entries(site)
    workspace_id = site.workspaces()[0].id
    assert entry["kind"] == "access.denied"
    assert entry["facts"] == {
        "by": {"id": "key_cell", "kind": "key", "role": "operator"}, "reason": "role.denied",
        "route": "keys.list_keys", "workspace": workspace_id,
    }  # fmt: skip
    for _ in range(3):
        note_denied(site, {attempt(slug="main"): 100})
    assert close_windows(site) == 0
    assert len(entries(site)) == 1
    later(monkeypatch, WINDOW)
    assert close_windows(site) == 1
    again = entries(site)[1]
    assert again["kind"] == "access.denied_again"
    assert again["facts"]["repeats"] == 300
    assert again["facts"]["route"] == "keys.list_keys"
    assert (close_windows(site), len(entries(site))) == (0, 2)


def test_an_attempt_that_was_not_repeated_is_one_entry(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    note_denied(site, {attempt(): 1})
    later(monkeypatch, WINDOW)
    assert close_windows(site) == 1
    assert len(entries(site)) == 1


def test_a_window_that_nobody_closed_ends_all_the_same(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    note_denied(site, {attempt(): 5})
    later(monkeypatch, WINDOW)
    note_denied(site, {attempt(): 1})
    assert [entry["kind"] for entry in entries(site)] == ["access.denied", "access.denied_again", "access.denied"]


@pytest.mark.parametrize("other", [{"route": "parts.add"}, {"reason": "scope.denied"}, {"slug": "main"}])
def test_something_else_is_an_entry_of_its_own(site: Site, other: dict[str, str]) -> None:
    note_denied(site, {attempt(): 1, attempt(**other): 1})
    note_denied(site, {attempt(who=Principal("key_b", "key", "b", "operator")): 1})
    assert len(entries(site)) == 3


def test_another_process_counts_in_the_same_window(site: Site) -> None:
    note_denied(site, {attempt(): 1})
    with Site.open(site.settings) as other:
        note_denied(other, {attempt(): 1})
    assert len(entries(site)) == 1
    with site.control_session():
        assert DeniedAttemptRow.select().get().repeats == 1


def test_whoever_tries_everything_fills_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(500):
        note_denied(site, {attempt(f"area.route_{number}"): 1})
    assert len(entries(site)) == MOST_NAMED + 1
    assert entries(site)[-1]["facts"]["route"] == "several"
    later(monkeypatch, WINDOW)
    close_windows(site)
    assert len(entries(site)) == MOST_NAMED + 2
    assert entries(site)[-1]["facts"]["repeats"] == 500 - MOST_NAMED - 1


def test_a_name_of_no_workspace_stands_nowhere(site: Site) -> None:
    note_denied(site, {attempt(slug="d2r-sesame-secret"): 1, attempt(slug="another"): 1})
    (entry,) = entries(site)
    assert "workspace" not in entry["facts"]
    assert "sesame" not in json.dumps(entry)


def test_of_a_person_no_id_stands_in_the_log(site: Site) -> None:
    give_role(site, "ldap", "cn=crew", "main", "operator", SYSTEM)
    ann = admit(site, Vouched("ldap", "s-1", "ann", "Ann", ("cn=crew",)))
    note_denied(site, {attempt(who=ann): 1})
    (entry,) = entries(site)
    assert ann.id not in json.dumps(entry)
    assert entry["personal"]


def test_many_windows_close_in_pieces(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(denials, "_AT_ONCE", 2)
    note_denied(site, {attempt(f"area.route_{number}"): 2 for number in range(5)})
    later(monkeypatch, WINDOW)
    assert close_windows(site) == 5
    assert len(entries(site)) == 10
