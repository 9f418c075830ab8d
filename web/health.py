"""Whether this process lives, whether the appliance can work, what it measures, its API, and what signs tokens."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any, Final

from flask import Flask, Response, g, request

from appliance.core.canonical import canonical_bytes
from appliance.errors import D2RError
from appliance.identity.tokens.signing import jwk_set
from appliance.tenancy.site import Site
from web.api.contract import WATCHERS
from web.api.dispatch import caller, require_role
from web.api.scopes import METRICS_SCOPE
from web.metrics import Metrics
from web.rates import Rates

#: Endpoints that anybody may ask; ``metrics`` sees to its callers itself.
PUBLIC: Final = frozenset({"healthz", "readyz", "metrics", "openapi", "jwks"})
#: An answer of ``/readyz`` counts for this long: whoever asks often costs nothing.
_KEPT_S: Final = 0.5
_METRICS: Final = "text/plain; version=1.0.0; charset=utf-8"


def health(app: Flask, site: Site, metrics: Metrics, rates: Rates, document: dict[str, Any]) -> None:
    """Make the five public addresses reachable."""
    readiness, described = Readiness(site), canonical_bytes(document)
    _get(app, "/healthz", "healthz", lambda: _json(canonical_bytes({"status": "ok"})))
    _get(app, "/readyz", "readyz", lambda: _ready(readiness))
    _get(app, "/metrics", "metrics", lambda: _measured(site, metrics, rates))
    _get(app, "/openapi.json", "openapi", lambda: _json(described))
    _get(app, "/.well-known/jwks.json", "jwks", lambda: _json(canonical_bytes(jwk_set(site))))


class Readiness:
    """What must work for the appliance to take scans in; remembered for an instant."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._lock = threading.Lock()
        self._found: dict[str, str] = {}
        self._found_at = float("-inf")

    def look(self) -> tuple[bool, dict[str, str]]:
        """Whether it is ready, and how each thing is: ``ok``, or why not.

        A Redis that is away delays verdicts and loses nothing: that is said, and no reason to send nobody here.
        """
        with self._lock:
            if time.monotonic() - self._found_at > _KEPT_S:
                self._found, self._found_at = self._ask(), time.monotonic()
            found = self._found
        return found["database"] == found["objects"] == "ok", found

    def _ask(self) -> dict[str, str]:
        return {
            "database": _tried(self._ask_database),
            "objects": _tried(self._write_object),
            "redis": "ok" if self._site.queue.answers() else "away",
        }

    def _ask_database(self) -> None:
        with self._site.control_session() as control:
            control.fetch("SELECT COUNT(*) FROM workspace")

    def _write_object(self) -> None:
        with tempfile.TemporaryFile(dir=self._site.settings.uploads_folder) as file:
            os.write(file.fileno(), b"\0" * 4096)


def _tried(act: Callable[[], None]) -> str:
    try:
        act()
    except (D2RError, OSError) as error:
        return error.code if isinstance(error, D2RError) else error.strerror or "failed"
    return "ok"


def _ready(readiness: Readiness) -> Response:
    is_ready, found = readiness.look()
    status = "ready" if is_ready and found["redis"] == "ok" else "degraded" if is_ready else "unready"
    return _json(canonical_bytes({"status": status, "checks": found}), 200 if is_ready else 503)


def _measured(site: Site, metrics: Metrics, rates: Rates) -> Response:
    """Metrics, for this machine itself and for whoever has the key to watch it."""
    if not _is_local():
        principal = caller(site, rates)
        require_role(principal, frozenset({principal.role}) if principal.is_everywhere else WATCHERS, METRICS_SCOPE)
    g.authorized = True
    return Response(metrics.text(), content_type=_METRICS, headers={"Cache-Control": "no-store"})


def _is_local() -> bool:
    """Whether this machine asks, and not a proxy on it for somebody else."""
    forwarded = any(name in request.headers for name in ("X-Forwarded-For", "Forwarded", "X-Real-Ip"))
    return not forwarded and ip_address(request.remote_addr or "0.0.0.0").is_loopback


def _json(body: bytes, status: int = 200) -> Response:
    return Response(body, status, content_type="application/json", headers={"Cache-Control": "no-store"})


def _get(app: Flask, rule: str, endpoint: str, view: Callable[[], Response]) -> None:
    app.add_url_rule(rule, endpoint=endpoint, view_func=view, methods=["GET"], provide_automatic_options=False)
