"""Uploads over real connections: one that stands still gives way, one that sends does not."""

from __future__ import annotations

import hashlib
import json
import socket
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from appliance.ingest.locks import is_locked
from tests.upload_server import found, serving

PATH = "/api/v1/workspaces/main/uploads"
SCAN = b"0.0 0.0 0.0\n1.0 0.0 0.5\n" * 4000


class Device:
    """A device with two connections to one upload."""

    def __init__(self, port: int, token: str, uploads: Path) -> None:
        self.port = port
        self.uploads = uploads
        self.headers = {"Authorization": f"Bearer {token}", "Tus-Resumable": "1.0.0"}

    def begin(self, content: bytes) -> str:
        fields = {"asset": "press-7", "format": "xyz", "sha256": hashlib.sha256(content).hexdigest()}
        said = json.dumps({**fields, "size_bytes": len(content), "captured_at": "2026-03-01T12:00:00Z"})
        named = {"Upload-Length": str(len(content)), "Upload-Metadata": f"manifest {b64encode(said.encode()).decode()}"}
        answer = requests.post(f"http://127.0.0.1:{self.port}{PATH}", headers=self.headers | named, timeout=10)
        return answer.headers["Location"]

    def open(self, location: str, length: int) -> socket.socket:
        """A request that announces ``length`` bytes, on a connection of its own, none of them sent yet."""
        named = {**self.headers, "Upload-Offset": "0", "Content-Length": str(length), "Host": "appliance"}
        named["Content-Type"] = "application/offset+octet-stream"
        lines = [f"PATCH {location} HTTP/1.1", *(f"{name}: {value}" for name, value in named.items())]
        connection = socket.create_connection(("127.0.0.1", self.port))
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        return connection

    def wait_until_read(self, location: str) -> None:
        """Return when the server reads a body for this upload."""
        (folder,) = self.uploads.iterdir()
        until = time.monotonic() + 30
        while not is_locked(folder, location.rpartition("/")[2]):
            assert time.monotonic() < until, "the server did not begin to read"
            time.sleep(0.01)

    def head(self, location: str) -> requests.Response:
        return requests.head(f"http://127.0.0.1:{self.port}{location}", headers=self.headers, timeout=10)

    def offset_once_kept(self, location: str) -> int:
        """The offset when it is more than none, or after half a minute."""
        until = time.monotonic() + 30
        while not (offset := int(self.head(location).headers["Upload-Offset"])) and time.monotonic() < until:
            time.sleep(0.2)
        return offset

    def patch(self, location: str, offset: int, data: bytes) -> requests.Response:
        named = {**self.headers, "Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
        return requests.patch(f"http://127.0.0.1:{self.port}{location}", headers=named, data=data, timeout=10)


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Device]:
    data: Path = tmp_path_factory.mktemp("live") / "data"
    token = found(data)
    with serving(data) as port:
        yield Device(port, token, data / "uploads")


def test_a_connection_that_stands_still_gives_way_and_what_it_brought_is_kept(device: Device) -> None:
    location = device.begin(SCAN)
    with device.open(location, len(SCAN)) as dead:
        dead.sendall(SCAN[:30_000])
        device.wait_until_read(location)
        assert device.patch(location, 0, SCAN).status_code == 423
        offset = device.offset_once_kept(location)
        assert offset == 30_000
        assert "D2R-Scan" in device.patch(location, offset, SCAN[offset:]).headers


def test_a_connection_that_sends_is_not_interrupted(device: Device) -> None:
    content = SCAN + b"2.0 2.0 2.0\n"
    location = device.begin(content)
    with device.open(location, len(content)) as alive:
        for start in range(0, 40_000, 10_000):
            alive.sendall(content[start : start + 10_000])
            device.wait_until_read(location)
            assert device.patch(location, 0, content).status_code == 423
            time.sleep(0.1)
        alive.sendall(content[40_000:])
        assert alive.recv(12) == b"HTTP/1.1 204"
    assert "D2R-Scan" in device.head(location).headers


def test_a_body_of_unknown_length_is_taken_as_far_as_it_is_missing(device: Device) -> None:
    content = SCAN + b"3.0 3.0 3.0\n"
    location = device.begin(content)
    named = {**device.headers, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    pieces = (content[at : at + 7001] for at in range(0, len(content), 7001))
    answer = requests.patch(f"http://127.0.0.1:{device.port}{location}", headers=named, data=pieces, timeout=10)
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, str(len(content)))
    assert "D2R-Scan" in answer.headers
