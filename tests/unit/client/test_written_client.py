"""The client in the repository is the one that the API's document describes now, and it leaves nothing out."""

from __future__ import annotations

import inspect
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from appliance.client import api
from web.api.openapi import document
from web.api.v1 import AREAS
from web.client.__main__ import FOLDER
from web.client.files import client_files
from web.client.text import class_name, module_name
from web.client.types import python_type


@pytest.fixture(scope="module")
def described() -> Any:
    return document(AREAS)


def on_disk() -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(Path(FOLDER).glob("*.py"))}


def test_the_client_is_up_to_date(described: Any) -> None:
    written, there = client_files(described), on_disk()
    stale = [name for name in {*written, *there} if written.get(name) != there.get(name)]
    assert not stale, f"run 'make client': {', '.join(sorted(stale))}"


def test_a_changed_route_changes_the_client(described: Any) -> None:
    changed = deepcopy(described)
    changed["components"]["schemas"]["PartIn"]["properties"]["drawing"] = {"type": "string"}
    listed = changed["paths"]["/api/v1/workspaces/{slug}/parts"]["get"]["parameters"]
    listed.append({"name": "made-by", "in": "query", "required": False, "schema": {"type": "integer"}})
    parts = client_files(changed)["parts.py"]
    assert "drawing: str | None = None" in parts
    assert '"drawing": drawing' in parts
    assert "made_by: int | None = None" in parts
    assert '"made-by": made_by' in parts


def test_every_operation_is_a_method_of_its_area() -> None:
    routes = [route for area in AREAS for route in area]
    assert len(routes) > 60
    for route in routes:
        area = getattr(api, class_name(route.area))
        method = getattr(area, route.view.__name__)
        arguments = [name for name in route.parameters if name != "slug"]
        assert list(inspect.signature(method).parameters)[1 : len(arguments) + 1] == arguments
        assert method.__module__ == f"appliance.client.api.{module_name(route.area)}"


@pytest.mark.parametrize(
    "schema",
    [{"type": "string", "unheard-of": 1}, {"oneOf": [{"type": "string"}]}, {"type": "object", "properties": {}}],
    ids=str,
)
def test_a_schema_that_no_type_can_say_is_refused(schema: Any) -> None:
    with pytest.raises((ValueError, KeyError)):
        python_type(schema)


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "string", "maxLength": 3}, "str"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "int | None"),
        ({"enum": ["a", "b"], "type": "string"}, "Literal['a', 'b']"),
        ({"type": "array", "items": {"$ref": "#/components/schemas/Found"}}, "list[Found]"),
        ({"type": "object", "additionalProperties": {"type": "number"}}, "dict[str, float]"),
        ({"title": "Anything"}, "Any"),
    ],
    ids=str,
)
def test_schemas_become_types(schema: Any, said: str) -> None:
    assert python_type(schema) == said
