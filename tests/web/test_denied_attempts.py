"""Whoever is denied something stands in the audit log, soon, whatever else they do, and waits for it hardly at all."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.audit.database_log import DatabaseLog
from appliance.errors import Unavailable
from appliance.identity import denials as noting
from appliance.identity.api_keys import create_api_key
from appliance.identity.denials import MOST_NAMED
from appliance.identity.models import DeniedAttemptRow
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.site import Site
from tests.web.conftest import BASE, ROLES, Cast
from tests.web.test_access import GUARDED, path_of
from tests.web.test_console import signed_in
from web import denials
from web.api.contract import Route

_WORKSPACE_ROUTES = [route for route in GUARDED if "slug" in route.parameters]


@pytest.fixture
def denied(cast: Cast) -> Callable[[], list[dict[str, Any]]]:
    """What was noted since the test began."""
    log = DatabaseLog.of_control(cast.site)
    with cast.site.control_transaction():
        DeniedAttemptRow.delete().execute()
        before = log.size
    cast.app.extensions["d2r-denials"]._noted.clear()

    def found() -> list[dict[str, Any]]:
        cast.app.extensions["d2r-denials"].settle()
        with cast.site.control_session():
            entries = [json.loads(log.entry(index)) for index in range(before, log.size)]
        return [entry["facts"] | {"kind": entry["kind"]} for entry in entries if entry["kind"].startswith("access.")]

    return found


def fresh(cast: Cast, slug: str, role: str, *scopes: str) -> tuple[str, dict[str, str]]:
    row, token = create_api_key(cast.site, slug, role, "fresh", SYSTEM, scopes=scopes or None)
    return row.id, {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("route", _WORKSPACE_ROUTES, ids=lambda route: route.name)
def test_every_way_to_be_denied_on_every_route_is_noted(
    cast: Cast, denied: Callable[[], list[dict[str, Any]]], route: Route
) -> None:
    callers = {"role.denied": next((role for role in ROLES if role not in (route.roles or ())), None)}
    wanted = []
    for reason, role in (*callers.items(), ("scope.denied", sorted(route.roles or ())[0])):
        if role is not None:
            who, headers = fresh(cast, "main", role, "nothing:read") if reason[0] == "s" else fresh(cast, "main", role)
            assert cast.nobody.client.open(path_of(route), method=route.method, headers=headers).status_code == 403
            wanted.append((who, reason, cast.scope.workspace_id))
    who, headers = fresh(cast, "other", "owner")
    cast.nobody.client.open(path_of(route), method=route.method, headers=headers)
    cast.nobody.client.open(path_of(route, "nowhere"), method=route.method, headers=headers)
    wanted += [(who, "workspace.unknown", cast.scope.workspace_id), (who, "workspace.unknown", None)]
    found = denied()
    assert {one["route"] for one in found} == {route.name}
    assert sorted(wanted, key=str) == sorted(
        ((one["by"]["id"], one["reason"], one.get("workspace")) for one in found), key=str
    )


def test_pages_and_their_forms_are_noted_too(cast: Cast, denied: Callable[[], list[dict[str, Any]]]) -> None:
    browser, token = signed_in(cast, cast.operator)
    browser.get("/console/-/people")
    browser.post("/console/main/quarantine/nothing/discard", data={"token": token, "reason": "x"})
    browser.post("/console/logout", data={"token": "0" * 64})
    browser.get("/console/other/")
    found = {(one["route"], one["reason"], one["by"]["role"]) for one in denied()}
    assert found >= {
        ("console.people", "role.denied", "operator"), ("console.act_on_scan", "role.denied", "operator"),
        ("console.assets", "workspace.unknown", "operator"),
    }  # fmt: skip


def test_what_is_allowed_or_is_not_there_is_not_noted(cast: Cast, denied: Callable[[], list[dict[str, Any]]]) -> None:
    assert cast.operator("GET", "assets").status_code == 200
    assert cast.operator("GET", "assets/nothing").status_code == 404
    assert denied() == []


def test_who_is_unknown_is_noted_as_one_caller_however_many_they_are(
    cast: Cast, denied: Callable[[], list[dict[str, Any]]]
) -> None:
    for number in range(30):
        token = f"d2r_{'abcdefgh'}_{number:052}"
        headers = {"Authorization": f"Bearer {token}"}
        assert cast.nobody.client.get(f"{BASE}/assets", headers=headers).status_code == 401
    assert cast.nobody.client.get(f"{BASE}/assets").status_code == 401
    found = denied()
    assert {(one["route"], one["reason"], one["by"]["kind"]) for one in found} == {
        ("assets.list_assets", "key.refused", "stranger"), ("assets.list_assets", "auth.missing", "stranger"),
    }  # fmt: skip
    assert len(found) == 2
    assert "abcdefgh" not in json.dumps(found)


def test_a_flood_is_two_entries_and_its_number_is_kept(cast: Cast, denied: Callable[[], list[dict[str, Any]]]) -> None:
    _, headers = fresh(cast, "main", "operator")
    for _ in range(300):
        cast.nobody.client.get(f"{BASE}/keys", headers=headers)
    assert len(denied()) == 1
    with cast.site.control_session():
        assert DeniedAttemptRow.select().get().repeats == 299


def test_a_flood_of_names_is_few_transactions(
    cast: Cast, denied: Callable[[], list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []
    note = denials.note_denied
    monkeypatch.setattr(denials, "note_denied", lambda site, some: (written.append(1), note(site, some)))
    _, headers = fresh(cast, "main", "operator")
    for number in range(200):
        cast.nobody.client.get(f"/api/v1/workspaces/w{number}/assets", headers=headers)
    assert [one["route"] for one in denied()] == ["assets.list_assets", "several"]  # names of none are one thing
    assert len(written) <= MOST_NAMED + 5


def test_an_answer_does_not_wait_for_a_slow_database(cast: Cast, denied: Callable[[], list[dict[str, Any]]]) -> None:
    _, headers = fresh(cast, "main", "operator")
    cast.nobody.client.get(f"{BASE}/assets", headers=headers)
    cast.site.aside.settle()
    with cast.site.control_transaction():
        began, answers = time.monotonic(), []
        asking = threading.Thread(
            target=lambda: answers.append(cast.app.test_client().get(f"{BASE}/keys", headers=headers).status_code)
        )
        asking.start()
        asking.join(5)
        assert answers == [403]
        assert time.monotonic() - began < 1
    assert [one["reason"] for one in denied()] == ["role.denied"]


def test_what_could_not_be_written_is_tried_again(
    cast: Cast, denied: Callable[[], list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, headers = fresh(cast, "main", "operator")

    def full(*_: object) -> None:
        raise Unavailable("database.unwritable", "full")

    with monkeypatch.context() as patched:
        patched.setattr(denials, "note_denied", full)
        assert cast.nobody.client.get(f"{BASE}/keys", headers=headers).status_code == 403
        assert denied() == []
    cast.nobody.client.get(f"{BASE}/keys", headers=headers)
    assert len(denied()) == 1


_CHILD = """
import sys, time
from pathlib import Path
from appliance.config.settings import load_settings
from web.app import create_app
from appliance.tenancy.site import Site
site = Site.open(load_settings(Path(sys.argv[1]), {}))
client = create_app(site=site).test_client()
headers = {"Authorization": "Bearer " + sys.argv[2]}
codes = [client.get("/api/v1/workspaces/main/keys", headers=headers).status_code]
site.aside.settle()  # the answer waited for its entry, unless the database was slow
codes += [client.get("/api/v1/workspaces/main/keys", headers=headers).status_code for _ in range(49)]
time.sleep(float(sys.argv[3]))
print(codes.count(403), flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize(("pause", "least"), [(0.0, 0), (1.5, 49)])
def test_a_killed_process_leaves_what_it_noted(
    site: Site, monkeypatch: pytest.MonkeyPatch, pause: float, least: int
) -> None:
    token = create_api_key(site, "main", "operator", "x", SYSTEM)[1]
    command = [sys.executable, "-c", _CHILD, str(site.settings.data), token, str(pause)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as child:
        assert child.stdout
        assert child.stdout.readline() == b"50\n"
        child.send_signal(signal.SIGKILL)
    after = noting.utc_now() + noting.WINDOW
    monkeypatch.setattr(noting, "utc_now", lambda: after)
    noting.close_windows(site)
    log = DatabaseLog.of_control(site)
    with site.control_session():
        entries = [json.loads(log.entry(index)) for index in range(log.size)]
    assert [entry["kind"] for entry in entries].count("access.denied") == 1
    repeats = sum(entry["facts"].get("repeats", 0) for entry in entries if entry["kind"] == "access.denied_again")
    assert least <= repeats <= 49
