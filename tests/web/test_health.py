"""Life, readiness and metrics."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.web.conftest import Cast
from web.health import Readiness

AWAY = {"REMOTE_ADDR": "192.0.2.7"}


def test_a_living_process_says_so_to_anybody(cast: Cast) -> None:
    assert cast.nobody.client.get("/healthz", environ_base=AWAY).json == {"status": "ok"}


def test_readiness_names_what_does_not_work(cast: Cast) -> None:
    response = cast.nobody.client.get("/readyz")
    assert response.status_code == 200
    assert response.json == {"status": "degraded", "checks": {"database": "ok", "objects": "ok", "redis": "away"}}


def test_an_appliance_that_cannot_store_is_not_ready(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(cast.site.settings), "uploads_folder", Path("/proc/nowhere"))
    is_ready, found = Readiness(cast.site).look()
    assert not is_ready
    assert found["objects"] != "ok"


def test_metrics_count_requests_and_inspections(cast: Cast) -> None:
    cast.owner.get("parts")
    text = cast.nobody.client.get("/metrics").text
    assert 'd2r_http_requests_total{endpoint="parts.list_parts",method="GET",status="200"}' in text
    assert "d2r_free_bytes" in text
    assert "d2r_redis_up 0.0" in text


def test_metrics_are_shown_to_this_machine_and_to_those_who_watch_it(cast: Cast) -> None:
    def status(token: str | None, **where: str) -> int:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        headers |= {name: value for name, value in where.items() if name.startswith("X")}
        return cast.nobody.client.get("/metrics", headers=headers, environ_base=AWAY).status_code

    assert status(None) == 401
    assert status(cast.operator.token) == 403
    assert status(cast.plant_it.token) == 200
    assert status(cast.appliance.token) == 200
    proxied = cast.nobody.client.get("/metrics", headers={"X-Forwarded-For": "192.0.2.7"})
    assert proxied.status_code == 401
