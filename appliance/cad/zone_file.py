"""The zone file: named parts of a model's surface, in TOML, read strictly.

An unknown key is refused with the nearest known one; nothing is guessed.  docs/zones.md describes
the format for those who write it.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from appliance.cad.records import Box
from appliance.cad.regions import DEFAULT_CREASE_DEG, Seed
from appliance.core.files import unreadable
from appliance.core.units import mm_per_unit
from appliance.errors import InvalidInput

_FILE_KEYS: Final = ("version", "unit", "zones")
_ZONE_KEYS: Final = ("faces", "face_names", "triangles", "box", "seeds", "description")
_BOX_KEYS: Final = ("lower", "upper")
_SEED_KEYS: Final = ("at", "crease_deg", "normal")
_SELECTORS: Final = ("faces", "face_names", "triangles", "box", "seeds")
#: A zone file is written by hand; a larger one is none.
_LARGEST_BYTES: Final = 16 << 20

Range = tuple[int, int]


@dataclass(frozen=True)
class ZoneRule:
    """How one zone is found: the union of faces, triangles and seeds, cut down to what touches ``box``.

    ``faces`` and ``triangles`` are ranges of numbers, both ends included.
    """

    name: str
    faces: tuple[Range, ...] = ()
    face_names: tuple[str, ...] = ()
    triangles: tuple[Range, ...] = ()
    seeds: tuple[Seed, ...] = ()
    box: Box | None = None


def read_zone_file(path: Path) -> tuple[ZoneRule, ...]:
    """The rules of a zone file, in its order.

    Raises
    ------
    InvalidInput : not TOML, an unknown key, a value of the wrong kind, a zone that selects nothing
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error
    if len(data) > _LARGEST_BYTES:
        raise _wrong("the zone file is larger than 16 MiB")
    try:
        document = tomllib.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise _wrong(f"{path.name} is not TOML: {error}") from error
    _known(document, _FILE_KEYS, "the zone file")
    if document.get("version") != 1:
        raise _wrong("the zone file must say 'version = 1'")
    unit = document.get("unit", "mm")
    if not isinstance(unit, str):
        raise _wrong("'unit' must be a text such as \"mm\"")
    return zone_rules(document.get("zones", {}), unit)


def zone_rules(zones: Any, unit: str) -> tuple[ZoneRule, ...]:
    """The rules of a table of zones, lengths in ``unit``; an inspection plan may hold such a table too.

    Raises
    ------
    InvalidInput : an unknown key or unit, a value of the wrong kind, a zone that selects nothing
    """
    table = _table(zones, "zones")
    return tuple(_rule(name, _table(entry, name), mm_per_unit(unit)) for name, entry in table.items())


def _rule(name: str, entry: dict[str, Any], scale: float) -> ZoneRule:
    where = f"zone '{name}'"
    _known(entry, _ZONE_KEYS, where)
    if not name.strip() or name == "all":
        raise _wrong(f"{where}: a zone needs a name of its own ('all' is the whole surface)")
    if not any(key in entry for key in _SELECTORS):
        raise _wrong(f"{where} selects nothing: use one of {', '.join(_SELECTORS)}")
    if not isinstance(entry.get("description", ""), str):
        raise _wrong(f"{where}: 'description' must be a text")
    return ZoneRule(
        name,
        _ranges(entry.get("faces", []), f"{where}, faces"),
        _texts(entry.get("face_names", []), f"{where}, face_names"),
        _ranges(entry.get("triangles", []), f"{where}, triangles"),
        tuple(_seed(item, f"{where}, seeds", scale) for item in _list(entry.get("seeds", []), f"{where}, seeds")),
        _box(_table(entry["box"], f"{where}, box"), f"{where}, box", scale) if "box" in entry else None,
    )


def _ranges(value: Any, where: str) -> tuple[Range, ...]:
    """Numbers and pairs ``[first, last]``."""
    ranges = []
    for item in _list(value, where):
        pair = item if isinstance(item, list) else [item, item]
        if len(pair) != 2 or not all(_is_integer(end) for end in pair) or not 0 <= pair[0] <= pair[1]:
            raise _wrong(f"{where}: {item!r} is neither a number from 0 on nor a pair [first, last]")
        ranges.append((pair[0], pair[1]))
    return tuple(ranges)


def _texts(value: Any, where: str) -> tuple[str, ...]:
    texts = _list(value, where)
    if not all(isinstance(item, str) for item in texts):
        raise _wrong(f"{where}: every entry must be a text")
    return tuple(texts)


def _seed(value: Any, where: str, scale: float) -> Seed:
    entry = _table(value, where)
    _known(entry, _SEED_KEYS, where)
    x, y, z = _triple(entry.get("at"), f"{where}, at")
    crease_deg = entry.get("crease_deg", DEFAULT_CREASE_DEG)
    if not _is_number(crease_deg) or not 0.0 <= crease_deg < 180.0:
        raise _wrong(f"{where}: 'crease_deg' must be a number from 0 to 180")
    normal = _triple(entry["normal"], f"{where}, normal") if "normal" in entry else None
    if normal is not None and not any(normal):
        raise _wrong(f"{where}: 'normal' has no direction")
    return Seed((x * scale, y * scale, z * scale), float(crease_deg), normal)


def _box(entry: dict[str, Any], where: str, scale: float) -> Box:
    _known(entry, _BOX_KEYS, where)
    a, b, c = _triple(entry.get("lower"), f"{where}, lower")
    x, y, z = _triple(entry.get("upper"), f"{where}, upper")
    if not (a < x and b < y and c < z):
        raise _wrong(f"{where}: 'lower' must be below 'upper' along every axis")
    return Box((a * scale, b * scale, c * scale), (x * scale, y * scale, z * scale))


def _triple(value: Any, where: str) -> tuple[float, float, float]:
    if not isinstance(value, list) or len(value) != 3 or not all(_is_number(item) for item in value):
        raise _wrong(f"{where} must be three numbers, [x, y, z]")
    x, y, z = (float(item) for item in value)
    return x, y, z


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return (_is_integer(value) and abs(value) < 1 << 53) or (isinstance(value, float) and math.isfinite(value))


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise _wrong(f"{where} must be a list")
    return value


def _table(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(f"{where} must be a table")
    return value


def _known(entry: dict[str, Any], known: Sequence[str], where: str) -> None:
    for key in entry:
        if key not in known:
            near = get_close_matches(key, known, n=1)
            hint = f" Did you mean '{near[0]}'?" if near else f" Known keys: {', '.join(known)}."
            raise InvalidInput("cad.zone.key", f"{where[0].upper()}{where[1:]} has an unknown key '{key}'.", hint[1:])


def _wrong(what: str) -> InvalidInput:
    return InvalidInput("cad.zone.file", f"{what[0].upper()}{what[1:]}.", "docs/zones.md describes the format.")
