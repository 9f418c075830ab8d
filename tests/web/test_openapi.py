"""The document: valid, complete, and true to what the routes refuse."""

from __future__ import annotations

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
