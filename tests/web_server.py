"""The web server as the appliance runs it, over a new data folder, for requests that no decent client sends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from appliance.config.settings import load_settings
from appliance.identity.api_keys import create_api_key
from appliance.plant.assets import create_asset
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.site import Site

ROOT = Path(__file__).resolve().parents[1]
PARTS = "/api/v1/workspaces/main/parts"
READY_WITHIN_S = 60


@dataclass
class Server:
    """The web server, an owner's key to it, and what it says about itself."""

    port: int
    token: str
    log: Path

    def connect(self, wait_s: float = 10.0) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), wait_s)

    def raw(self, request: bytes, wait_s: float = 10.0) -> bytes:
        """Everything that is answered until the server closes the connection."""
        with self.connect(wait_s) as connection:
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

    def get(self, path: str, timeout_s: float = 10.0) -> requests.Response:
        """What the owner gets."""
        headers = {"Authorization": f"Bearer {self.token}"}
        return requests.get(f"http://127.0.0.1:{self.port}{path}", headers=headers, timeout=timeout_s)

    def names(self) -> list[str]:
        return [one["name"] for one in self.get(PARTS).json()["items"]]


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


@contextmanager
def serving_web(data: Path, **settings: str) -> Iterator[Server]:
    """The server over a new appliance with a workspace ``main`` and an asset ``press-7``, while the block runs."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environ = {"D2R_PORT": str(port), "D2R_FREE_SPACE_FLOOR_BYTES": "0", **settings}
    with Site.open(load_settings(data, environ), create=True) as site:
        site.create_workspace("main", "Main", SYSTEM)
        create_asset(site.scope(SYSTEM, "main"), "press-7")
        token = create_api_key(site, "main", "owner", "owner", SYSTEM)[1]
    command = [sys.executable, "-m", "gunicorn", "-c", "python:appliance.supervise.web_server", "web.app:create_app()"]
    places = {**os.environ, **environ, "D2R_DATA": str(data), "PYTHONPATH": str(ROOT)}
    log = data / "web.log"
    with log.open("wb") as sink:
        process = subprocess.Popen(command, cwd=ROOT, env=places, stderr=sink, start_new_session=True)
    try:
        _await(port, process, log)
        yield Server(port, token, log)
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
