"""What holds for every request: ids, headers, strict JSON, strict queries, pages."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

import pytest

from appliance.core.logs import JsonLines
from tests.web.conftest import BASE, Cast


def refused(cast: Cast, body: str | bytes, media_type: str = "application/json") -> Any:
    return cast.owner("POST", "assets", data=body, headers={"Content-Type": media_type})


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("{", "request.json"),
        ('{"name": "a", "name": "b"}', "request.json"),
        ('{"name": "a", "metadata": {"x": NaN}}', "request.json"),
        ('{"name": "a", "metadata": {"x": Infinity}}', "request.json"),
        ('{"name": "\\ud800"}', "request.json"),
        (b'{"name": "\xff"}', "request.json"),
        ("[" * 100_000, "request.json"),
        ('{"name": "a", "metadata": {"x": %s}}' % ("[" * 300 + "]" * 300), "request.json"),
        ('{"name": "a", "metadata": {"x": %s}}' % ("1" * 5000), "request.json"),
        ('{"name": "a", "owner": "me"}', "request.invalid"),
        ('{"name": 5}', "request.invalid"),
        ('{"name": null}', "request.invalid"),
        ('{"name": ""}', "request.invalid"),
        ("[]", "request.invalid"),
        ("null", "request.invalid"),
        ('{"name": "a", "metadata": {"x": 1e400}}', "json.canonical"),
        ('{"name": "a\\u0000b"}', "asset.name"),
    ],
)
def test_json_that_is_not_strict_is_refused(cast: Cast, body: str | bytes, code: str) -> None:
    response = refused(cast, body)
    assert response.status_code == (400 if code == "request.json" else 422)
    assert response.json["code"] == code
    assert response.mimetype == "application/problem+json"


def test_a_body_of_another_type_or_size_is_refused(cast: Cast) -> None:
    assert refused(cast, "name=a", "application/x-www-form-urlencoded").status_code == 415
    assert refused(cast, b" " * ((1 << 20) + 1)).status_code == 413


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=x", "limit=1&limit=2", "nothing=1", "cursor=nonsense"]
)
def test_a_query_that_is_not_declared_is_refused(cast: Cast, query: str) -> None:
    assert cast.owner("GET", f"assets?{query}").status_code in (400, 422)


def test_errors_never_repeat_what_was_sent(cast: Cast) -> None:
    secret = "d2r_abcdefgh_" + "s" * 52
    response = refused(cast, json.dumps({"name": {"token": secret}}))
    assert response.status_code == 422
    assert "ssss" not in response.text


def test_every_answer_carries_an_id_and_guarding_headers(cast: Cast) -> None:
    stated = cast.owner("GET", "assets", headers={"X-Request-Id": "line-7.42"})
    assert stated.headers["X-Request-Id"] == "line-7.42"
    forged = cast.owner("GET", "assets", headers={"X-Request-Id": 'a"b c'})
    assert forged.headers["X-Request-Id"].startswith("req_")
    for response in (stated, cast.nobody("GET", "assets"), cast.nobody("GET", "/nothing")):
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["X-Frame-Options"] == "DENY"
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        assert response.headers["Cache-Control"] == "no-store"


def test_who_asks_for_the_head_gets_it_alone(cast: Cast) -> None:
    address, own = f"{BASE}/assets", {"Authorization": f"Bearer {cast.owner.token}"}
    whole = cast.owner.client.open(address, method="GET", headers=own)
    head = cast.owner.client.open(address, method="HEAD", headers=own)
    assert (head.status_code, head.data) == (200, b"")
    told = {name: value for name, value in whole.headers if name not in ("X-Request-Id", "RateLimit")}
    assert told.items() <= dict(head.headers).items()
    assert int(head.headers["Content-Length"]) == len(whole.data) > 0


def test_a_method_that_is_not_declared_is_refused_and_options_tell_nothing(cast: Cast) -> None:
    response = cast.owner("DELETE", "assets")
    assert response.status_code == 405
    assert response.json["code"] == "route.method"
    assert cast.nobody.client.options(f"{BASE}/assets").status_code == 405


def test_the_access_log_names_who_and_what_and_no_secrets(cast: Cast, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "d2r.access"):
        cast.owner("GET", "assets?limit=1")
    line = json.loads(JsonLines("web").format(caplog.records[-1]))
    assert line["message"] == f"GET {BASE}/assets 200"
    assert (line["principal"], line["role"]) == (cast.owner.key_id, "owner")
    assert line["ms"] > 0
    assert cast.owner.token not in json.dumps(line)


def test_pages_show_everything_once_whatever_is_added_in_between(cast: Cast) -> None:
    names = [f"paged-{number}" for number in range(7)]
    for asset in names[:5]:
        cast.owner.made("assets", {"name": asset})
    seen, cursor = [], ""
    while True:
        page = cast.owner.get(f"assets?limit=2{cursor}")
        assert len(page["items"]) <= 2
        seen += [item["name"] for item in page["items"]]
        if len(seen) == 2:
            for asset in names[5:]:
                cast.owner.made("assets", {"name": asset})
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert [name for name in seen if name.startswith("paged-")] == names
    assert len(set(seen)) == len(seen)


def test_a_cursor_belongs_to_its_list_and_filters(cast: Cast) -> None:
    for number in range(2):
        cast.owner.made("parts", {"name": f"cursor-{number}"})
    cursor = cast.owner.get("parts?limit=1")["next"]
    assert cast.owner("GET", f"parts?limit=1&cursor={cursor}").status_code == 200
    assert cast.owner("GET", f"devices?cursor={cursor}").json["code"] == "cursor.invalid"
    assert cast.owner("GET", f"parts?cursor={cursor[:-2]}").json["code"] == "cursor.invalid"


def test_a_view_that_fails_answers_without_its_reasons(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the secret is forty-two")

    monkeypatch.setattr(sys.modules["web.api.v1.parts"], "listed", fail)
    response = cast.owner.client.get(f"{BASE}/parts", headers={"Authorization": f"Bearer {cast.owner.token}"})
    assert response.status_code == 500
    assert "forty-two" not in response.text
