"""Schemas of answers that may hold some of their fields only: the whole one, and one in which every field may be left
out."""

from __future__ import annotations

from typing import Any, Final

from web.api.contract import Route

Json = dict[str, Any]

#: Ends the names of answers that hold some of their fields only.
_SPARSE: Final = "Sparse"


def add_sparse(components: Json, route: Route, names: Any) -> None:
    """Add the shape of the answer that holds some of its fields only."""
    if not route.is_sparse or route.answer is None:
        return
    whole_reference = names[(route.answer, "serialization")]["$ref"]
    full = whole_reference.rpartition("/")[2]
    whole = components[full]
    if "items" in whole["properties"]:
        item = whole["properties"]["items"]["items"]["$ref"]
        name = item.rpartition("/")[2]
        components[name + _SPARSE] = _optional(components[name])
        items = whole["properties"]["items"] | {"items": {"$ref": item + _SPARSE}}
        components[full + _SPARSE] = whole | {"properties": whole["properties"] | {"items": items}}
    else:
        components[full + _SPARSE] = _optional(whole)


def answer_schema(route: Route, names: Any) -> Json:
    """The schema of a route's model; of one that may be sparse, the whole one first."""
    whole: Json = names[(route.answer, "serialization")]
    return {"anyOf": [whole, {"$ref": whole["$ref"] + _SPARSE}]} if route.is_sparse else whole


def whole_schema(schema: Json) -> Json:
    """The schema of the whole answer."""
    first: Json = schema["anyOf"][0] if "anyOf" in schema else schema
    return first


def _optional(schema: Json) -> Json:
    some = {name: value for name, value in schema.items() if name != "required"}
    return some | {"title": f"{schema['title']}{_SPARSE}", "additionalProperties": False}
