"""The document: valid, complete, and true to what the routes refuse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from openapi_spec_validator import validate

from tests.web.conftest import Cast
from web.api.contract import API
from web.api.v1 import AREAS


def test_the_document_is_valid_openapi(cast: Cast) -> None:
    document = cast.nobody.client.get("/openapi.json").json
    validate(document)
    assert document["openapi"].startswith("3.1")


def test_every_route_is_described_with_its_roles(cast: Cast) -> None:
    paths = cast.nobody.document.document["paths"]
    for area in AREAS:
        for route in area:
            operation = paths[API + route.path][route.method.lower()]
            assert operation["summary"]
            assert operation.get("x-d2r-roles", []) == sorted(route.roles or ())
    operations = [one["operationId"] for methods in paths.values() for one in methods.values()]
    assert len(set(operations)) == len(operations)


def test_bodies_refuse_what_they_do_not_name(cast: Cast) -> None:
    schemas = cast.nobody.document.document["components"]["schemas"]
    assert schemas["AssetIn"]["additionalProperties"] is False
    assert schemas["AssetIn"]["required"] == ["name"]


def operations(cast: Cast) -> Iterator[Any]:
    for path, methods in cast.nobody.document.document["paths"].items():
        if path.startswith(API):
            yield from methods.values()


def contents(cast: Cast) -> Iterator[tuple[str, str, Any]]:
    """Name of the operation, media type and content of every body and every answer."""
    for operation in operations(cast):
        for part in (operation.get("requestBody", {}), *operation["responses"].values()):
            for media_type, content in cast.nobody.document.resolved(part).get("content", {}).items():
                yield operation["operationId"], media_type, content


def test_every_body_and_every_answer_has_a_schema_and_json_an_example_that_fits(cast: Cast) -> None:
    found = list(contents(cast))
    assert len(found) > 400
    for name, media_type, content in found:
        assert content["schema"], (name, media_type)
        if "$ref" in content["schema"]:
            cast.nobody.document.validator(content["schema"]).validate(content["example"])


def test_every_parameter_that_must_be_there_has_an_example_that_fits(cast: Cast) -> None:
    needed = [one for operation in operations(cast) for one in operation["parameters"] if one["required"]]
    assert len(needed) > 90
    for parameter in needed:
        cast.nobody.document.validator(parameter["schema"]).validate(parameter["example"])


def test_every_guarded_route_names_its_security_and_the_problems_that_it_may_answer(cast: Cast) -> None:
    for operation in operations(cast):
        is_open = operation.get("security") == []
        assert is_open == ("x-d2r-roles" not in operation)
        named = {status for status in operation["responses"] if status >= "400"}
        assert named >= ({"400", "422"} if is_open else {"400", "401", "403", "404", "422", "503"})


def test_every_answer_has_the_headers_that_it_always_has(cast: Cast) -> None:
    for operation in operations(cast):
        for status, answer in operation["responses"].items():
            headers = cast.nobody.document.resolved(answer)["headers"]
            assert "X-Request-Id" in headers, (operation["operationId"], status)
            assert ("WWW-Authenticate" in headers) == (status == "401")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/openapi.json"])
def test_the_addresses_beside_the_api_answer_as_described(cast: Cast, path: str) -> None:
    anybody = cast.nobody.client.get(path)
    assert anybody.status_code == 200
    cast.nobody.document.check(anybody)
    forwarded = cast.nobody.client.get(path, headers={"X-Forwarded-For": "192.0.2.7"})
    assert (forwarded.status_code == 401) == (path == "/metrics")
    cast.nobody.document.check(forwarded)
