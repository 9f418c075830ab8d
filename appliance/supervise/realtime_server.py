"""Configuration module of the gunicorn that serves live events; each viewer holds one of its threads."""

from __future__ import annotations

from typing import Final

from appliance.config.settings import load_settings
from appliance.supervise.gunicorn_settings import VIEWERS_GRACEFUL_S, on_starting_import, post_fork, server_settings

__all__ = ["on_starting", "post_fork"]

#: Viewers at the same time.
VIEWERS: Final = 200

_settings = load_settings()
on_starting = on_starting_import("web.realtime.app")
globals().update(server_settings(_settings, "realtime", _settings.realtime_port, VIEWERS, VIEWERS_GRACEFUL_S))
