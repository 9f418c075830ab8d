"""Flask without what this appliance uses nothing of, and would pay for at every request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from flask import Flask, Request, Response
from flask.sessions import NullSession, SessionInterface, SessionMixin
from flask.typing import ResponseReturnValue
from werkzeug.routing import MapAdapter
from werkzeug.wsgi import get_host


class _NoSessions(SessionInterface):
    """Sessions are rows (``identity``), never cookies of Flask's: one that nobody can write in serves all."""

    _none: Final = NullSession()

    def open_session(self, app: Flask, request: Request) -> SessionMixin:
        return self._none


class LeanFlask(Flask):
    """An application of one level (no blueprints), whose views and hooks are plain functions, under any name of a host.

    It has no folders of Flask's and no sessions; hooks belong to the application and never to a request
    (``after_this_request``).
    """

    session_interface = _NoSessions()

    def __init__(self, name: str) -> None:
        super().__init__(name, static_folder=None, template_folder=None)

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function as it is: to ask whether it is a coroutine takes longer than most of them."""
        return func

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """What finds the route: the host, checked once, stands in redirections and decides nothing."""
        if request is None:
            return None
        if "HTTP_UPGRADE" in request.environ:
            return super().create_url_adapter(request)
        request.host = host = get_host(request.environ)
        path = request.environ.get("PATH_INFO", "").encode("latin-1").decode(errors="replace")
        query = request.query_string.decode(errors="replace")
        return MapAdapter(
            self.url_map, host.lower(), request.root_path, "", request.scheme, path, request.method, query
        )

    def preprocess_request(self) -> ResponseReturnValue | None:
        """Ask every hook before the view; the first answer counts."""
        for hook in self.before_request_funcs[None]:
            answer: ResponseReturnValue | None = hook()  # type: ignore[assignment]
            if answer is not None:
                return answer
        return None

    def process_response(self, response: Response) -> Response:
        """Give the answer to every hook, the one that was registered last first."""
        for hook in reversed(self.after_request_funcs[None]):
            response = hook(response)
        return response
