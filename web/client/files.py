"""The files of the client: one an area, what several areas share, and the class that leads to them."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from web.client.document import Operation, operations
from web.client.methods import method
from web.client.text import class_name, docstring, module_name
from web.client.types import referred, typed_dict

Json = dict[str, Any]

_SHARED: Final = "shared"
_NOTE: Final = "\n\nWritten by ``make client`` from the OpenAPI document: change the route, never this file.\n"
#: Where names come from that a file may use.
_SOURCES: Final = {
    "collections.abc": ("Iterator", "Mapping"),
    "pathlib": ("Path",),
    "typing": ("Any", "Literal", "NotRequired", "TypedDict"),
    "appliance.client.calls": ("Calls", "Content", "Null", "quoted"),
    "appliance.client.connection": ("Connection",),
}


def client_files(document: Json) -> dict[str, str]:
    """Name of a file -> its text, formatted as the rest of the code is."""
    found: dict[str, list[Operation]] = {tag["name"]: [] for tag in document["tags"]}
    for operation in operations(document):
        found[operation.area].append(operation)
    homes = _homes(document, found)
    tags = [tag for tag in document["tags"] if found[tag["name"]]]
    files = {f"{module_name(tag['name'])}.py": _area(document, tag, found[tag["name"]], homes) for tag in tags}
    files[f"{_SHARED}.py"] = _shared(document, homes)
    files["__init__.py"] = _entrance([tag["name"] for tag in tags])
    return _formatted(files)


def _homes(document: Json, areas: dict[str, list[Operation]]) -> dict[str, str]:
    """Name of a model -> the module that defines it: its area's, or the shared one where several use it."""
    users: dict[str, set[str]] = {"Problem": set(), "FieldProblem": set()}
    for area, found in areas.items():
        for operation in found:
            parts = [operation.schema, *(one.schema for one in operation.fields or ())]
            for name in _closure(document, parts):
                users.setdefault(name, set()).add(module_name(area))
    return {name: next(iter(modules)) if len(modules) == 1 else _SHARED for name, modules in users.items()}


def _closure(document: Json, schema: Any) -> set[str]:
    """Every model that a schema leads to."""
    found: set[str] = set()
    waiting = list(referred(schema))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += referred(document["components"]["schemas"][name])
    return found


def _area(document: Json, tag: Json, found: list[Operation], homes: dict[str, str]) -> str:
    name = class_name(tag["name"])
    says = docstring(tag["description"], 4)
    head = f"class {name}:\n{says}\n\n    def __init__(self, calls: Calls) -> None:\n        self._calls = calls\n"
    body = "\n\n".join(method(operation) for operation in found)
    models = _models(document, homes, module_name(tag["name"]))
    return _module(tag["description"], "\n\n\n".join([*models, f"{head}\n{body}"]), homes, module_name(tag["name"]))


def _shared(document: Json, homes: dict[str, str]) -> str:
    models = _models(document, homes, _SHARED)
    return _module("Records that several areas share.", "\n\n\n".join(models), homes, _SHARED)


def _models(document: Json, homes: dict[str, str], module: str) -> list[str]:
    schemas = document["components"]["schemas"]
    return [typed_dict(name, schemas[name]) for name in sorted(homes) if homes[name] == module]


def _entrance(names: list[str]) -> str:
    imports = [f"from appliance.client.api.{module_name(name)} import {class_name(name)}" for name in names]
    made = [f"        self.{module_name(name)} = {class_name(name)}(calls)" for name in names]
    says = docstring("Everything that an appliance can be asked for; every method raises as `Connection` does.", 4)
    head = f"class Api:\n{says}\n\n    def __init__(self, connection: Connection) -> None:\n"
    text = head + "\n".join(["        calls = Calls(connection)", *made])
    return _module("The API of an appliance, area by area.", text, {}, "", "\n".join(imports))


def _module(says: str, text: str, homes: dict[str, str], module: str, imports: str = "") -> str:
    words = set(re.findall(r"\w+", text))
    lines = [
        f"from {source} import {', '.join(used)}"
        for source, names in _SOURCES.items()
        if (used := [name for name in names if name in words])
    ]
    shared = sorted(name for name, home in homes.items() if home == _SHARED != module and name in words)
    lines += [f"from appliance.client.api.{_SHARED} import {', '.join(shared)}"] if shared else []
    head = f'"""{says.rstrip(".")}.{_NOTE}"""\n\nfrom __future__ import annotations\n\n'
    return head + "\n".join([*lines, imports]) + f"\n\n\n{text}\n"


def _formatted(files: dict[str, str]) -> dict[str, str]:
    """As ``ruff`` writes them, with its settings for this project."""
    settings = Path(__file__).resolve().parents[2] / "pyproject.toml"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, text in files.items():
            (folder / file).write_text(text)
        for command in (["check", "--select", "I", "--fix"], ["format"]):
            subprocess.run(
                [sys.executable, "-m", "ruff", *command, "--quiet", "--config", str(settings), name], check=True
            )
        return {file: (folder / file).read_text() for file in sorted(files)}
