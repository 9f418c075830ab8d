"""Bodies that no program of ours sends, to every route that takes one: each is refused, and none is a fault."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.web.conftest import Cast
from web.api.contract import API, Route
from web.api.intake import MULTIPART
from web.api.v1 import AREAS

ROUTES = [route for area in AREAS for route in area if route.method in ("POST", "PUT", "PATCH", "DELETE")]
#: Queries that lead to the readers of files: a part that is there, and names of each kind.
QUERIES = ("", "?name=S5", "?part=known", "?part=known&name=a.stl&unit=mm", "?part=known&name=a.obj&unit=mm")
DEEP = "[" * 5000 + "]" * 5000
BODIES = {
    "nothing": b"",
    "deep lists": f"a = {DEEP}".encode(),
    "deep tables": ("a = " + "{b=" * 3000 + "1" + "}" * 3000).encode(),
    "deep JSON": DEEP.encode(),
    "deep JSON of a field": b'{"name": "a", "metadata": {"a": ' + b"[" * 90 + b"]" * 90 + b"}}",
    "a number of many digits": b"a = " + b"9" * 6000,
    "a number beyond floats": b"mpe_mm = 1" + b"0" * 400,
    "a JSON number of many digits": b'{"name": ' + b"9" * 6000 + b"}",
    "numbers that are none": b"mpe_mm = nan\nk = inf",
    "no characters": b"\0" * 100,
    "all bytes": bytes(range(256)) * 4,
    "another encoding": "name = 'a'".encode("utf-16"),
    "half of a character": b'{"name": "\\ud800"}',
    "a quote that does not end": b'id,nominal\n"' + b"x" * 200_000,
    "many columns": b",".join([b"a"] * 20_000),
    "a day that is none": b"calibrated_on = 9999-99-99",
    "a note": b"a\n1\n" + b"A" * 44 + b"\n\n\xe2\x80\x94 a AAAA\n",
    "a form in a form": b'--x\r\nContent-Disposition: form-data; name="file"; filename="../a"\r\n\r\nb\r\n--x--\r\n',
    "a form without end": b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n' + b"a" * 70_000,
}  # fmt: skip


def addresses(route: Route) -> Iterator[str]:
    path = API + re.sub(r"\{\w+\}", "known", route.path.replace("{slug}", "main"))
    yield from (path + query for query in (QUERIES if route.query else QUERIES[:1]))


def types(route: Route) -> tuple[str, ...]:
    if route.body:
        return ("application/json",)
    return ("application/json", "application/octet-stream", "application/toml", "text/csv", f"{MULTIPART}; boundary=x")


@pytest.fixture(scope="module")
def known(cast: Cast) -> str:
    return str(cast.owner.made("parts", {"name": "known"})["name"])


def test_there_are_routes_that_take_bodies() -> None:
    assert len(ROUTES) > 30


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_a_strange_body_is_refused_and_is_no_fault(cast: Cast, known: str, route: Route) -> None:
    owner = cast.appliance if "slug" not in route.parameters else cast.owner
    for address in addresses(route):
        for media_type in types(route):
            for name, body in BODIES.items():
                headers = {"Authorization": f"Bearer {owner.token}", "Content-Type": media_type, "If-Match": "*"}
                headers["Tus-Resumable"] = "1.0.0"
                response = cast.app.test_client().open(address, method=route.method, data=body, headers=headers)
                assert response.status_code < 500, f"{address} {media_type} {name}: {response.text}"
