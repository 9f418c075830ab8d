"""OpenAPI 3.1, written from the declared routes: the models that validate are the schemas that are published."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from appliance import __version__
from web.api import headers
from web.api.answers import answers, content_schema, problem_answers, statuses_in
from web.api.contract import API, Area, Route
from web.api.examples import FILES, WORDS, example_of
from web.api.health_paths import HEALTH, health_paths
from web.api.intake import MULTIPART
from web.api.sparse import FIELDS, item_fields
from web.api.sparse_schemas import add_sparse, whole_schema

Json = dict[str, Any]

_COMPONENT: Final = "#/components/schemas/{model}"
_SCHEMES: Final = {
    "apiKey": {
        "type": "http", "scheme": "bearer",
        "description": "An API key (d2r_...) of a device or program, or a personal token (d2p_...) of somebody.",
    },
    "accessToken": {
        "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
        "description": "A short-lived access token (RFC 9068, Ed25519), which a key, personal token or session is "
        "exchanged for; its keys stand at /.well-known/jwks.json.",
    },
}  # fmt: skip
#: What a parameter of a path is, where its name alone does not say it.
_PARAMETERS: Final = {
    "slug": "The workspace.",
    "part": "Id or name of a part.",
    "asset": "Id or name of an asset.",
    "device": "Id or name of a device.",
    "instrument": "Id of an instrument's revision, or its name for the newest one.",
}


class FieldProblem(BaseModel):
    """One field that cannot be used."""

    field: str
    message: str


class Problem(BaseModel):
    """RFC 9457 problem document; ``code`` is stable, ``hint`` says what to do."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    hint: str | None = None
    request_id: str | None = None
    errors: list[FieldProblem] | None = None


def document(areas: Sequence[Area], public_url: str = "") -> Json:
    """The whole document."""
    names, schemas = models_json_schema(_models(areas), ref_template=_COMPONENT)
    components = schemas.get("$defs", {})
    paths: dict[str, Json] = {}
    for area in areas:
        for route in area:
            paths.setdefault(API + route.path, {})[route.method.lower()] = _operation(route, names)
            add_sparse(components, route, names)
    _exemplify(paths, components)
    paths |= health_paths()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "D2R Appliance",
            "version": __version__,
            "description": "From a 3D scan and a CAD model to a verdict that anyone can re-prove.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": public_url or "/"}],
        "tags": [*({"name": area.name, "description": area.description} for area in areas), HEALTH],
        "paths": paths,
        "components": {
            "schemas": components,
            "responses": problem_answers(statuses_in(paths), names[(Problem, "serialization")]),
            "securitySchemes": _SCHEMES,
        },
        "security": [{"apiKey": []}, {"accessToken": []}],
    }


def _exemplify(paths: dict[str, Json], schemas: Json) -> None:
    """Give every body and every answer that is a model its example."""
    for operation in (one for operations in paths.values() for one in operations.values()):
        for part in (operation.get("requestBody", {}), *operation["responses"].values()):
            for content in part.get("content", {}).values():
                if "$ref" in (schema := whole_schema(content["schema"])):
                    content["example"] = example_of(schema, schemas)


def _models(areas: Sequence[Area]) -> list[tuple[type[BaseModel], Any]]:
    found: dict[tuple[type[BaseModel], Any], None] = {(Problem, "serialization"): None}
    for area in areas:
        for route in area:
            for model, mode in ((route.body, "validation"), (route.answer, "serialization")):
                if model is not None:
                    found[(model, mode)] = None
    return list(found)


def _operation(route: Route, names: Any) -> Json:
    operation: Json = {
        "operationId": route.view.__name__,
        "tags": [route.area],
        "summary": route.summary,
        "parameters": [_path_parameter(name) for name in route.parameters]
        + _query_parameters(route)
        + _fields_parameter(route)
        + _header_parameters(route),
        "responses": answers(route, names),
    }
    if doc := " ".join((route.view.__doc__ or "").split()):
        operation["description"] = doc
    if route.retirement is not None:
        operation["deprecated"] = True
    if route.roles is None:
        operation["security"] = []
    else:
        operation["x-d2r-roles"] = sorted(route.roles)
        if route.scope:
            operation["x-d2r-scope"] = route.scope
    if content := _request_body(route, names):
        operation["requestBody"] = {"required": not route.may_take, "content": content}
    return operation


def _request_body(route: Route, names: Any) -> Json:
    if route.body is not None:
        schema = names[(route.body, "validation")]
        return {"application/json": {"schema": schema}}
    known = FILES.get(route.name, {})
    return {
        media_type: {"schema": _taken(route, media_type)}
        | ({"example": known[media_type]} if media_type in known else {})
        for media_type in (*route.takes, *route.may_take)
    }


def _taken(route: Route, media_type: str) -> Json:
    """What a body looks like that the view reads itself: a file, or a form of files."""
    if media_type != MULTIPART:
        return content_schema(media_type)
    file = {"type": "string", "format": "binary"}
    return {
        "type": "object",
        "properties": dict.fromkeys(route.parts, file),
        "required": [route.parts[0]],
        "additionalProperties": False,
    }


def _path_parameter(name: str) -> Json:
    described = {"description": _PARAMETERS[name]} if name in _PARAMETERS else {}
    schema = {"type": "string", "minLength": 1}
    return {"name": name, "in": "path", "required": True, "schema": schema, **described, **_example(name)}


def _example(name: str) -> Json:
    return {"example": WORDS[name]} if name in WORDS else {}


def _query_parameters(route: Route) -> list[Json]:
    if route.query is None:
        return []
    schema = route.query.model_json_schema()
    required = schema.get("required", [])
    return [_query_parameter(name, item, name in required) for name, item in schema["properties"].items()]


def _query_parameter(name: str, schema: Json, required: bool) -> Json:
    plain = {key: value for key, value in schema.items() if key not in ("title", "description")}
    described = {"description": schema["description"]} if "description" in schema else {}
    example = _example(name) if required else {}
    return {"name": name, "in": "query", "required": required, "schema": plain, **described, **example}


def _fields_parameter(route: Route) -> list[Json]:
    if not route.is_sparse or route.answer is None:
        return []
    names = {"type": "string", "enum": sorted(item_fields(route.answer))}
    schema = {"type": "array", "items": names, "minItems": 1, "uniqueItems": True}
    described = {"description": "The fields to answer with; left out: all of them.", "schema": schema}
    return [{"name": FIELDS, "in": "query", "required": False, "style": "form", "explode": False, **described}]


def _header_parameters(route: Route) -> list[Json]:
    """The headers by which a request is conditional or may be repeated, and those of the route's own."""
    known = [headers.IF_NONE_MATCH] if route.is_tagged and route.method == "GET" else []
    known += [headers.IF_MATCH] if route.if_match else []
    known += [headers.IDEMPOTENCY_KEY] if route.once else []
    return [header.parameter for header in (*known, *route.takes_headers)]
