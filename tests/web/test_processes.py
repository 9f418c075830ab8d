"""Several processes answer as one: what one of them did counts in all, at once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from tests.web_server import PARTS, Server, serving_web

KEYS = "/api/v1/workspaces/main/keys"
#: Requests over connections of their own: one of two processes is missed by all of them once in a million times.
MANY = 40


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Four processes, so that few requests meet the one that was asked before."""
    with serving_web(tmp_path_factory.mktemp("processes") / "appliance", D2R_WEB_PROCESSES="4") as running:
        yield running


def counted(server: Server) -> float:
    """Answered requests for the document, as whichever process answers knows them."""
    begin = 'd2r_http_requests_total{endpoint="openapi"'
    return sum(float(line.split()[-1]) for line in server.get("/metrics").text.splitlines() if line.startswith(begin))


def test_they_count_together(server: Server) -> None:
    before = counted(server)
    for _ in range(MANY):
        assert server.get("/openapi.json").ok
    assert {counted(server) for _ in range(10)} == {before + MANY}


def test_a_key_that_one_of_them_revoked_opens_none(server: Server) -> None:
    """Each remembers for a moment who holds a key."""
    owner = {"Authorization": f"Bearer {server.token}"}
    address = f"http://127.0.0.1:{server.port}"
    made = requests.post(address + KEYS, json={"role": "auditor", "label": "short"}, headers=owner, timeout=10).json()
    held = {"Authorization": f"Bearer {made['token']}"}

    def statuses() -> set[int]:
        return {requests.get(address + PARTS, headers=held, timeout=10).status_code for _ in range(MANY)}

    assert statuses() == {200}
    assert requests.post(f"{address}{KEYS}/{made['id']}/revoke", headers=owner, timeout=10).ok
    assert statuses() == {401}
