"""One viewer: what was missed first, then what happens, with a heartbeat, until one of both goes."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from typing import Any, Final

from appliance.core.ids import is_id
from appliance.identity.tokens.holders import principal_behind
from appliance.tenancy.records import Principal
from appliance.tenancy.site import Site
from web.realtime.feed import Feed, Feeds, Progress
from web.realtime.socket import GOING_AWAY, NORMAL, POLICY, Lost, WebSocket

#: Seconds between heartbeats; a client that answers none of two is gone.
HEARTBEAT_S: Final = 15.0


class Viewer:
    """A connection that follows a feed.

    ``since`` : the number of the last event that the client knows; None: it wants what happens from now on
    """

    def __init__(self, site: Site, principal: Principal, web_socket: WebSocket, feed: Feed, since: int | None) -> None:
        self._site = site
        self._principal = principal
        self._socket = web_socket
        self._feed = feed
        is_unknown = since is not None and since > feed.last
        self._seq = feed.last if since is None or is_unknown else since
        self._told: Progress = {}
        self._next_beat = time.monotonic() + HEARTBEAT_S
        self._hello: dict[str, Any] = {"type": "hello", "seq": self._seq, "last": feed.last, "heartbeat_s": HEARTBEAT_S}
        self._hello["reset"] = is_unknown

    def serve(self, feeds: Feeds, bell: int) -> None:
        """Send what there is, again and again; returns when the connection has ended."""
        try:
            self._socket.send_texts([_text(self._hello)])
            while not feeds.is_closing and self._feed.is_alive:
                self._catch_up()
                self._socket.wait(bell, max(0.0, self._next_beat - time.monotonic()))
                _silence(bell)
                if time.monotonic() >= self._next_beat and not self._beat():
                    return
            self._socket.close(GOING_AWAY, "the appliance stops; come back")
        except Lost:
            return

    def _catch_up(self) -> None:
        while said := self._feed.after(self._seq):
            self._socket.send_texts(_text(one.message()) for one in said)
            self._seq = said[-1].seq
        progress = self._feed.progress
        if progress is not self._told:
            self._socket.send_texts(_text(one) for one in _changes(self._told, progress))
            self._told = progress

    def _beat(self) -> bool:
        """A sign of life, and a question for one; False where the connection was ended."""
        if not self._socket.is_answered:
            self._socket.close(NORMAL, "no answer")
            return False
        principal = principal_behind(self._site, self._principal.holder)
        if principal is None or principal.within(self._feed.scope.workspace_id) is None:
            self._socket.close(POLICY, "who follows counts no more")
            return False
        if not self._site.is_open(self._feed.scope.workspace_id):
            self._socket.close(POLICY, "the workspace was suspended")
            return False
        self._socket.send_texts([_text({"type": "heartbeat", "seq": self._seq})])
        self._socket.ping()
        self._next_beat = time.monotonic() + HEARTBEAT_S
        return True


def _changes(told: Progress, progress: Progress) -> Iterator[dict[str, Any]]:
    for row_id, figures in progress.items():
        if told.get(row_id) != figures:
            state, step, share = figures
            subject = "change" if is_id(row_id, "chg") else "inspection"
            yield {"type": "progress", subject: row_id, "state": state, "step": step, "progress": share}


def _silence(bell: int) -> None:
    try:
        os.eventfd_read(bell)
    except BlockingIOError:
        return


def _text(message: dict[str, Any]) -> str:
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))
