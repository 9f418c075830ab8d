"""A real server of uploads: gunicorn as the appliance runs it, over a new data folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from appliance.config.settings import load_settings
from appliance.identity.api_keys import create_api_key
from appliance.plant.assets import create_asset
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.site import Site

ROOT = Path(__file__).resolve().parents[1]
READY_WITHIN_S = 30


def found(data: Path) -> str:
    """Make an appliance with a workspace ``main`` and an asset ``press-7``; returns a device's key."""
    with Site.open(load_settings(data, {}), create=True) as site:
        site.create_workspace("main", "Main", SYSTEM)
        create_asset(site.scope(SYSTEM, "main"), "press-7")
        return create_api_key(site, "main", "device", "a device", SYSTEM)[1]


@contextmanager
def serving(data: Path, environ: Mapping[str, str] | None = None, port: int = 0) -> Iterator[int]:
    """Gunicorn over the appliance in ``data`` while the block runs; gives its port."""
    command = [
        sys.executable, "-m", "gunicorn", "tests.upload_app:create_app()", "--bind", f"127.0.0.1:{port}",
        "--worker-class", "gthread", "--threads", "16", "--limit-request-field_size", "65536",
        "--graceful-timeout", "2",
    ]  # fmt: skip
    places = {"D2R_DATA": str(data), "PYTHONPATH": str(ROOT), "D2R_FREE_SPACE_FLOOR_BYTES": "0"}
    log = data / "gunicorn.log"
    with log.open("wb") as sink:
        server = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **places, **(environ or {})}, stderr=sink, start_new_session=True
        )
    try:
        yield _port_in(log, server)
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(10)


def _port_in(log: Path, server: subprocess.Popen[bytes]) -> int:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline and server.poll() is None:
        _, listening, rest = log.read_text().partition("Listening at: http://127.0.0.1:")
        if listening and "Booting worker" in rest:
            return int(rest.split(" ")[0])
        time.sleep(0.02)
    raise RuntimeError(f"gunicorn does not serve: {log.read_text()}")
