"""Where settings come from: ``settings.toml`` and the environment, both read strictly.

A name that nobody knows is refused with the nearest known one: a typing error must not leave a default in force.
Every secret may be given as NAME or, in a file, as NAME_FILE.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Final, NoReturn

from appliance.errors import Misconfigured

PREFIX: Final = "D2R_"
#: Variables of the same prefix that are no settings of the appliance: what they mean to an operator.
OTHER_VARIABLES: Final[Mapping[str, str]] = {
    "D2R_DATABASE_ADMIN": "A connection of PostgreSQL's administrator, for d2r init and d2r database alone.",
    "D2R_DATA": "The data folder, where --data does not name one.",
    "D2R_HOME": "The folder of d2r inspect and its key store.",
    "D2R_URL": "The appliance that the client commands talk to.",
    "D2R_API_KEY": "The API key that the client commands use; or D2R_API_KEY_FILE.",
    "D2R_API_KEY_FILE": "A file that holds the API key.",
    "D2R_WORKSPACE": "The workspace that the client commands work in.",
    "D2R_PUSH_STATE": "The file in which d2r push remembers uploads that it can resume.",
    "D2R_THREADS": "Threads of the numeric kernels; default: the cores of the process.",
    "D2R_KERNEL_CACHE": "The folder of compiled kernels of d2r inspect.",
    "D2R_DEBUG": "Print the traceback of an unexpected error.",
    "D2R_FUZZ_CASES": "How many mutated files the fuzz tests try.",
    "D2R_REQUIRE_SERVICES": "Fail tests whose services are missing, where they would be skipped.",
    "D2R_ALLOW_FAULTS": "Allow D2R_FAULT: for machines that hold no real data.",
    "D2R_FAULT": "Kill the process at a named point (docs/crash-matrix.md).",
}
#: How alike a name must be to a known one to be taken for a typing error (0 to 1).
_ALIKE: Final = 0.75
_SIZE: Final = re.compile(r"(\d+) ?([kmgt]i)?b?", re.IGNORECASE)
_FACTOR: Final = {"": 1, "ki": 1 << 10, "mi": 1 << 20, "gi": 1 << 30, "ti": 1 << 40}


def data_folder(argument: Path | None, environ: Mapping[str, str]) -> Path:
    """The data folder: the argument, else ``D2R_DATA``, else ``~/.local/share/d2r/appliance``; absolute."""
    chosen = argument or (Path(environ["D2R_DATA"]) if environ.get("D2R_DATA") else None)
    if chosen is None:
        share = environ.get("XDG_DATA_HOME")
        chosen = (Path(share) if share else Path.home() / ".local" / "share") / "d2r" / "appliance"
    return chosen.expanduser().absolute()


def read_file(path: Path, record: type) -> dict[str, Any]:
    """The values in ``settings.toml``, by field name; none where there is no such file.

    Raises
    ------
    Misconfigured : unreadable, not TOML, an unknown name, a value of another type
    """
    known = _types_of(record)
    try:
        values = tomllib.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise Misconfigured("settings.file", f"{path} cannot be read: {error}.") from error
    for name in values:
        if name not in known:
            _refuse(name, known, str(path))
    return {name: _typed(name, value, known[name]) for name, value in values.items()}


def read_environment(environ: Mapping[str, str], record: type) -> dict[str, Any]:
    """The values in ``D2R_<NAME>`` and, of secrets, in the files that ``D2R_<NAME>_FILE`` names.

    Raises
    ------
    Misconfigured : a name nearly that of a setting, a value that does not fit its type, an unreadable secret
    """
    types, secrets = _types_of(record), _secrets_of(record)
    names = {f"{PREFIX}{name.upper()}": name for name in types}
    files = {f"{PREFIX}{name.upper()}_FILE": name for name in secrets}
    values: dict[str, Any] = {}
    for variable, text in environ.items():
        if variable in names and text:
            values[names[variable]] = _parse(variable, text, types[names[variable]])
        elif variable in files and text:
            values.setdefault(files[variable], _read_secret(variable, Path(text)))
        elif variable.startswith(PREFIX) and variable not in {*names, *files, *OTHER_VARIABLES}:
            _refuse_alike(variable, [*names, *files, *OTHER_VARIABLES])
    return values


def _types_of(record: type) -> dict[str, str]:
    return {entry.name: str(entry.type) for entry in fields(record) if entry.name != "data"}


def _secrets_of(record: type) -> set[str]:
    return {entry.name for entry in fields(record) if entry.metadata.get("secret")}


def _typed(name: str, value: Any, kind: str) -> Any:
    """A value of the file, of the type of its setting."""
    if kind == "int" and isinstance(value, str):
        return _parse(name, value, kind)
    if isinstance(value, bool) or not isinstance(value, int if kind == "int" else str):
        wanted = "a whole number" if kind == "int" else "a text"
        raise Misconfigured("settings.type", f"The setting '{name}' is {wanted}, not {value!r}.")
    return value


def _parse(name: str, text: str, kind: str) -> Any:
    """A value of the environment; a size may carry its unit, as in ``16 GiB``."""
    if kind != "int":
        return text
    match = _SIZE.fullmatch(text.strip())
    if match is None or (match[2] and not name.lower().endswith("_bytes")):
        raise Misconfigured("settings.type", f"{name}={text!r} is no whole number.")
    return int(match[1]) * _FACTOR[(match[2] or "").lower()]


def _read_secret(variable: str, path: Path) -> str:
    try:
        return path.read_text().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured("settings.secret", f"{variable}: {path} cannot be read: {error}.") from error


def _refuse(name: str, known: Iterable[str], where: str) -> NoReturn:
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    hint = f"Did you mean '{near[0]}'?" if near else "docs/configuration.md lists the settings."
    raise Misconfigured("settings.unknown", f"{where}: '{name}' is no setting.", hint)


def _refuse_alike(variable: str, known: list[str]) -> None:
    """Refuse a variable that looks like a misspelt one; others of the prefix may belong to somebody else."""
    if difflib.get_close_matches(variable, known, n=1, cutoff=_ALIKE):
        _refuse(variable, known, "environment")
