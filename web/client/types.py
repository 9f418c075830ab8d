"""Python's types for the schemas of the document, and TypedDicts for its models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from web.client.text import docstring

Json = dict[str, Any]

_PLAIN: Final = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
#: What says nothing about the type of a value.
_IGNORED: Final = {
    "title", "description", "default", "example", "examples", "format", "pattern", "minLength", "maxLength", "minimum",
    "maximum", "minItems", "maxItems",
}  # fmt: skip


def python_type(schema: Json) -> str:
    """The annotation of a value.

    Raises
    ------
    ValueError : the schema says something that no type here can say
    """
    told = {name: value for name, value in schema.items() if name not in _IGNORED}
    if not told:
        return "Any"
    if "$ref" in told:
        return model_name(told["$ref"])
    if "anyOf" in told:
        return " | ".join(dict.fromkeys(python_type(one) for one in told["anyOf"]))
    if "enum" in told or "const" in told:
        return f"Literal[{', '.join(repr(one) for one in told.get('enum', [told.get('const')]))}]"
    if told["type"] == "array":
        return f"list[{python_type(told.get('items', {}))}]"
    if told["type"] == "object" and "properties" not in told:
        values = told.get("additionalProperties", True)
        return f"dict[str, {'Any' if isinstance(values, bool) else python_type(values)}]"
    if told["type"] not in _PLAIN or set(told) != {"type"}:
        raise ValueError(f"no type for {told}")
    return _PLAIN[told["type"]]


def is_nullable(schema: Json) -> bool:
    """Whether null is one of its values."""
    return {"type": "null"} in schema.get("anyOf", [])


def model_name(reference: str) -> str:
    """The model that a reference names."""
    return reference.rpartition("/")[2]


def referred(schema: Any) -> Iterator[str]:
    """The models that a schema names."""
    if isinstance(schema, dict):
        if "$ref" in schema:
            yield model_name(schema["$ref"])
        schema = list(schema.values())
    if isinstance(schema, list):
        for part in schema:
            yield from referred(part)


def typed_dict(name: str, schema: Json) -> str:
    """A model as a TypedDict."""
    needed = schema.get("required", [])
    lines = [f"class {name}(TypedDict):", docstring(schema.get("description", name), indent=4), ""]
    for field, one in schema["properties"].items():
        annotation = python_type(one)
        lines.append(f"    {field}: {annotation if field in needed else f'NotRequired[{annotation}]'}")
    return "\n".join(lines)
