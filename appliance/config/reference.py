"""Settings as an operator reads them: the table of docs/configuration.md, and the first ``settings.toml``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import Field, fields
from typing import Any

from appliance.config.checks import CHOICES, RANGES
from appliance.config.settings import Settings
from appliance.config.sources import OTHER_VARIABLES, PREFIX


def settings_table() -> str:
    """Every setting: its name in the file, its variable, its default, what it may be, what it means."""
    rows = ["| `settings.toml` | environment | default | allowed | meaning |", "|---|---|---|---|---|"]
    for entry in _settings():
        name, meaning = entry.name, entry.metadata["meaning"]
        variable = f"`{_variable(name)}`"
        if entry.metadata["secret"]:
            variable += f" or `{_variable(name)}_FILE`"
        rows.append(f"| `{name}` | {variable} | {_shown(entry)} | {_allowed(entry)} | {meaning} |")
    return "\n".join(rows) + "\n"


def variables_table() -> str:
    """Variables of the same prefix that are no settings of the appliance."""
    rows = ["| variable | meaning |", "|---|---|"]
    rows += [f"| `{name}` | {meaning} |" for name, meaning in sorted(OTHER_VARIABLES.items())]
    return "\n".join(rows) + "\n"


def settings_template() -> str:
    """A ``settings.toml`` in which every setting stands as a comment with its default."""
    head = "# Settings of this appliance. Take the '#' away to change one; D2R_<NAME> in the environment wins.\n"
    blocks = [f"\n# {entry.metadata['meaning']}\n# {entry.name} = {_toml(entry)}\n" for entry in _settings()]
    return head + "".join(blocks)


def _settings() -> Iterator[Field[Any]]:
    return (entry for entry in fields(Settings) if entry.name != "data")


def _default(entry: Field[Any]) -> Any:
    return entry.default


def _variable(name: str) -> str:
    return f"{PREFIX}{name.upper()}"


def _shown(entry: Field[Any]) -> str:
    if entry.default in ("", None):
        return "none"
    return f"`{_size(_default(entry))}`" if entry.name.endswith("_bytes") else f"`{entry.default}`"


def _allowed(entry: Field[Any]) -> str:
    if entry.name in RANGES:
        low, high = RANGES[entry.name]
        return f"{_size(low)} to {_size(high)}" if entry.name.endswith("_bytes") else f"{low} to {high}"
    return ", ".join(f"`{choice}`" for choice in CHOICES[entry.name]) if entry.name in CHOICES else "text"


def _size(count: int) -> str:
    """A number of bytes in the largest unit that divides it."""
    for unit, factor in (("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if count and count % factor == 0:
            return f"{count // factor} {unit}"
    return str(count)


def _toml(entry: Field[Any]) -> str:
    if entry.name.endswith("_bytes"):
        return json.dumps(_size(_default(entry)))
    return json.dumps(entry.default if entry.default is not None else "")
