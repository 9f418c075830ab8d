"""Which formats of CAD there are, and the one way to their parsers: through the sandbox."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from appliance.cad.raw import RawMesh
from appliance.core.files import unreadable
from appliance.core.units import MM_PER_UNIT
from appliance.errors import InvalidInput
from appliance.foreign.limits import Limits
from appliance.foreign.sandbox import Parsed, run_parser

STEP: Final = "step"
_ENDINGS: Final = {".stl": "stl", ".ply": "ply", ".obj": "obj", ".step": STEP, ".stp": STEP}
_LONGEST_NAME: Final = 200
_MIB: Final = 1 << 20


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


def parse_raw(path: Path, kind: str, chord_mm: float, progress: Callable[[float], None] | None = None) -> RawMesh:
    """Parse a file of format ``kind`` in the sandbox.

    Raises
    ------
    InvalidInput : the file is damaged, crashes or stalls its parser, or wants more than its limits
    """
    limits = _step_limits(path) if kind == STEP else None
    options = {"chord_mm": chord_mm} if kind == STEP else {}
    parsed = run_parser(f"appliance.cad.parsers:{kind}", path, options, limits=limits, progress=progress)
    try:
        return _believed(parsed)
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidInput(
            "foreign.crashed", "The reader answered with nonsense.", "Export the model again."
        ) from error


def _step_limits(path: Path) -> Limits:
    """A B-rep is small on disk and slow to mesh: ten seconds a megabyte, and room for its triangles."""
    try:
        size = path.stat().st_size
    except OSError as error:
        raise unreadable(path, error) from error
    seconds = 60.0 + size / 1e5
    return Limits(memory_bytes=2560 * _MIB + 256 * size, cpu_seconds=int(seconds), wall_seconds=seconds)


def _believed(parsed: Parsed) -> RawMesh:
    """The answer of the child, checked: indices exist, arrays fit each other, names are printable.

    Compiled code runs on these arrays, so that an index out of range must not come this far.
    """
    vertices = _column(parsed, "vertices", np.float64, 3)
    triangles = _column(parsed, "triangles", np.int32, 3)
    faces = _column(parsed, "faces", np.int32, 0)
    if len(triangles) and not 0 <= triangles.min() <= triangles.max() < len(vertices):
        raise ValueError("a triangle over vertices that do not exist")
    if len(faces) != len(triangles) or faces.min(initial=-1) < -1:
        raise ValueError("faces and triangles disagree")
    summary = parsed.summary
    unit = str(summary["unit"])
    return RawMesh(
        vertices,
        triangles,
        faces,
        {int(face): _printable(name) for face, name in summary["face_names"]},
        {_printable(name): [int(face) for face in named] for name, named in summary["zone_faces"]},
        unit if unit in MM_PER_UNIT else "",
        float(summary["resolution"]),
        float(summary["chord_mm"]),
        tuple(_printable(note, 400) for note in summary["notes"]) + parsed.gaps,
        tuple(_printable(gap, 400) for gap in summary["gaps"]),
    )


def _column(parsed: Parsed, name: str, kind: type[np.generic], width: int) -> npt.NDArray[Any]:
    values = parsed.arrays[name]
    if values.dtype != kind or values.shape[1:] != ((width,) if width else ()):
        raise ValueError(f"column {name} has another shape")
    return values


def _printable(text: Any, longest: int = _LONGEST_NAME) -> str:
    """Text of a stranger without control characters, of bounded length."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in str(text)[:longest])
