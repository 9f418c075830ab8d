"""Headers that guard every answer, whoever asks and whatever comes of it."""

from __future__ import annotations

import re

import pytest
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from tests.web.conftest import Cast
from tests.web.test_console import signed_in
from web.app import create_app

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Permitted-Cross-Domain-Policies": "none",
}
#: What anybody may keep: it is the same for everybody.
KEPT = "/console/static/"


def check(response: TestResponse, path: str) -> None:
    for name, value in ALWAYS.items():
        assert response.headers.getlist(name) == [value], f"{path}: {name}"
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in policy
    assert not re.search(r"unsafe-|\*|https?:", policy), f"{path}: {policy}"
    assert response.headers["Referrer-Policy"] in ("no-referrer", "same-origin")
    assert "Permissions-Policy" in response.headers
    assert not any(name.startswith("Access-Control-") for name, _ in response.headers)
    if not path.startswith(KEPT) or response.status_code >= 400:
        assert "no-store" in response.headers.get("Cache-Control", ""), f"{path}: {response.status_code} may be kept"
    if response.data:
        assert response.mimetype, f"{path}: no type"
    if response.mimetype.startswith("text/"):
        assert response.mimetype_params.get("charset") == "utf-8", path
    if response.mimetype in ("application/json", "application/problem+json"):
        assert response.headers["Content-Disposition"] == 'attachment; filename="api.json"'


def address(rule: Rule) -> str:
    known = {"slug": "main", "name": "console.css" if "static" in rule.rule else "report.pdf"}
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda match: known.get(match[1], "nothing"), rule.rule)


def test_every_address_answers_with_them_to_everybody_with_every_method(cast: Cast) -> None:
    browser, _ = signed_in(cast, cast.owner)
    key = {"Authorization": f"Bearer {cast.owner.token}"}
    rules = list(cast.app.url_map.iter_rules())
    assert len(rules) > 80
    for rule in rules:
        path = address(rule)
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
            if "logout" in path and method == "POST":
                continue
            check(cast.app.test_client().open(path, method=method), path)
            check(browser.open(path, method=method, headers=key), path)


@pytest.mark.parametrize("path", ["/nothing", "/console/static/", "/console/static", "/.git/config", "/api/v1/x/../y"])
def test_what_is_not_there_answers_with_them_too_and_shows_no_folder(cast: Cast, path: str) -> None:
    response = cast.app.test_client().get(path)
    assert response.status_code in (303, 308, 404)
    assert "live.js" not in response.text
    check(response, path)


def test_a_fault_answers_with_them_too_and_without_detail(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_DEBUG", "1")
    app = create_app(site=cast.site)
    assert not app.debug

    def fail(**_: object) -> None:
        raise RuntimeError("detail")

    app.view_functions["parts.list_parts"] = fail
    response = app.test_client().get("/api/v1/workspaces/main/parts")
    assert response.status_code == 500
    assert "detail" not in response.json["detail"].replace("The appliance", "")
    assert "Traceback" not in response.text
    check(response, "/parts")
