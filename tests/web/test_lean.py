"""What the application leaves out of Flask changes nothing that Flask would answer."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask, Request, Response, request, session
from werkzeug.exceptions import HTTPException
from werkzeug.test import EnvironBuilder

from web.lean import LeanFlask

RULES = ("/", "/folder/", "/things/<name>", "/things/<name>/parts", "/files/<path:rest>")


def with_rules(app: Flask) -> Flask:
    for rule in RULES:
        app.add_url_rule(rule, endpoint=rule, view_func=lambda **named: named, methods=["GET", "POST"])
    return app


LEAN, PLAIN = with_rules(LeanFlask("lean")), with_rules(Flask("plain"))


def environ(path: str, **more: Any) -> dict[str, Any]:
    return {**EnvironBuilder(path="/").get_environ(), "PATH_INFO": path, "REQUEST_URI": path, "RAW_URI": path, **more}


def found(app: Flask, given: dict[str, Any]) -> Any:
    """Which rule and which values, or which refusal and where it leads."""
    asked = Request(dict(given))
    try:
        adapter = app.create_url_adapter(asked)
        assert adapter is not None
        return asked.host, adapter.match(), adapter.build("/things/<name>", {"name": "a b"}, force_external=True)
    except HTTPException as error:
        return type(error), getattr(error, "new_url", None)


@pytest.mark.parametrize(
    "path",
    [
        "", "/", "//", "/folder", "/folder/", "/nothing", "//things/a", "/things/a/", "/things/%2e", "/things/\xc3\xa4",
        "/things/\xff", "/things//parts", "/files/a/b//c",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "more",
    [
        {}, {"REQUEST_METHOD": "DELETE"}, {"HTTP_HOST": "plant.example:8470"}, {"HTTP_HOST": "PLANT.example:80"},
        {"HTTP_HOST": "a b"}, {"HTTP_HOST": "[::1]:8470"}, {"HTTP_HOST": "\xe4.example"}, {"SCRIPT_NAME": "/under"},
        {"QUERY_STRING": "a=1&b=%20"}, {"wsgi.url_scheme": "https"},
        {"HTTP_UPGRADE": "websocket", "HTTP_CONNECTION": "upgrade"},
    ],
)  # fmt: skip
def test_a_path_leads_where_flask_would_take_it(path: str, more: dict[str, Any]) -> None:
    given = environ(path, **more)
    assert found(LEAN, given) == found(PLAIN, given)


def test_hooks_before_the_view_may_answer_and_those_after_it_run_last_first() -> None:
    app, order = LeanFlask("hooks"), []
    app.add_url_rule("/", view_func=lambda: "view")

    @app.before_request
    def answer() -> str | None:
        return "hook" if "stop" in request.args else None

    for name in ("first", "second"):

        def note(response: Response, name: str = name) -> Response:
            order.append(name)
            return response

        app.after_request(note)
    client = app.test_client()
    assert [client.get(path).text for path in ("/", "/?stop")] == ["view", "hook"]
    assert order == ["second", "first"] * 2


def test_nothing_can_be_kept_in_a_cookie_of_flasks() -> None:
    app = LeanFlask("cookies")

    @app.get("/")
    def keep() -> str:
        session["name"] = "ann"
        return ""

    app.testing = True
    with pytest.raises(RuntimeError, match="session is unavailable"):
        app.test_client().get("/")
