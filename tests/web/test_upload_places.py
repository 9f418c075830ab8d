"""Places for uploads are shared: who holds all of them with a valid key keeps no other sender out."""

from __future__ import annotations

import hashlib
import json
import socket
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace

import pytest
import requests

from appliance.config.settings import load_settings
from appliance.errors import Unavailable
from appliance.identity.api_keys import create_api_key
from appliance.supervise.arrivals import OPEN_REQUESTS
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.site import Site
from tests.web_server import Server, serving_web
from web.api.places import Places

UPLOADS = "/api/v1/workspaces/main/uploads"
SERVED_WITHIN_S = 5.0
SCAN = b"0.0 0.0 0.0\n1.0 0.0 0.5\n" * 4000


@dataclass(eq=False)
class Body:
    """An upload that brought nothing for so long."""

    idle_s: float = 0.0
    interrupted: bool = False

    def interrupt(self) -> None:
        self.interrupted = True


def test_while_there_is_room_everybody_has_as_many_as_they_like() -> None:
    places, bodies = Places(3), [Body() for _ in range(3)]
    with ExitStack() as stack:
        for body in bodies:
            stack.enter_context(places.taken("a", body))
        with pytest.raises(Unavailable), places.taken("a", Body()):
            pass
    with places.taken("a", Body()):
        assert not any(body.interrupted for body in bodies)


def test_who_has_fewer_gets_the_place_of_the_longest_silent_one_of_who_has_most() -> None:
    places, silent, lively, other = Places(3), Body(9.0), Body(1.0), Body(50.0)
    with places.taken("a", lively), places.taken("a", silent), places.taken("b", other), places.taken("c", Body()):
        assert (silent.interrupted, lively.interrupted, other.interrupted) == (True, False, False)
        with pytest.raises(Unavailable), places.taken("d", Body()):
            pass


def test_nobody_takes_from_equals_back_and_forth() -> None:
    places = Places(4)
    with ExitStack() as stack:
        for sender in "aabb":
            stack.enter_context(places.taken(sender, Body()))
        for sender in "ab":
            with pytest.raises(Unavailable), places.taken(sender, Body()):
                pass


@dataclass(frozen=True)
class Sender:
    """Somebody with a key of their own."""

    server: Server

    def begun(self, scan: bytes) -> str:
        fields = {"asset": "press-7", "format": "xyz", "sha256": hashlib.sha256(scan).hexdigest()}
        said = json.dumps({**fields, "size_bytes": len(scan), "captured_at": "2026-03-01T12:00:00Z"}).encode()
        headers = {
            "Authorization": f"Bearer {self.server.token}", "Tus-Resumable": "1.0.0", "Upload-Length": str(len(scan)),
            "Upload-Metadata": f"manifest {b64encode(said).decode()}",
        }  # fmt: skip
        url = f"http://127.0.0.1:{self.server.port}{UPLOADS}"
        return requests.post(url, headers=headers, timeout=30).headers["Location"]

    def sending(self, stack: ExitStack, scan: bytes, first: int = 50) -> socket.socket:
        """A connection that announced a whole scan and sent the first bytes of it."""
        line = f"PATCH {self.begun(scan)} HTTP/1.1"
        stated = ("Tus-Resumable: 1.0.0", "Upload-Offset: 0", "Content-Type: application/offset+octet-stream")
        connection = stack.enter_context(self.server.connect())
        connection.sendall(self.server.head(line, *stated, f"Content-Length: {len(scan)}") + scan[:first])
        return connection


@pytest.fixture(scope="module")
def senders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sender, Sender]]:
    data = tmp_path_factory.mktemp("places") / "appliance"
    with serving_web(data) as server:
        with Site.open(load_settings(data, {})) as site:
            _, token = create_api_key(site, "main", "operator", "another", SYSTEM)
        yield Sender(server), Sender(replace(server, token=token))


def test_slow_uploads_of_one_key_in_all_places_let_another_key_through(senders: tuple[Sender, Sender]) -> None:
    greedy, other = senders
    with ExitStack() as stack:
        held = [greedy.sending(stack, SCAN + b"%d 0 0\n" % number) for number in range(2 * OPEN_REQUESTS)]
        time.sleep(2.0)
        for number in range(3):
            began = time.monotonic()
            scan = SCAN + b"9 9 %d\n" % number
            line = other.sending(stack, scan, len(scan))
            line.settimeout(30)
            assert line.recv(12) == b"HTTP/1.1 204"
            assert time.monotonic() - began < SERVED_WITHIN_S
        answered = 0
        for line in held:
            line.setblocking(False)
            try:
                answered += line.recv(12) in (b"HTTP/1.1 503", b"HTTP/1.1 204")
            except BlockingIOError:
                continue
    assert answered >= 3, "somebody was told to wait, or gave way"
