"""What the converter does not tell about a STEP file: its unit of length and the names of its faces.

The exchange structure is read as text (ISO 10303-21 keeps one entity between ``#n=`` and ``;``).
Names are taken only if the faces found in the text agree in number and kind of surface, one by
one, with those that came out of the converter; otherwise faces go by their index alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

#: Metres to the unit names of the appliance, as SI prefix or as conversion-based unit.
_SI: Final = {"": "m", ".MILLI.": "mm", ".CENTI.": "cm", ".MICRO.": "um"}
_CONVERTED: Final = {"INCH": "in", "FOOT": "ft", "METRE": "m", "MILLIMETRE": "mm", "CENTIMETRE": "cm"}
_BLANK: Final = ("", "NONE")
_KINDS: Final = {
    "PLANE": "plane",
    "CYLINDRICAL_SURFACE": "cylinder",
    "CONICAL_SURFACE": "cone",
    "SPHERICAL_SURFACE": "sphere",
    "TOROIDAL_SURFACE": "torus",
}

#: One statement.  It matches wherever it starts (a last quote without partner runs to the end of the
#: file) and never gives back (``*+``), so that one pass over any text takes time in proportion to it.
_STATEMENT: Final = re.compile(rb"((?:[^;']|'[^']*+(?:'|\Z))*+)(?:;|\Z)")
_ENTITY: Final = re.compile(rb"\s*#\s*(\d+)\s*=\s*([A-Z0-9_]*)(.*)", re.DOTALL)
_FACE: Final = re.compile(rb"\(\s*'((?:[^']|'')*+)'\s*,\s*\([^)]*\)\s*,\s*#\s*(\d+)\s*,")
_SHELLS: Final = ("CLOSED_SHELL", "OPEN_SHELL", "CONNECTED_FACE_SET")
_REFERENCE: Final = re.compile(rb"#\s*(\d+)")
_CONTEXT: Final = re.compile(rb"GEOMETRIC_REPRESENTATION_CONTEXT\s*\(\s*3\s*\)")
_UNITS: Final = re.compile(rb"GLOBAL_UNIT_ASSIGNED_CONTEXT\s*\(\s*\(([^)]*)\)")
_SI_UNIT: Final = re.compile(rb"SI_UNIT\s*\(\s*(\$|\.[A-Z]+\.)\s*,\s*\.METRE\.\s*\)")
_CONVERSION: Final = re.compile(rb"CONVERSION_BASED_UNIT\s*\(\s*'([^']*)'")


#: Number of an entity, without leading zeros -> its keyword and its text.
Entities = dict[bytes, tuple[str, bytes]]


@dataclass(frozen=True)
class StepText:
    """``unit`` of length, empty where none was found; ``faces`` in the order of shells: (name, kind of surface)."""

    unit: str
    faces: tuple[tuple[str, str | None], ...]

    def face_names(self, surfaces: list[dict[str, Any] | None]) -> dict[int, str]:
        """Names by face index, where the text and the converted ``surfaces`` agree face by face."""
        kinds = [surface.get("type") if surface else None for surface in surfaces]
        if kinds != [kind for _, kind in self.faces]:
            return {}
        return {index: name for index, (name, _) in enumerate(self.faces) if name not in _BLANK}


def read_step_text(data: bytes) -> StepText:
    """Unit and faces from the text of a STEP file; what cannot be found stays empty."""
    found = (_ENTITY.match(statement[1]) for statement in _STATEMENT.finditer(data))
    entities = {match[1].lstrip(b"0"): (match[2].decode(), match[3].strip()) for match in found if match}
    return StepText(_unit(entities), tuple(_faces(entities)))


def _unit(entities: Entities) -> str:
    """The one unit of length of the three-dimensional contexts; empty if there is none or several."""
    found = set()
    for kind, body in entities.values():
        if not kind and _CONTEXT.search(body) and (listed := _UNITS.search(body)):
            for number in _REFERENCE.findall(listed[1]):
                _, unit = entities.get(number.lstrip(b"0"), ("", b""))
                if b"LENGTH_UNIT" in unit:
                    found.add(_length_unit(unit))
    return found.pop() if len(found) == 1 else ""


def _length_unit(body: bytes) -> str:
    if conversion := _CONVERSION.search(body):
        return _CONVERTED.get(conversion[1].decode("ascii", "replace").upper(), "")
    if si := _SI_UNIT.search(body):
        return _SI.get(si[1].decode().replace("$", ""), "")
    return ""


def _faces(entities: Entities) -> list[tuple[str, str | None]]:
    faces = []
    for kind, body in entities.values():
        if kind in _SHELLS:
            for number in _REFERENCE.findall(body):
                face_kind, face = entities.get(number.lstrip(b"0"), ("", b""))
                if face_kind == "ADVANCED_FACE" and (match := _FACE.match(face)):
                    surface, _ = entities.get(match[2].lstrip(b"0"), ("", b""))
                    name = match[1].decode("utf-8", "replace").replace("''", "'").strip()
                    faces.append((name, _KINDS.get(surface)))
    return faces
