"""Requests that no decent client sends, byte by byte, to the web server as the appliance runs it.

What two parsers could read in two ways (RFC 9112, 6.3 and 11.2) is refused or ends the connection, so nothing that
stands behind it is ever taken for a second request.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from appliance.supervise.gunicorn_settings import HEADER_BYTES, LINE_BYTES
from tests.web_server import PARTS, Server, serving_web, status

#: What a smuggler wants to be read as a request of its own.
SECOND = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving_web(tmp_path_factory.mktemp("raw") / "appliance") as running:
        yield running


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


def test_what_the_server_itself_refuses_is_a_problem_that_repeats_nothing(server: Server) -> None:
    for headers in (("Authorization: Bearer d2r_abcdefgh_\x00secret",), ("X-Secret\x7f: secret",)):
        answer = server.raw(server.head("GET /healthz HTTP/1.1", *headers))
        head, _, body = answer.partition(b"\r\n\r\n")
        assert status(answer) == 400
        assert b"Content-Type: application/problem+json" in head
        assert b"X-Content-Type-Options: nosniff" in head
        assert b"default-src 'none'" in head
        assert b'"code":"request.malformed"' in body
        assert b"secret" not in body
    written = server.log.read_text()
    assert "no request from 127.0.0.1: request.malformed" in written
    assert "secret" not in written


def test_an_answer_tells_no_version_of_the_server(server: Server) -> None:
    head = server.raw(server.head("GET /healthz HTTP/1.1")).partition(b"\r\n\r\n")[0]
    assert b"Server: gunicorn\r\n" in head
    assert b"X-Powered-By" not in head


def test_a_path_that_a_header_states_is_not_believed(server: Server) -> None:
    answer = server.raw(server.head("GET /healthz HTTP/1.1", "SCRIPT_NAME: /healthz", "PATH_INFO: /nothing"))
    assert status(answer) == 200
