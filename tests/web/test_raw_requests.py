"""Requests that no decent client sends, byte by byte, to the web server as the appliance runs it.

What two parsers could read in two ways (RFC 9112, 6.3 and 11.2) is refused or ends the connection, so nothing that
stands behind it is ever taken for a second request.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
import requests

from appliance.config.settings import load_settings
from appliance.identity.api_keys import create_api_key
from appliance.supervise.gunicorn_settings import HEADER_BYTES, LINE_BYTES
from appliance.supervise.patient_worker import HEAD_S
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.site import Site

ROOT = Path(__file__).resolve().parents[2]
PARTS = "/api/v1/workspaces/main/parts"
READY_WITHIN_S = 60
#: What a smuggler wants to be read as a request of its own.
SECOND = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"


@dataclass
class Server:
    """The web server, and an owner's key to it."""

    port: int
    token: str

    def raw(self, request: bytes, wait_s: float = 10.0) -> bytes:
        """Everything that is answered until the server closes the connection."""
        with socket.create_connection(("127.0.0.1", self.port), wait_s) as connection:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            answer = b""
            while block := connection.recv(65536):
                answer += block
        return answer

    def head(self, line: str, *headers: str) -> bytes:
        """The head of a request by the owner; further headers as they are."""
        stated = (line, "Host: appliance", f"Authorization: Bearer {self.token}", *headers)
        return "\r\n".join([*stated, "", ""]).encode("latin-1")

    def names(self) -> list[str]:
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = requests.get(f"http://127.0.0.1:{self.port}{PARTS}", headers=headers, timeout=10)
        return [one["name"] for one in answer.json()["items"]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("raw") / "appliance"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environ = {"D2R_PORT": str(port), "D2R_FREE_SPACE_FLOOR_BYTES": "0"}
    with Site.open(load_settings(data, environ), create=True) as site:
        site.create_workspace("main", "Main", SYSTEM)
        token = create_api_key(site, "main", "owner", "owner", SYSTEM)[1]
    command = [sys.executable, "-m", "gunicorn", "-c", "python:appliance.supervise.web_server", "web.app:create_app()"]
    places = {**os.environ, **environ, "D2R_DATA": str(data), "PYTHONPATH": str(ROOT)}
    log = data / "web.log"
    with log.open("wb") as sink:
        process = subprocess.Popen(command, cwd=ROOT, env=places, stderr=sink, start_new_session=True)
    try:
        _await(port, process, log)
        yield Server(port, token)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)


def _await(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < until and process.poll() is None:
        try:
            if requests.get(f"http://127.0.0.1:{port}/healthz", timeout=5).ok:
                return
        except requests.RequestException:
            time.sleep(0.05)
    raise RuntimeError(f"the web server does not serve: {log.read_text()}")


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


BODY = b'{"name": "smuggled"}'
AMBIGUOUS = {
    "length and chunks": ("Content-Length: 20", "Transfer-Encoding: chunked"),
    "two lengths": ("Content-Length: 20", "Content-Length: 0"),
    "lengths in a list": ("Content-Length: 20, 20",),
    "a signed length": ("Content-Length: +20",),
    "a length in hex": ("Content-Length: 0x14",),
    "an unknown coding": ("Transfer-Encoding: xchunked",),
    "chunks twice": ("Transfer-Encoding: chunked, chunked",),
    "chunks not last": ("Transfer-Encoding: chunked, identity",),
    "a space before the colon": ("Content-Length : 20",),
    "a folded line": ("X-Note: a\r\n Content-Length: 20",),
    "a control character in a value": ("X-Note: a\x00b", "Content-Length: 20"),
    "a bare return in a value": ("X-Note: a\rContent-Length: 20",),
}


@pytest.mark.parametrize("case", AMBIGUOUS)
def test_what_could_be_read_in_two_ways_is_refused_and_hides_nothing(server: Server, case: str) -> None:
    head = server.head(f"POST {PARTS} HTTP/1.1", "Content-Type: application/json", *AMBIGUOUS[case])
    answer = server.raw(head + BODY + SECOND)
    assert 400 <= status(answer) < 502
    assert answer.count(b"HTTP/1.1 ") == 1
    assert "smuggled" not in server.names()


def test_chunks_that_do_not_end_as_they_must_are_refused(server: Server) -> None:
    head = server.head(f"POST {PARTS} HTTP/1.1", "Content-Type: application/json", "Transfer-Encoding: chunked")
    for chunks in (
        b"14\n" + BODY + b"\n0\n\n",
        b"-1\r\n" + BODY + b"\r\n0\r\n\r\n",
        b"0x14\r\n" + BODY + b"\r\n0\r\n\r\n",
    ):
        answer = server.raw(head + chunks + SECOND)
        assert not answer or status(answer) >= 400
        assert b'"status":"ok"' not in answer
    assert "smuggled" not in server.names()


def test_lines_that_end_in_a_bare_newline_are_no_request(server: Server) -> None:
    answer = server.raw(server.head("GET /healthz HTTP/1.1").replace(b"\r\n", b"\n"))
    assert not answer or status(answer) >= 400


@pytest.mark.parametrize(
    "path",
    [
        "/console/../../../../etc/passwd", "/console/static/../../app.py", "/console/static/%2e%2e/%2e%2e/app.py",
        "/console/static/..%2f..%2fapp.py", "/console/static/..%5c..%5capp.py", "/console/static/%00app.css",
        "/console/static//etc/passwd", "/api/v1/workspaces/main/parts/..%2f..%2fother", "/api//v1/workspaces",
        "/api/v1/workspaces/%2e%2e/whoami", "/api/v1/workspaces/main%00/parts", "/api/v1/workspaces/main/scans/%ff",
        "/" + "a" * 4000,
    ],
)  # fmt: skip
def test_a_path_that_plays_tricks_leads_nowhere(server: Server, path: str) -> None:
    answer = server.raw(server.head(f"GET {path} HTTP/1.1", "Connection: close"))
    assert status(answer) in (302, 308, 400, 404, 422)
    assert b"create_app" not in answer
    assert b"root:" not in answer


def test_heads_beyond_the_limits_are_refused_with_problems(server: Server) -> None:
    for head, code in (
        (server.head("GET /" + "a" * LINE_BYTES + " HTTP/1.1"), (414, "request.line")),
        (server.head("GET /healthz HTTP/1.1", "X-Note: " + "a" * (HEADER_BYTES + 1)), (431, "request.headers")),
        (server.head("GET /healthz HTTP/1.1", *(f"X-{number}: a" for number in range(101))), (431, "request.headers")),
        (server.head("GET /healthz HTTP/1.1", "X Note: a"), (400, "request.malformed")),
        (server.head("GET /healthz HTTP/1.1", "Expect: a miracle"), (417, "request.expectation")),
        (server.head("POST /healthz HTTP/1.1", "Transfer-Encoding: xz"), (501, "request.coding")),
    ):
        said, _, body = server.raw(head).partition(b"\r\n\r\n")
        problem = json.loads(body)
        assert (status(said), problem["code"]) == code
        assert (problem["status"], b"application/problem+json" in said) == (code[0], True)
        assert problem["request_id"].encode() in said


def test_filters_as_long_as_they_may_be_fit_into_a_request(server: Server) -> None:
    longest = quote("\U0001f529" * 120)
    query = f"search={longest}&serial={longest}&location={longest}&cursor={'a' * 400}"
    answer = server.raw(server.head(f"GET {PARTS.replace('parts', 'assets')}?{query} HTTP/1.1", "Connection: close"))
    assert (status(answer), b"cursor.invalid" in answer) == (422, True)


def test_no_other_origin_is_let_in(server: Server) -> None:
    asked = ("Origin: https://elsewhere.example", "Access-Control-Request-Method: POST", "Connection: close")
    for method in ("GET", "OPTIONS"):
        answer = server.raw(server.head(f"{method} {PARTS} HTTP/1.1", *asked))
        assert b"access-control-" not in answer.lower()


#: Requests that do not go on; more of each than the server has threads.
UNFINISHED = {
    "nothing": b"",
    "a line": b"GET /healthz HTTP/1.1\r\n",
    "half a header": b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-Slow: ",
    "empty lines": b"\r\n\r\n\r\n",
    "a bare newline": b"GET /healthz HTTP/1.1\nHost: a\n\n",
}


@pytest.mark.parametrize("case", UNFINISHED)
def test_slow_clients_keep_nobody_else_waiting(server: Server, case: str) -> None:
    slow = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(40)]
    try:
        for connection in slow:
            connection.setblocking(False)
            with suppress(OSError):  # a head that is too long may end its connection while it is sent
                connection.send(UNFINISHED[case])
        # Where they held the threads, the answer would come when the first of them has been given up.
        assert requests.get(f"http://127.0.0.1:{server.port}/healthz", timeout=HEAD_S - 1).ok
    finally:
        for connection in slow:
            connection.close()


def test_a_head_that_comes_in_pieces_is_a_request_and_so_is_the_next(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
        for _ in range(2):
            request = server.head("GET /healthz HTTP/1.1")
            for start in range(0, len(request), 40):
                connection.sendall(request[start : start + 40])
                time.sleep(0.02)
            answer = connection.recv(65536)
            while not answer.endswith(b"}") and (block := connection.recv(65536)):  # head and body may come apart
                answer += block
            assert status(answer) == 200


def test_a_head_that_never_ends_ends_its_connection(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), HEAD_S + 10) as connection:
        began = time.monotonic()
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-Slow: ")
        answered = False
        while not answered and time.monotonic() - began < HEAD_S + 8:
            connection.settimeout(0.5)
            try:
                connection.sendall(b"a")
                answered = connection.recv(1) == b""
            except TimeoutError:
                continue
            except OSError:
                answered = True
        assert answered
        assert HEAD_S - 1 < time.monotonic() - began < HEAD_S + 3
