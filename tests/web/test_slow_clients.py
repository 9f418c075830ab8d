"""Two hundred clients that are slow in every way there is, and somebody who is served meanwhile.

The server has 16 threads for requests that are there.  Where slow clients held them, or its loop, the answer would come
when the first of them has been given up.
"""

from __future__ import annotations

import hashlib
import json
import re
import socket
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest
import requests

from appliance.supervise.arrivals import BODY_BYTES, Arrival
from appliance.supervise.gunicorn_settings import CONNECTIONS
from appliance.supervise.patient_worker import HEAD_S
from tests.web_server import PARTS, Server, serving_web, status
from web.api.contract import API, Route
from web.api.v1 import AREAS

SLOW = 200
SERVED_WITHIN_S = 1.0
#: The server has seen everybody who is slow by then.
SETTLES_S = 1.5
UPLOADS = "/api/v1/workspaces/main/uploads"
_FORM = "Host: a\r\nContent-Type: application/x-www-form-urlencoded"


def _post(path: str, *headers: str, body: bytes = b"") -> bytes:
    return "\r\n".join([f"POST {path} HTTP/1.1", *headers, "", ""]).encode() + body


#: What each of the slow clients sends, to stop there.
STRANGERS = {
    "nothing": b"",
    "a line": b"GET /healthz HTTP/1.1\r\n",
    "half a header": b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-Slow: ",
    "empty lines": b"\r\n\r\n\r\n",
    "a bare newline": b"GET /healthz HTTP/1.1\nHost: a\n\n",
    "a long head": b"GET /healthz HTTP/1.1\r\n" + b"X-Long: " + b"a" * 120_000,
    "a request and half of the next": b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nGET /healthz HTTP/1.1\r\nHost:",
    "half a form": _post("/console/login", _FORM, "Content-Length: 300", body=b"key=d2r_"),
    "half a long form": _post("/console/login", _FORM, "Content-Length: 900000", body=b"key=" + b"a" * 70_000),
    "half a chunked form": _post("/console/login", _FORM, "Transfer-Encoding: chunked", body=b"5\r\nkey"),
    "a form that waits for a word": _post("/console/login", _FORM, "Content-Length: 300", "Expect: 100-continue"),
    "half a JSON body": _post(PARTS, "Host: a", "Content-Type: application/json", "Content-Length: 300", body=b"{"),
    "half a long JSON body": _post(
        PARTS, "Host: a", "Content-Type: application/json", "Content-Length: 900000", body=b"{"
    ),
    "a body for a page": _post("/healthz", "Host: a", "Content-Length: 900000", body=b"{"),
    "half an upload": _post(
        UPLOADS, "Host: a", "Content-Type: application/offset+octet-stream", "Content-Length: 900", body=b"0"
    ),
    "no farewell": b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "large answers that nobody reads": b"GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n" * 64,
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving_web(tmp_path_factory.mktemp("slow") / "appliance") as running:
        yield running


@contextmanager
def stuck(server: Server, count: int, sent: bytes) -> Iterator[list[socket.socket]]:
    """Connections that send this, and neither go on nor read nor close while the block runs."""
    with ExitStack() as stack:
        found = []
        for _ in range(count):
            connection = stack.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(("127.0.0.1", server.port))
            connection.setblocking(False)
            with suppress(OSError):  # who sends too much is cut off while it does
                connection.send(sent)
            found.append(connection)
        yield found


def longest_s(server: Server, asked: int = 10) -> float:
    """How long the slowest of some questions of the owner took."""
    took = []
    for _ in range(asked):
        began = time.monotonic()
        assert server.get(PARTS).status_code == 200
        took.append(time.monotonic() - began)
        began = time.monotonic()
        assert _posts(server, b"[]".ljust(BODY_BYTES + 1)) == 422  # a body that is read while it comes
        took.append(time.monotonic() - began)
    return max(took)


def _posts(server: Server, body: bytes) -> int:
    stated = ("Content-Type: application/json", "Connection: close", f"Content-Length: {len(body)}")
    return status(server.raw(server.head(f"POST {PARTS} HTTP/1.1", *stated) + body))


@pytest.mark.parametrize("case", STRANGERS)
def test_a_stranger_who_is_slow_keeps_nobody_waiting(server: Server, case: str) -> None:
    with stuck(server, SLOW, STRANGERS[case]):
        time.sleep(SETTLES_S)
        assert longest_s(server) < SERVED_WITHIN_S


def test_slow_bytes_keep_nobody_waiting_either(server: Server) -> None:
    with stuck(server, SLOW, b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-Slow: ") as slow:
        for _ in range(8):
            for connection in slow:
                with suppress(OSError):
                    connection.send(b"a")
            assert longest_s(server, 1) < SERVED_WITHIN_S


@pytest.mark.parametrize("sent", [b"", b"GET /healthz HTTP/1.1\r\n", b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"])
def test_more_connections_than_there_are_places_keep_nobody_out(server: Server, sent: bytes) -> None:
    with stuck(server, CONNECTIONS + 100, sent):
        server.get(PARTS)  # who asked first is answered first
        assert longest_s(server) < SERVED_WITHIN_S


def test_devices_on_bad_lines_are_not_cut_off_and_keep_nobody_waiting(server: Server) -> None:
    scans = [b"%d.0 0.0 0.0\n1.0 0.0 0.5\n" % number * 200 for number in range(40)]
    with ExitStack() as stack:
        lines = [stack.enter_context(_uploading(server, scan)) for scan in scans]
        for at in range(0, 600, 50):  # twelve seconds, longer than any head may take
            for line, scan in zip(lines, scans, strict=True):
                line.sendall(scan[at : at + 50])
            assert longest_s(server, 1) < SERVED_WITHIN_S
            time.sleep(1)
        for line, scan in zip(lines, scans, strict=True):
            line.sendall(scan[600:])
            line.settimeout(60)
            assert line.recv(12) == b"HTTP/1.1 204"


def test_people_who_read_slowly_keep_nobody_waiting(server: Server) -> None:
    scan = b"1.0 0.0 0.5\n" * 2_000_000
    with _uploading(server, scan) as line:
        line.sendall(scan)
        line.settimeout(60)
        (content,) = re.findall(r"D2R-Scan: (\S+)", line.recv(65536).decode())
    asked = server.head(f"GET {content}/content HTTP/1.1")
    with stuck(server, 24, asked) as readers:
        time.sleep(SETTLES_S)
        assert longest_s(server) < SERVED_WITHIN_S
        readers[0].settimeout(10)
        assert readers[0].recv(12) == b"HTTP/1.1 200"


@pytest.mark.parametrize("route", [route for area in AREAS for route in area], ids=lambda route: route.name)
def test_every_route_that_hands_out_files_is_told_by_its_address(route: Route) -> None:
    if route.media_type in ("application/octet-stream", "application/pdf", "application/zip"):
        assert Arrival(f"{route.method} {API}{route.path} HTTP/1.1\r\n\r\n".encode()).is_long


@contextmanager
def _uploading(server: Server, scan: bytes) -> Iterator[socket.socket]:
    """A connection on which a device has announced all bytes of a scan, and sent none."""
    fields = {"asset": "press-7", "format": "xyz", "sha256": hashlib.sha256(scan).hexdigest()}
    said = json.dumps({**fields, "size_bytes": len(scan), "captured_at": "2026-03-01T12:00:00Z"}).encode()
    headers = {"Authorization": f"Bearer {server.token}", "Tus-Resumable": "1.0.0", "Upload-Length": str(len(scan))}
    headers["Upload-Metadata"] = f"manifest {b64encode(said).decode()}"
    made = requests.post(f"http://127.0.0.1:{server.port}{UPLOADS}", headers=headers, timeout=10)
    stated = ("Tus-Resumable: 1.0.0", "Upload-Offset: 0", "Content-Type: application/offset+octet-stream")
    with server.connect() as connection:
        line = f"PATCH {made.headers['Location']} HTTP/1.1"
        connection.sendall(server.head(line, *stated, f"Content-Length: {len(scan)}"))
        yield connection


@pytest.mark.parametrize("size", [10, BODY_BYTES, BODY_BYTES + 1])
def test_a_request_that_comes_in_pieces_is_one_and_so_is_the_next(server: Server, size: int) -> None:
    name = f"pieces-{size}"
    body = json.dumps({"name": name}).encode().ljust(size)
    request = server.head(
        f"POST {PARTS} HTTP/1.1", "Content-Type: application/json", f"Content-Length: {len(body)}"
    )  # fmt: skip
    with server.connect() as connection:
        for expected in (201, 409):
            for at in range(0, len(request + body), max(40, size // 10)):
                connection.sendall((request + body)[at : at + max(40, size // 10)])
                time.sleep(0.01)
            answer = connection.recv(65536)
            while not answer.endswith(b"}"):
                answer += connection.recv(65536)
            assert status(answer) == expected
    assert name in server.names()


def test_a_client_that_waits_for_a_word_gets_it(server: Server) -> None:
    body = b'{"name": "expected"}'
    stated = ("Content-Type: application/json", f"Content-Length: {len(body)}", "Expect: 100-continue")
    with server.connect() as connection:
        connection.sendall(server.head(f"POST {PARTS} HTTP/1.1", *stated))
        assert b"100 Continue" in connection.recv(100)
        connection.sendall(body)
        assert status(connection.recv(65536)) == 201


def test_a_refusal_is_read_by_whoever_still_sends(server: Server) -> None:
    head = _post(PARTS, "Host: a", "Content-Type: application/json", "Content-Length: 900000")
    with server.connect() as connection:
        connection.sendall(head + b" " * 50_000)
        assert status(connection.recv(65536)) == 401


def test_a_head_that_never_ends_ends_its_connection(server: Server) -> None:
    began = time.monotonic()
    with server.connect(HEAD_S + 10) as connection:
        connection.settimeout(0.5)
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-Slow: ")
        while time.monotonic() - began < HEAD_S + 8:
            try:
                connection.sendall(b"a")
                if connection.recv(1) == b"":
                    break
            except TimeoutError:
                continue
            except OSError:
                break
    assert HEAD_S - 1 < time.monotonic() - began < HEAD_S + 3
