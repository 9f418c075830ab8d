"""An operation as a method: its arguments, what it says of itself, and the one call that it makes."""

from __future__ import annotations

from typing import Any, Final

from web.client.document import Operation, Parameter
from web.client.text import docstring
from web.client.types import is_nullable, python_type

#: How the arguments that the client adds are explained.
_MEANING: Final = {
    "held": "what the caller holds already; given back where it is unchanged",
    "seen": "what the change is meant for, as the appliance gave it; None: whatever is there",
    "idempotency_key": "whoever repeats the call under its key gets the same answer; None: a new one",
    "to": "file to write, whole or not at all",
    "at_most": "how many to take; None: all",
}


def method(operation: Operation) -> str:
    """The text of the method."""
    arguments = [*_positional(operation), *_keywords(operation)]
    header = f"    def {operation.name}({', '.join(['self', *arguments])}) -> {_returned(operation)}:"
    meanings = tuple((name, text) for name, text in _explained(operation) if text)
    lines = [f"return {_call(operation)}"]
    if operation.answer == "json":
        lines = [f"record: {_returned(operation)} = {_call(operation)}", "return record"]
    elif operation.answer == "file":
        lines = [_call(operation)]
    return "\n".join((header, docstring(operation.says, 8, meanings), *(f"        {line}" for line in lines)))


def _positional(operation: Operation) -> list[str]:
    named = [f"{one.argument}: str" for one in operation.in_path]
    if operation.needs_tag:
        named.append("seen: Mapping[str, object] | None")
    if operation.content:
        named.append("content: Content" if operation.needs_content else "content: Content | None = None")
    named += [f"{one.argument}: Path" + ("" if one.is_required else " | None = None") for one in operation.files]
    return named + (["to: Path"] if operation.answer == "file" else [])


def _keywords(operation: Operation) -> list[str]:
    asked = [_keyword(one, takes_null=False) for one in (*operation.asked, *_own(operation.in_headers))]
    stated = [_keyword(one, takes_null=operation.method == "PATCH") for one in operation.fields or ()]
    more = ["at_most: int | None = None"] if operation.answer == "page" else []
    more += [f"held: {python_type(operation.schema)} | None = None"] if operation.is_tagged else []
    more += ["idempotency_key: str | None = None"] if operation.takes_key else []
    return ["*", *asked, *stated, *more] if asked or stated or more else []


def _keyword(parameter: Parameter, *, takes_null: bool) -> str:
    """An argument; None leaves out what may be left out, and ``NULL`` is sent as null."""
    annotation = python_type(parameter.schema)
    if parameter.is_required:
        return f"{parameter.argument}: {annotation}"
    plain = annotation.removesuffix(" | None")
    null = " | Null" if takes_null and is_nullable(parameter.schema) else ""
    return f"{parameter.argument}: {plain}{null} | None = None"


def _explained(operation: Operation) -> list[tuple[str, str]]:
    parameters = (
        *operation.in_path, *operation.asked, *_own(operation.in_headers), *(operation.fields or ()), *operation.files
    )  # fmt: skip
    added = (
        ("seen", operation.needs_tag), ("to", operation.answer == "file"), ("at_most", operation.answer == "page"),
        ("held", operation.is_tagged), ("idempotency_key", operation.takes_key),
    )  # fmt: skip
    return [(one.argument, one.meaning) for one in parameters] + [(name, _MEANING[name]) for name, is_ in added if is_]


def _returned(operation: Operation) -> str:
    kinds = {"text": "bytes", "file": "None", "headers": "Mapping[str, str]"}
    if operation.answer == "page":
        return f"Iterator[{python_type(operation.schema)}]"
    return kinds.get(operation.answer) or python_type(operation.schema)


def _call(operation: Operation) -> str:
    """The verb of ``Calls`` that this operation is, with what it needs."""
    path = _path(operation)
    query = _mapping("query", operation.asked)
    body = _mapping("body", operation.fields) if operation.fields is not None else []
    method = repr(operation.method)
    if operation.answer == "page":
        return _written("pages", [path, "at_most=at_most", *query])
    if operation.answer == "file":
        return _written("keep", [path, "to", *query, *body])
    if operation.answer == "text":
        return _written("read", [path, *query])
    if operation.answer == "headers":
        return _written("exchange", [method, path, *_headers(operation), *_content(operation)])
    if operation.files:
        files = ", ".join(f"{one.name!r}: {one.argument}" for one in operation.files)
        return _written("send_form", [path, f"{{{files}}}", *query])
    if operation.content:
        return _written("send", [path, *_content(operation), *query])
    if operation.needs_tag:
        return _written("change", [path, "seen", *body])
    if operation.takes_key:
        return _written("once", [path, "idempotency_key", *body])
    if operation.is_tagged:
        return _written("get", [path, "held", *query])
    return _written("act", [method, path, *query, *body])


def _written(verb: str, arguments: list[str]) -> str:
    return f"self._calls.{verb}({', '.join(arguments)})"


def _path(operation: Operation) -> str:
    path = operation.path.replace("workspaces/{slug}", "{self._calls.workspace}")
    for one in operation.in_path:
        path = path.replace(f"{{{one.name}}}", f"{{quoted({one.argument})}}")
    return f'f"{path}"' if "{" in path else f'"{path}"'


def _mapping(name: str, parameters: tuple[Parameter, ...]) -> list[str]:
    """``query={...}``; what the caller leaves out is left out where it is sent."""
    pairs = ", ".join(f"{one.name!r}: {one.argument}" for one in parameters)
    return [f"{name}={{{pairs}}}"] if parameters or name == "body" else []


def _headers(operation: Operation) -> list[str]:
    fixed = [f"{one.name!r}: {one.schema['const']!r}" for one in operation.in_headers if "const" in one.schema]
    stated = [f"{one.name!r}: {one.argument}" for one in _own(operation.in_headers)]
    return [f"headers={{{', '.join([*fixed, *stated])}}}"] if fixed or stated else []


def _own(headers: tuple[Parameter, ...]) -> tuple[Parameter, ...]:
    """Headers that the caller states; others can only be one thing."""
    return tuple(one for one in headers if "const" not in one.schema)


def _content(operation: Operation) -> list[Any]:
    return [f"content=content, media_type={operation.content!r}"] if operation.content else []
