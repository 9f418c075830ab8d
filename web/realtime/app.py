"""Live events: one WebSocket endpoint, in a process of its own, so that no viewer stands in the way of an upload.

``/api/v1/workspaces/{slug}/live?since=SEQ``, authenticated by an API key in the Authorization header, or by a one-time
``ticket`` where a browser cannot send one.  Messages are JSON texts: ``hello``, ``event`` (numbered, in order, without
gaps or doubles), ``progress`` (of running inspections and changes), ``heartbeat``.  Who reconnects says the last number
it saw.
"""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any, Final

from flask import Flask, Response, g, request

from appliance.config.settings import Settings, load_settings
from appliance.errors import D2RError, InvalidInput, NotFound, Unavailable
from appliance.identity.tickets import redeem_ticket
from appliance.tenancy.records import Principal
from appliance.tenancy.site import Site
from web.api.contract import READERS
from web.api.dispatch import caller, require_role
from web.denials import Denials
from web.lean import LeanFlask
from web.live import LIVE_PATH
from web.metrics import Metrics
from web.problems import answer_errors
from web.rates import Rates, say_rate
from web.realtime.feed import Feeds
from web.realtime.socket import GOING_AWAY, WebSocket
from web.realtime.viewer import Viewer
from web.requests import deny_by_default, finish_requests, number_requests

log = logging.getLogger(__name__)

#: Viewers at the same time; a few threads are left to say so, and that the process lives.
MOST_VIEWERS: Final = 190
_DIGITS: Final = 15
_SCOPE: Final = "events:read"


def create_app(settings: Settings | None = None, site: Site | None = None) -> Flask:
    """The application of live events over the appliance of ``settings`` (or over an open ``site``)."""
    site = site or Site.open(settings or load_settings())
    rates = Rates(site.settings)
    feeds, places = Feeds(site), threading.BoundedSemaphore(MOST_VIEWERS)
    app = LeanFlask("d2r-realtime")
    app.debug = False
    number_requests(app)
    finish_requests(app, Metrics(site), site.settings)
    answer_errors(app)
    app.after_request(say_rate)
    app.after_request(Denials(site).note)
    _get(app, "/healthz", "healthz", lambda: Response('{"status":"ok"}', content_type="application/json"))
    for endpoint, upgrades in (("live", True), ("live_without_upgrade", False)):
        rule = LIVE_PATH.replace("{slug}", "<slug>")
        _get(app, rule, endpoint, lambda slug: _live(site, rates, feeds, places, slug), websocket=upgrades)
    deny_by_default(app, frozenset({"live", "live_without_upgrade"}), frozenset({"healthz"}))
    _close_at_stop(feeds)
    return app


def _live(site: Site, rates: Rates, feeds: Feeds, places: threading.BoundedSemaphore, slug: str) -> Response:
    since = _since()
    principal, workspace_id = _admitted(site, rates, slug)
    g.principal, g.authorized = principal, True
    if not places.acquire(blocking=False):
        raise Unavailable("live.full", f"{MOST_VIEWERS} viewers are connected already.", "Try again later.")
    try:
        web_socket = WebSocket.accept(request.environ)
        feed, bell = feeds.join(workspace_id)
        try:
            Viewer(site, principal, web_socket, feed, since).serve(feeds, bell)
        except D2RError as error:  # too late for a problem document: the client comes back, and is told then
            log.warning("a viewer of %s is sent away: %s [%s]", slug, error, error.code)
            web_socket.close(GOING_AWAY, "come back")
        finally:
            feed.leave(bell)
    finally:
        places.release()
    return _Ended()


def _admitted(site: Site, rates: Rates, slug: str) -> tuple[Principal, str]:
    """Who connects, to which workspace.

    Raises
    ------
    Denied : no key or ticket, or one that does not open this; too many requests
    NotFound : the workspace is not there for them
    """
    ticket = request.args.get("ticket")
    if ticket is None:
        principal = caller(site, rates)
    else:
        known = next((one for one in site.workspaces() if one.slug == slug), None)
        if known is None:
            raise NotFound("workspace.unknown", f"There is no workspace '{slug}'.")
        principal = redeem_ticket(site, known.id, ticket)
    g.principal = principal
    scope = site.scope(principal, slug)
    require_role(scope.principal, READERS, _SCOPE)
    return scope.principal, scope.workspace_id


def _since() -> int | None:
    text = request.args.get("since", "")
    if text and (not text.isascii() or not text.isdigit() or len(text) > _DIGITS):
        raise InvalidInput("live.since", "'since' is the number of an event.")
    return int(text) if text else None


class _Ended(Response):
    """What is left of a connection that was taken over: nothing may be written to it any more."""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if "gunicorn.socket" in environ:
            raise StopIteration
        return []


def _close_at_stop(feeds: Feeds) -> None:
    """Send viewers away when the process is told to stop, then do what it would have done."""
    if threading.current_thread() is not threading.main_thread():
        return
    before = signal.getsignal(signal.SIGTERM)

    def stop(number: int, frame: FrameType | None) -> None:
        threading.Thread(target=feeds.close, daemon=True).start()
        if callable(before):
            before(number, frame)
        elif before is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.raise_signal(signal.SIGTERM)

    signal.signal(signal.SIGTERM, stop)


def _get(app: Flask, rule: str, endpoint: str, view: Callable[..., Response], *, websocket: bool = False) -> None:
    app.add_url_rule(
        rule, endpoint=endpoint, view_func=view, methods=["GET"], provide_automatic_options=False, websocket=websocket
    )
