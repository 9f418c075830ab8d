"""Rates: who asks too often is told how long to wait, others are not, and a Redis that is away refuses nobody."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from appliance.config.settings import Settings, load_settings
from appliance.identity.api_keys import create_api_key
from appliance.queue.connection import connect
from appliance.tenancy.records import SYSTEM, Principal
from appliance.tenancy.site import Site
from tests.redis_server import running_redis
from web.app import create_app
from web.rates import Rates

LIMIT, FAILURES = 200, 5
WRONG = "d2r_abcdefgh_" + "a" * 52


@pytest.fixture(scope="module")
def short_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="d2r-") as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def site(short_folder: Path) -> Iterator[Site]:
    given = {"D2R_REQUESTS_PER_MINUTE": str(LIMIT), "D2R_FAILURES_PER_MINUTE": str(FAILURES)}
    settings = load_settings(short_folder / "appliance", {"D2R_FREE_SPACE_FLOOR_BYTES": "0", **given})
    with Site.open(settings, create=True) as opened:
        for slug in ("main", "other"):
            opened.create_workspace(slug, slug, SYSTEM)
        yield opened


@pytest.fixture
def redis(site: Site) -> Iterator[Settings]:
    with running_redis(site.settings) as settings:
        yield settings


@pytest.fixture
def client(site: Site) -> FlaskClient:
    """Of a process that has drawn nothing yet."""
    return create_app(site=site).test_client()


def token_of(site: Site, slug: str = "main") -> str:
    return create_api_key(site, slug, "auditor", "a caller", SYSTEM)[1]


def ask(client: FlaskClient, token: str, path: str = "/api/v1/whoami", **how: Any) -> Any:
    return client.get(path, headers={"Authorization": f"Bearer {token}"}, **how)


def statuses(client: FlaskClient, token: str, count: int) -> list[int]:
    return [ask(client, token).status_code for _ in range(count)]


def test_every_answer_says_what_is_left(site: Site, redis: Settings, client: FlaskClient) -> None:
    token, seen = token_of(site), []
    for path in ("/api/v1/whoami", "/api/v1/workspaces/main/assets", "/api/v1/workspaces/main/assets/nothing"):
        answer = ask(client, token, path)
        assert answer.headers["RateLimit-Policy"] == f'"requests";q={LIMIT};w=60'
        name, left, seconds = answer.headers["RateLimit"].split(";")
        assert (name, 0 < int(seconds.removeprefix("t=")) <= 60) == ('"requests"', True)
        seen.append(int(left.removeprefix("r=")))
    assert seen == [LIMIT - 1, LIMIT - 2, LIMIT - 3]


def test_who_asks_too_often_is_told_to_wait_and_nobody_else_is(
    site: Site, redis: Settings, client: FlaskClient
) -> None:
    token, colleague, stranger = token_of(site), token_of(site), token_of(site, "other")
    assert statuses(client, token, LIMIT) == [200] * LIMIT
    refused = ask(client, token)
    assert (refused.status_code, refused.json["code"]) == (429, "rate.exceeded")
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert '"requests";r=0;' in refused.headers["RateLimit"]
    assert ask(client, colleague).status_code == ask(client, stranger).status_code == 200


def test_all_processes_count_together(site: Site, redis: Settings) -> None:
    token, processes = token_of(site), [create_app(site=site).test_client() for _ in range(2)]
    granted = sum(statuses(client, token, LIMIT).count(200) for client in processes)
    assert LIMIT <= granted <= LIMIT + LIMIT // 100


def test_the_limit_holds_for_many_threads(site: Site, redis: Settings) -> None:
    app, token, found = create_app(site=site), token_of(site), []
    work = [threading.Thread(target=lambda: found.extend(statuses(app.test_client(), token, 40))) for _ in range(8)]
    for one in work:
        one.start()
    for one in work:
        one.join()
    assert (found.count(200), found.count(429)) == (LIMIT, 8 * 40 - LIMIT)


def test_a_caller_may_ask_again_when_its_minute_is_over(site: Site, redis: Settings, client: FlaskClient) -> None:
    token = token_of(site)
    assert statuses(client, token, LIMIT + 1)[-1] == 429
    connect(redis).flushall()
    assert ask(client, token).status_code == 200


def test_counters_name_workspace_and_caller_and_expire(site: Site, redis: Settings, client: FlaskClient) -> None:
    token = token_of(site)
    ask(client, token)
    store = connect(redis)
    keys = [key for key in store.keys("d2r:rate:*") if site.scope(SYSTEM, "main").workspace_id.encode() in key]
    assert keys
    assert all(0 < store.ttl(key) <= 60 for key in keys)


def test_without_redis_nobody_is_refused_and_each_process_counts(site: Site, client: FlaskClient) -> None:
    token = token_of(site)
    assert statuses(client, token, LIMIT) == [200] * LIMIT
    assert ask(client, token).status_code == 429


def test_a_redis_that_hangs_costs_one_request_a_second(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    rates = Rates(replace(site.settings, requests_per_minute=100))

    def hang(*_: object, **__: object) -> int:
        asked.append(1)
        raise TimeoutError("hangs")

    monkeypatch.setattr(rates._shared, "incr", hang)
    with Flask("x").test_request_context():
        for number in range(20):
            rates.admit(Principal(f"key_{number}", "key", "x", "auditor", None))
    assert len(asked) == 1


def test_wrong_keys_are_told_to_wait_and_right_ones_from_there_are_not(site: Site, client: FlaskClient) -> None:
    codes = [ask(client, WRONG).status_code for _ in range(FAILURES + 2)]
    assert codes == [401] * FAILURES + [429] * 2
    assert ask(client, token_of(site)).status_code == 200
    assert ask(client, WRONG, environ_base={"REMOTE_ADDR": "10.1.2.3"}).status_code == 401


def test_a_host_cannot_hide_behind_its_many_addresses(client: FlaskClient) -> None:
    codes = [
        ask(client, WRONG, environ_base={"REMOTE_ADDR": f"2001:db8::{number}"}).status_code for number in range(1, 8)
    ]
    assert codes[-1] == 429
    assert ask(client, WRONG, environ_base={"REMOTE_ADDR": "2001:db8:1::1"}).status_code == 401


def test_the_console_counts_wrong_keys_and_pages_too(site: Site, client: FlaskClient) -> None:
    form = {"environ_base": {"REMOTE_ADDR": "10.9.9.9"}, "data": {"key": WRONG}}
    codes = [client.post("/console/login", **form).status_code for _ in range(FAILURES + 1)]
    assert codes == [403] * FAILURES + [429]
    entered = client.post("/console/login", data={"key": token_of(site)}, environ_base={"REMOTE_ADDR": "10.9.9.9"})
    assert entered.status_code == 303
    codes = [client.get("/console/main/").status_code for _ in range(LIMIT + 1)]
    assert codes == [200] * LIMIT + [429]


def test_wrong_keys_are_counted_by_all_processes_and_doors_together(site: Site, redis: Settings) -> None:
    processes = [create_app(site=site).test_client() for _ in range(2)]
    place = {"environ_base": {"REMOTE_ADDR": "10.7.7.7"}}
    codes = []
    for number in range(2 * FAILURES):
        process = processes[number % 2]
        door = number // 2 % 2
        response = (
            process.post("/console/login", data={"key": WRONG}, **place) if door else ask(process, WRONG, **place)
        )
        codes.append(response.status_code)
    assert all(code in (401, 403) for code in codes[:FAILURES])
    assert codes[FAILURES:] == [429] * FAILURES
