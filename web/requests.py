"""Around every request: its id, its line in the access log, the headers of every answer, and the last guard."""

from __future__ import annotations

import logging
import re
import socket
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from flask import Flask, Request, Response

from appliance.config.settings import Settings
from appliance.core.ids import new_id
from web.here import here
from web.metrics import Metrics
from web.problems import problem

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger("d2r.access")

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "X-Permitted-Cross-Domain-Policies": "none",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
}
#: Where users come over TLS, browsers come over nothing else from then on.
_TLS_ONLY: Final = {"Strict-Transport-Security": "max-age=31536000; includeSubDomains"}
#: Answers of these lengths are given to the system whole; below, it takes them anyway, above are files.
_WHOLE_BYTES: Final = range(16 << 10, 1 << 20)
_DATA: Final = ("application/json", "application/problem+json")
#: Data that is opened as a page is kept and never shown.
AS_FILE: Final = ("Content-Disposition", 'attachment; filename="api.json"')
#: Paths that are asked every few seconds and say nothing.
_QUIET: Final = ("/healthz", "/readyz", "/metrics")


class Guarding:
    """An application whose answers, whatever they are, carry headers that they do not have of their own.

    Outside of Flask, where adding a header costs a hundredth: every answer has ten of them.
    """

    def __init__(self, application: WSGIApplication, headers: Mapping[str, str]) -> None:
        self._application = application
        self._headers = [(name.lower(), (name, value)) for name, value in headers.items()]
        #: What is added to answers with these headers; as many as there are kinds of answers.
        self._added: dict[tuple[str, ...], list[tuple[str, str]]] = {}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""

        def start(status: str, headers: list[tuple[str, str]], *failure: Any) -> Any:
            own = tuple([name for name, _ in headers])
            added = self._added.get(own)
            if added is None:
                added = self._added[own] = self._missing(own)
            headers.extend(added)
            return start_response(status, headers, *failure)

        return self._application(environ, start)

    def _missing(self, own: tuple[str, ...]) -> list[tuple[str, str]]:
        known = {name.lower() for name in own}
        return [header for name, header in self._headers if name not in known]


def number_requests(app: Flask) -> None:
    """Give every request an id (the caller's own, where it is well-formed) and a moment of its beginning."""

    @app.before_request
    def begin() -> None:
        request, kept = here()
        stated = request.environ.get("HTTP_X_REQUEST_ID", "")
        kept.request_id = stated if _REQUEST_ID.fullmatch(stated) else new_id("req")
        kept.began = time.perf_counter()


def finish_requests(app: Flask, metrics: Metrics, settings: Settings) -> None:
    """Write id and security headers on every answer, count it, and note it in the access log."""
    guarding = _HEADERS | (_TLS_ONLY if settings.is_secure else {})
    app.wsgi_app = Guarding(app.wsgi_app, guarding)  # type: ignore[method-assign]

    @app.after_request
    def end(response: Response) -> Response:
        request, kept = here()
        headers, status = response.headers, response.status_code
        headers.add("X-Request-Id", kept.get("request_id", ""))
        seconds = time.perf_counter() - kept.began if "began" in kept else 0.0
        metrics.count(request.endpoint or "unknown", request.method, status, seconds)
        if response.mimetype in _DATA and AS_FILE[0] not in headers:
            headers.add(*AS_FILE)
        _make_room(request, response)
        level = logging.DEBUG if request.path in _QUIET else logging.INFO
        if log.isEnabledFor(level):
            extra = {"fields": _line(request, kept, seconds)}
            log.log(level, "%s %s %d", request.method, request.path, status, extra=extra)
        return response


def deny_by_default(app: Flask, declared: frozenset[str], public: frozenset[str]) -> None:
    """What neither declared itself nor stands on the short public list is not there; a declared route that answered
    without having checked its caller is a fault, and its answer is withheld."""

    known = declared | public

    @app.before_request
    def guard() -> Response | None:
        endpoint = here()[0].endpoint
        if endpoint is None or endpoint in known:
            return None
        return problem(404, "route.unknown", "There is nothing here.")

    @app.after_request
    def withhold(response: Response) -> Response:
        request, kept = here()
        if request.endpoint in declared and response.status_code < 400 and not kept.get("authorized"):
            return problem(500, "internal", "The appliance failed at this request.")
        return response


def _make_room(request: Request, response: Response) -> None:
    """Let the system take an answer whole, so that no thread waits for a client that does not read it."""
    connection, length = request.environ.get("gunicorn.socket"), response.content_length
    if connection is None or response.is_streamed or length not in _WHOLE_BYTES:
        return
    if connection.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) < 2 * length:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, length)


def _line(request: Request, kept: Any, seconds: float) -> dict[str, object]:
    """The fields of the access log; neither query nor headers, which may hold secrets."""
    principal = kept.get("principal")
    fields = {
        "request": kept.get("request_id"), "ms": round(1000 * seconds, 1), "peer": request.remote_addr,
        "principal": principal.id if principal else None, "role": principal.role if principal else None,
        "via": principal.via or None if principal else None, "problem": kept.get("problem"),
    }  # fmt: skip
    return {name: value for name, value in fields.items() if value is not None}
