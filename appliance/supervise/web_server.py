"""Configuration module of the gunicorn that serves API and console (``gunicorn -c python:...``)."""

from __future__ import annotations

import os
import shutil
from typing import Any

from appliance.config.settings import load_settings
from appliance.supervise.gunicorn_settings import GRACEFUL_S, on_starting_import, post_fork, server_settings

__all__ = ["on_starting", "post_fork"]

_settings = load_settings()
#: Read by prometheus_client when it is imported: the processes count in files of this folder.
os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(_settings.metrics_folder)
globals().update(
    server_settings(
        _settings, "web", _settings.port, _settings.web_threads, GRACEFUL_S, processes=_settings.web_processes
    )
)


def on_starting(server: Any) -> None:
    """Count from nothing, and have everything imported before the workers are forked."""
    shutil.rmtree(_settings.metrics_folder, ignore_errors=True)
    _settings.metrics_folder.mkdir(mode=0o700, parents=True)
    on_starting_import("web.app")(server)
