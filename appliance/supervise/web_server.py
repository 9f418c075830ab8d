"""Configuration module of the gunicorn that serves API and console (``gunicorn -c python:...``)."""

from __future__ import annotations

from appliance.config.settings import load_settings
from appliance.supervise.gunicorn_settings import GRACEFUL_S, on_starting_import, post_fork, server_settings

__all__ = ["on_starting", "post_fork"]

_settings = load_settings()
on_starting = on_starting_import("web.app")
globals().update(server_settings(_settings, "web", _settings.port, _settings.web_threads, GRACEFUL_S))
