"""Live events over a real server: nothing is missed, nothing comes twice, whatever breaks in between."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
import websocket

from appliance.config.settings import load_settings
from appliance.identity.api_keys import create_api_key, principal_of_key, revoke_api_key
from appliance.identity.tickets import create_ticket
from appliance.queue.outbox import emit
from appliance.tenancy.records import SYSTEM, Principal
from appliance.tenancy.scope import WorkspaceScope
from appliance.tenancy.site import Site

ROOT = Path(__file__).resolve().parents[2]
READY_WITHIN_S = 30


@dataclass
class Live:
    """A running server of live events; nobody serves Redis."""

    site: Site
    port: int
    key: str
    key_id: str
    process: subprocess.Popen[bytes]

    @property
    def scope(self) -> WorkspaceScope:
        return self.site.system_scope(self.site.workspaces()[0].id)

    def connect(self, query: str = "", key: str | None = None, slug: str = "main") -> websocket.WebSocket:
        header = [f"Authorization: Bearer {self.key if key is None else key}"] if key != "" else []
        url = f"ws://127.0.0.1:{self.port}/api/v1/workspaces/{slug}/live{query}"
        return websocket.create_connection(url, header=header, timeout=10)

    def emit(self, *numbers: int) -> None:
        for number in numbers:
            with self.scope.transaction():
                emit("test.happened", {"number": number})


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    data = tmp_path_factory.mktemp("live") / "appliance"
    with Site.open(load_settings(data, {}), create=True) as site:
        for slug in ("main", "other"):
            site.create_workspace(slug, slug, SYSTEM)
        row, key = create_api_key(site, "main", "supervisor", "viewer", SYSTEM)
        with _serving(data) as (port, process):
            yield Live(site, port, key, row.id, process)


@contextmanager
def _serving(data: Path) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    command = [sys.executable, "-m", "gunicorn", "web.realtime.app:create_app()", "--bind", "127.0.0.1:0"]
    command += ["--worker-class", "gthread", "--threads", "24", "--graceful-timeout", "5"]
    log = data / "gunicorn.log"
    with log.open("wb") as sink:
        environ = {**os.environ, "D2R_DATA": str(data), "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(command, cwd=ROOT, env=environ, stderr=sink, start_new_session=True)
    try:
        yield _port(log, process), process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(15)


def _port(log: Path, process: subprocess.Popen[bytes]) -> int:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline and process.poll() is None:
        _, found, rest = log.read_text().partition("Listening at: http://127.0.0.1:")
        if found and "Booting worker" in rest:
            return int(rest.split(" ")[0])
        time.sleep(0.02)
    raise RuntimeError(log.read_text())


def heard(connection: websocket.WebSocket, count: int) -> list[dict[str, Any]]:
    """The next ``count`` events."""
    found: list[dict[str, Any]] = []
    while len(found) < count:
        message = json.loads(connection.recv())
        if message["type"] == "event":
            found.append(message)
    return found


def numbers(messages: list[dict[str, Any]]) -> list[int]:
    return [message["body"]["number"] for message in messages]


def refused(live: Live, **how: Any) -> int:
    with pytest.raises(websocket.WebSocketBadStatusException) as error:
        live.connect(**how)
    return int(error.value.status_code)


def test_a_viewer_that_comes_back_gets_what_it_missed_once_and_in_order(live: Live) -> None:
    first = live.connect()
    hello = json.loads(first.recv())
    assert hello["type"] == "hello"
    live.emit(1, 2, 3)
    seen = heard(first, 3)
    assert numbers(seen) == [1, 2, 3]
    first.shutdown()
    live.emit(4, 5)
    second = live.connect(f"?since={seen[1]['seq']}")
    live.emit(6)
    again = heard(second, 4)
    assert numbers(again) == [3, 4, 5, 6]
    assert [one["seq"] for one in again] == list(range(seen[2]["seq"], seen[2]["seq"] + 4))
    second.close()


def test_many_missed_events_come_in_pages_without_a_gap(live: Live) -> None:
    with live.scope:
        start = live.scope.database.fetch("SELECT COALESCE(MAX(seq), 0) FROM outbox")[0][0]
    with live.scope.transaction():
        for number in range(1_200):
            emit("test.happened", {"number": number})
    connection = live.connect(f"?since={start}")
    assert numbers(heard(connection, 1_200)) == list(range(1_200))
    connection.close()


def test_events_are_followed_while_redis_is_away(live: Live) -> None:
    connection = live.connect()
    connection.recv()
    began = time.monotonic()
    live.emit(7)
    assert numbers(heard(connection, 1)) == [7]
    assert time.monotonic() - began < 5
    connection.close()


def test_a_number_from_another_history_is_told(live: Live) -> None:
    connection = live.connect("?since=999999999")
    hello = json.loads(connection.recv())
    assert hello["reset"] is True
    assert hello["seq"] == hello["last"]
    connection.close()


def test_a_ticket_opens_one_connection(live: Live) -> None:
    scope = live.site.scope(_viewer(live), "main")
    ticket = create_ticket(scope)
    connection = live.connect(f"?ticket={ticket}", key="")
    assert json.loads(connection.recv())["type"] == "hello"
    connection.close()
    assert refused(live, query=f"?ticket={ticket}", key="") == 401


def test_strangers_and_nonsense_are_refused_before_a_connection_is_made(live: Live) -> None:
    _, stranger = create_api_key(live.site, "other", "owner", "stranger", SYSTEM)
    _, device = create_api_key(live.site, "main", "device", "device", SYSTEM)
    assert refused(live, key="") == 401
    assert refused(live, key="d2r_nonsense") == 401
    assert refused(live, key=stranger) == 404
    assert refused(live, key=device) == 403
    assert refused(live, slug="nowhere") == 404
    assert refused(live, query="?since=yesterday") == 422
    ticket = create_ticket(live.site.scope(_viewer(live), "main"))
    assert refused(live, query=f"?ticket={ticket}", key="", slug="other") == 401


def test_a_ticket_of_a_revoked_key_opens_nothing(live: Live) -> None:
    row, _ = create_api_key(live.site, "main", "operator", "gone", SYSTEM)
    ticket = create_ticket(live.site.scope(_principal(live, row.id), "main"))
    revoke_api_key(live.site, row.id, SYSTEM)
    assert refused(live, query=f"?ticket={ticket}", key="") == 401


def test_what_is_no_websocket_is_told_so(live: Live) -> None:
    url = f"http://127.0.0.1:{live.port}/api/v1/workspaces/main/live"
    answer = requests.get(url, headers={"Authorization": f"Bearer {live.key}"}, timeout=10)
    assert (answer.status_code, answer.json()["code"]) == (426, "live.upgrade")


def test_viewers_are_sent_away_when_the_server_stops(tmp_path: Path) -> None:
    data = tmp_path / "appliance"
    with Site.open(load_settings(data, {}), create=True) as site:
        site.create_workspace("main", "Main", SYSTEM)
        _, key = create_api_key(site, "main", "operator", "viewer", SYSTEM)
        with _serving(data) as (port, process):
            connection = Live(site, port, key, "", process).connect()
            connection.recv()
            began = time.monotonic()
            os.killpg(process.pid, signal.SIGTERM)
            assert connection.recv() in ("", b"")
            process.wait(10)
            assert time.monotonic() - began < 5


def _viewer(live: Live) -> Principal:
    return _principal(live, live.key_id)


def _principal(live: Live, key_id: str) -> Principal:
    principal = principal_of_key(live.site, key_id)
    assert principal is not None
    return principal
