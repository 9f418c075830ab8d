"""What the client needs to know of an operation, read from the OpenAPI document.

Only what ``web.api.openapi`` writes is understood; anything else is refused, so that nothing is left out in silence.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

Json = dict[str, Any]

_ROOT: Final = "/api/v1/"
#: Headers that the client sees to itself.
_IF_MATCH: Final = "If-Match"
_IF_NONE_MATCH: Final = "If-None-Match"
_KEY: Final = "Idempotency-Key"
_BYTES: Final = "application/octet-stream"
_FORM: Final = "multipart/form-data"


@dataclass(frozen=True)
class Parameter:
    """A value that the caller of an operation gives: in the path, the query, a header or the body."""

    name: str
    schema: Json
    is_required: bool
    meaning: str

    @property
    def argument(self) -> str:
        """The name of the argument."""
        return self.name.lower().replace("-", "_")


@dataclass(frozen=True)
class Operation:
    """One operation of the API.

    Attributes
    ----------
    path : below the root of the API, its parameters in braces
    fields : of the JSON body; None where there is none
    files : parts of a form of files
    content : media type of a body that is sent as it is
    answer : ``json``, ``page``, ``text``, ``file``, or ``headers`` where there is no body
    schema : of the answer, or of one item of a page
    """

    name: str
    area: str
    method: str
    path: str
    says: str
    in_path: tuple[Parameter, ...]
    in_query: tuple[Parameter, ...]
    in_headers: tuple[Parameter, ...]
    fields: tuple[Parameter, ...] | None
    files: tuple[Parameter, ...]
    content: str | None
    needs_content: bool
    answer: str
    schema: Json
    is_tagged: bool
    needs_tag: bool
    takes_key: bool

    @property
    def asked(self) -> tuple[Parameter, ...]:
        """What the caller says of the query; the cursor of a page is the client's own, and answers are whole."""
        own = ("fields", "cursor", "limit") if self.answer == "page" else ("fields",)
        return tuple(one for one in self.in_query if one.name not in own)


def operations(document: Json) -> Iterator[Operation]:
    """Every operation of the API, in the order of the document."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items() if path.startswith(_ROOT) else ():
            yield _operation(document, path.removeprefix(_ROOT), method.upper(), operation)


def _operation(document: Json, path: str, method: str, found: Json) -> Operation:
    named = {place: _parameters(found, place) for place in ("path", "query", "header")}
    headers = {one.name for one in named["header"]}
    answer, schema = _answer(document, found)
    body = found.get("requestBody", {})
    taken = body.get("content", {})
    return Operation(
        name=found["operationId"],
        area=found["tags"][0],
        method=method,
        path=path,
        says=". ".join(filter(None, (found["summary"], found.get("description", "").rstrip(".")))),
        in_path=tuple(one for one in named["path"] if one.name != "slug"),
        in_query=named["query"],
        in_headers=tuple(one for one in named["header"] if one.name not in (_IF_MATCH, _IF_NONE_MATCH, _KEY)),
        fields=None if _FORM in taken else _fields(document, taken.get("application/json")),
        files=_fields(document, taken.get(_FORM)) or (),
        content=_content(taken),
        needs_content=body.get("required", False),
        answer=answer,
        schema=schema,
        is_tagged=_IF_NONE_MATCH in headers,
        needs_tag=_IF_MATCH in headers,
        takes_key=_KEY in headers,
    )


def _parameters(operation: Json, place: str) -> tuple[Parameter, ...]:
    return tuple(
        Parameter(one["name"], one["schema"], one["required"], one.get("description", ""))
        for one in operation["parameters"]
        if one["in"] == place
    )


def _fields(document: Json, content: Json | None) -> tuple[Parameter, ...] | None:
    """The properties of a body, one argument each."""
    if content is None:
        return None
    schema = resolved(document, content["schema"])
    needed = schema.get("required", [])
    return tuple(
        Parameter(name, one, name in needed, one.get("description", "")) for name, one in schema["properties"].items()
    )


def _content(content: Json) -> str | None:
    """The media type of a body that is sent as it is; the plainest where several will do."""
    raw = [media_type for media_type in content if media_type not in ("application/json", _FORM)]
    if not raw or _FORM in content:
        return None
    return _BYTES if _BYTES in raw else raw[0]


def _answer(document: Json, operation: Json) -> tuple[str, Json]:
    success = next(answer for status, answer in operation["responses"].items() if status.startswith("2"))
    if not success.get("content"):
        return "headers", {}
    ((media_type, content),) = success["content"].items()
    if "Content-Disposition" in success["headers"]:
        return "file", {}
    if media_type != "application/json":
        return "text", {}
    # Of an answer that may be sparse, the whole one comes first; the client asks for no other.
    schema = content["schema"].get("anyOf", [content["schema"]])[0]
    fields = resolved(document, schema)["properties"]
    if set(fields) == {"items", "next"}:
        return "page", fields["items"]["items"]
    return "json", schema


def resolved(document: Json, schema: Json) -> Json:
    """A schema, or the component that it refers to."""
    name = schema.get("$ref", "").removeprefix("#/components/schemas/")
    found: Json = document["components"]["schemas"][name] if name else schema
    return found
