"""A Redis of the tests' own, as the appliance configures it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from appliance.config.settings import Settings
from appliance.supervise.redis_server import answers, find_redis_server, write_configuration


@contextmanager
def running_redis(settings: Settings) -> Iterator[Settings]:
    """The private Redis of ``settings`` runs meanwhile."""
    settings.redis_folder.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        [str(find_redis_server()), str(write_configuration(settings))], stdout=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 10
        while not answers(settings.redis_socket):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        yield settings
    finally:
        process.kill()
        process.wait()
