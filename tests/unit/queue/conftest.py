"""A Redis of the tests' own, as the appliance configures it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.config.settings import Settings
from appliance.queue.connection import connect
from tests.redis_server import running_redis


@pytest.fixture(scope="session")
def redis_settings() -> Iterator[Settings]:
    """Settings whose private Redis runs."""
    settings = Settings(data=Path(tempfile.mkdtemp(prefix="d2r-")))
    with running_redis(settings):
        yield settings
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
