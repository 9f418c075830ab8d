"""A Redis of the tests' own, as the appliance configures it."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.config.settings import Settings
from appliance.queue.connection import connect
from appliance.supervise.redis_server import answers, find_redis_server, write_configuration


@pytest.fixture(scope="session")
def redis_settings() -> Iterator[Settings]:
    """Settings whose private Redis runs."""
    settings = Settings(data=Path(tempfile.mkdtemp(prefix="d2r-")))
    settings.redis_folder.mkdir()
    command = [str(find_redis_server()), str(write_configuration(settings))]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while not answers(settings.redis_socket):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        yield settings
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(settings.data)


@pytest.fixture
def settings(redis_settings: Settings) -> Settings:
    """The same, emptied, and without the connections of killed workers: one that waits for a job would swallow it."""
    client = connect(redis_settings)
    client.client_kill_filter(_type="normal", skipme=True)
    client.flushall()
    return redis_settings


@pytest.fixture
def lost(tmp_path: Path) -> Settings:
    """Settings whose Redis does not run."""
    return Settings(data=tmp_path)
