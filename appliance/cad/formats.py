"""Which formats of CAD there are, and the one way to their parsers."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from appliance.cad.obj import parse_obj
from appliance.cad.ply import parse_ply
from appliance.cad.raw import RawMesh
from appliance.cad.step import parse_step
from appliance.cad.stl import parse_stl
from appliance.errors import InvalidInput

STEP: Final = "step"
_ENDINGS: Final = {".stl": "stl", ".ply": "ply", ".obj": "obj", ".step": STEP, ".stp": STEP}


def format_of(path: Path) -> str:
    """The format that a file's ending names.

    Raises
    ------
    InvalidInput : an ending that is not one of STL, PLY, OBJ, STEP
    """
    kind = _ENDINGS.get(path.suffix.lower())
    if kind is None:
        message = f"{path.name} is not a CAD format that can be read."
        raise InvalidInput("cad.format", message, "Use STL, PLY, OBJ or STEP (.step, .stp).")
    return kind


def parse_raw(path: Path, kind: str, chord_mm: float) -> RawMesh:
    """Parse a file of format ``kind``."""
    if kind == STEP:
        return parse_step(path, chord_mm)
    return {"stl": parse_stl, "ply": parse_ply, "obj": parse_obj}[kind](path)
