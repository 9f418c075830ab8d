"""How far a request has come, whatever pieces it comes in."""

from __future__ import annotations

import pytest

from appliance.supervise.arrivals import BODY_BYTES, HEAD_BYTES, Arrival, State

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
OPEN = {
    "a long body": b"Content-Length: %d" % (BODY_BYTES + 1),
    "chunks": b"Transfer-Encoding: chunked",
    "two lengths": b"Content-Length: 5\r\nContent-Length: 6",
    "a length that is none": b"content-length: 0x5",
    "a length with a sign": b"Content-Length: +5",
    "a space before the colon": b"Content-Length : 5",
    "who waits for a word": b"Content-Length: 5\r\nexpect: 100-continue",
    "an upload": b"Content-Length: 5\r\nContent-Type:application/offset+octet-stream",
}


@pytest.mark.parametrize("request_bytes", [GET, POST + b"12345", b"\r\n" + GET])
def test_a_request_is_there_with_its_last_byte_and_not_before(request_bytes: bytes) -> None:
    arrival = Arrival()
    for at in range(len(request_bytes)):
        assert arrival.state is State.PART
        arrival.add(request_bytes[at : at + 1])
    assert arrival.state is State.WHOLE
    assert arrival.data == request_bytes


def test_what_stands_behind_a_request_is_kept_for_the_next() -> None:
    assert Arrival(GET + GET[:9]).state is State.WHOLE
    assert Arrival(POST + b"123").state is State.PART
    assert Arrival(POST + b"123").has_head
    assert Arrival(POST + b"12345" + GET).data.endswith(GET)


@pytest.mark.parametrize("case", OPEN)
def test_a_body_that_cannot_be_awaited_is_read_as_it_comes(case: str) -> None:
    assert Arrival(b"POST / HTTP/1.1\r\n" + OPEN[case] + b"\r\n\r\n").state is State.OPEN


@pytest.mark.parametrize(
    ("line", "is_long"),
    [
        (b"GET /a/scans/x/content", True), (b"GET /a/report.pdf?x=1", True), (b"\r\nGET /openapi.json", True),
        (b"POST /api/v1/workspaces/w/export", True), (b"GET /a/parts", False), (b"GET /a/content/parts", False),
        (b"GET /a?x=/b.pdf", False), (b"DELETE /a/report.pdf", False),
    ],
)  # fmt: skip
def test_a_request_for_a_file_is_told_by_its_address(line: bytes, is_long: bool) -> None:
    assert Arrival(line + b" HTTP/1.1\r\nHost: a\r\n\r\n").is_long == is_long


def test_a_length_that_only_looks_like_one_is_none() -> None:
    for line in (b"X-Content-Length: 5", b"X: a\r\n content-length: 5", b"X: a content-length: 5"):
        assert Arrival(b"GET / HTTP/1.1\r\n" + line + b"\r\n\r\n").state is State.WHOLE


def test_a_head_without_an_end_is_too_long_at_its_limit() -> None:
    arrival = Arrival(b"GET / HTTP/1.1\r\nX: " + b"a" * (HEAD_BYTES - 19))
    assert arrival.state is State.PART
    arrival.add(b"a")
    assert arrival.state is State.TOO_LONG
