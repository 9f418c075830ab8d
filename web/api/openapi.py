"""OpenAPI 3.1, written from the declared routes: the models that validate are the schemas that are published."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from appliance import __version__
from web.api.contract import API, Area, Route
from web.api.once import KEY
from web.api.sparse import FIELDS, item_fields
from web.problems import MEDIA_TYPE

Json = dict[str, Any]

_COMPONENT: Final = "#/components/schemas/{model}"
#: What a parameter of a path is, where its name alone does not say it.
_PARAMETERS: Final = {
    "slug": "The workspace.",
    "part": "Id or name of a part.",
    "asset": "Id or name of an asset.",
    "device": "Id or name of a device.",
    "instrument": "Id of an instrument's revision, or its name for the newest one.",
}

#: Ends the names of answers that hold some of their fields only.
_SPARSE: Final = "Sparse"
#: What every answer to a known caller says of its rate.
_RATE: Final[Json] = {
    "RateLimit-Policy": {"description": "Requests (q) in how many seconds (w)", "schema": {"type": "string"}},
    "RateLimit": {"description": "Requests left (r) for how many seconds (t)", "schema": {"type": "string"}},
}
_ETAG: Final[Json] = {"description": "Entity tag (RFC 9110)", "schema": {"type": "string"}}


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
            _add_sparse(components, route, names)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "D2R Appliance",
            "version": __version__,
            "description": "From a 3D scan and a CAD model to a verdict that anyone can re-prove.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": public_url or "/"}],
        "tags": [{"name": area.name, "description": area.description} for area in areas],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"apiKey": {"type": "http", "scheme": "bearer", "description": "An API key, d2r_..."}},
        },
        "security": [{"apiKey": []}],
    }


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
        "responses": _responses(route, names),
    }
    if doc := " ".join((route.view.__doc__ or "").split()):
        operation["description"] = doc
    if route.retirement is not None:
        operation["deprecated"] = True
    if route.roles is None:
        operation["security"] = []
    else:
        operation["x-d2r-roles"] = sorted(route.roles)
    if content := _request_body(route, names):
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _request_body(route: Route, names: Any) -> Json:
    if route.body is not None:
        return {"application/json": {"schema": names[(route.body, "validation")]}}
    return {media_type: {} for media_type in route.takes}


def _path_parameter(name: str) -> Json:
    described = {"description": _PARAMETERS[name]} if name in _PARAMETERS else {}
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}, **described}


def _query_parameters(route: Route) -> list[Json]:
    if route.query is None:
        return []
    schema = route.query.model_json_schema()
    required = schema.get("required", [])
    return [_query_parameter(name, item, name in required) for name, item in schema["properties"].items()]


def _query_parameter(name: str, schema: Json, required: bool) -> Json:
    plain = {key: value for key, value in schema.items() if key not in ("title", "description")}
    described = {"description": schema["description"]} if "description" in schema else {}
    return {"name": name, "in": "query", "required": required, "schema": plain, **described}


def _fields_parameter(route: Route) -> list[Json]:
    if not route.is_sparse or route.answer is None:
        return []
    names = {"type": "string", "enum": sorted(item_fields(route.answer))}
    schema = {"type": "array", "items": names, "minItems": 1, "uniqueItems": True}
    described = {"description": "The fields to answer with; left out: all of them.", "schema": schema}
    return [{"name": FIELDS, "in": "query", "required": False, "style": "form", "explode": False, **described}]


def _add_sparse(components: Json, route: Route, names: Any) -> None:
    """Add the shape of the answer that holds some of its fields only."""
    if not route.is_sparse or route.answer is None:
        return
    full = names[(route.answer, "serialization")]["$ref"].rpartition("/")[2]
    whole = components[full]
    if "items" in whole["properties"]:
        item = whole["properties"]["items"]["items"]["$ref"].rpartition("/")[2]
        components[item + _SPARSE] = _optional(components[item])
        items = whole["properties"]["items"] | {"items": {"$ref": _COMPONENT.format(model=item + _SPARSE)}}
        components[full + _SPARSE] = whole | {"properties": whole["properties"] | {"items": items}}
    else:
        components[full + _SPARSE] = _optional(whole)


def _optional(schema: Json) -> Json:
    some = {name: value for name, value in schema.items() if name != "required"}
    return some | {"title": f"{schema['title']}{_SPARSE}", "additionalProperties": False}


def _answer_schema(route: Route, names: Any) -> Json:
    """The schema of the answer; of one that may be sparse, the whole one first."""
    if route.answer is None:
        return {}
    whole: Json = names[(route.answer, "serialization")]
    return {"schema": {"anyOf": [whole, {"$ref": whole["$ref"] + _SPARSE}]} if route.is_sparse else whole}


def _header_parameters(route: Route) -> list[Json]:
    """The headers by which a request is conditional or may be repeated."""
    known = [("If-None-Match", "The ETag of an answer that the caller holds.", False)]
    known = known if route.is_tagged and route.method == "GET" else []
    known += [("If-Match", "The ETag of what is to be changed, or '*'.", True)] if route.if_match else []
    known += (
        [(KEY, "Who repeats a request under its key, within 24 h, gets the same answer.", False)] if route.once else []
    )
    return [
        {"name": name, "in": "header", "required": required, "schema": {"type": "string"}, "description": meaning}
        for name, meaning, required in known
    ]


def _responses(route: Route, names: Any) -> Json:
    is_file = route.answer is None and (route.method == "GET" or route.media_type != "application/json")
    is_empty = route.answer is None and not is_file
    status = 204 if is_empty and route.status == 200 and route.method != "HEAD" else route.status
    success: Json = {"description": route.summary}
    if not is_empty:
        success["content"] = {route.media_type: _answer_schema(route, names)}
    problems = {400, 422, *route.errors} | ({401, 403, 404, 429, 503} if route.roles is not None else set())
    problems |= {413, 415} if route.body is not None or route.takes else set()
    problems |= {409} if route.once else set()
    problems |= {412, 428} if route.if_match else set()
    unchanged: Json = {}
    success["headers"] = dict(_RATE) if route.roles is not None else {}
    if route.is_tagged:
        success["headers"]["ETag"] = _ETAG
        if route.method == "GET":
            unchanged = {"304": {"description": "Unchanged", "headers": success["headers"]}}
    body = {MEDIA_TYPE: {"schema": names[(Problem, "serialization")]}}
    return (
        {str(status): success}
        | unchanged
        | {str(code): {"description": "Problem (RFC 9457)", "content": body} for code in sorted(problems)}
    )
