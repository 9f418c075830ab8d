"""Where browsers and clients find the live events of a workspace."""

from __future__ import annotations

from typing import Final

from flask import request

from appliance.config.settings import Settings

#: Address of the WebSocket, below the host of live events.
LIVE_PATH: Final = "/api/v1/workspaces/{slug}/live"


def live_url(settings: Settings, slug: str) -> str:
    """The address of the WebSocket: behind the public address where there is one (its proxy leads on), else the port of
    live events on the host that was asked.
    """
    path = LIVE_PATH.replace("{slug}", slug)
    if settings.public_url:
        return settings.public_url.rstrip("/").replace("http", "ws", 1) + path
    host = request.host.rpartition(":")[0] if request.host.rpartition(":")[2].isdigit() else request.host
    return f"ws://{host}:{settings.realtime_port}{path}"
