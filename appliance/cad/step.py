"""STEP (AP203, AP214, AP242) through OpenCASCADE: B-rep faces become triangles within a stated chord.

The converter works in the units of the file and delivers metres in single precision.  What that
costs is stated: ``chord_mm`` of the result is the chord tolerance that was asked for, or the
largest distance that was measured on planes, cylinders, cones, spheres and tori if that is larger,
plus the rounding of single precision.  Only this module imports ``cascadio``.
"""

from __future__ import annotations

import ctypes
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np

from appliance.cad.chord import largest_chord_mm
from appliance.cad.glb import Body, read_bodies
from appliance.cad.raw import RawMesh, float32_resolution
from appliance.cad.step_text import StepText, read_step_text
from appliance.core.files import unreadable
from appliance.errors import InvalidInput

#: Largest turn between neighbouring chords, rad.  It only ever refines what the chord asks for: on
#: a radius below 0.16 mm it is the tighter of the two at a chord of 0.02 mm, so that small
#: roundings keep eight or more chords a turn.
ANGLE_RAD: Final = 0.5
_MM_PER_METRE: Final = 1000.0
#: How the converter's complaints about entities begin.
_COMPLAINT: Final = b"ERR Step"


def parse_step(path: Path, chord_mm: float) -> RawMesh:
    """Triangles of every solid and surface of a STEP file, in mm, each with its B-rep face.

    Parameters
    ----------
    chord_mm : largest distance allowed between the exact surface and its triangles

    Raises
    ------
    InvalidInput : not a STEP file, without shape, or beyond what the converter understands
    """
    text = _text(path)
    bodies = read_bodies(_convert(path, chord_mm))
    if not bodies:
        raise InvalidInput("cad.step.empty", "The STEP file holds no solid and no surface.")
    return _joined(bodies, text, chord_mm)


def _text(path: Path) -> StepText:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error
    if b"ISO-10303-21" not in data[:4096]:
        raise InvalidInput("cad.step.header", "The file does not begin as a STEP file (ISO-10303-21).")
    if b"END-ISO-10303-21" not in data[-4096:]:
        raise InvalidInput("cad.step.cut", "The STEP file is cut off: its closing line is missing.")
    return read_step_text(data)


def _convert(path: Path, chord_mm: float) -> bytes:
    """The converter's binary glTF.

    It reads past entities that it cannot understand and only prints that it did: what it prints decides.
    """
    import cascadio

    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "model.glb"
        with _printed(Path(folder) / "printed") as printed:
            status = cascadio.step_to_glb(
                str(path),
                str(target),
                tol_linear=chord_mm,
                tol_angular=ANGLE_RAD,
                tol_relative=False,
                merge_primitives=True,
                use_parallel=False,
                include_brep=True,
            )
        if _COMPLAINT in printed.read_bytes():
            message = "The STEP file has entities that cannot be read or that are missing."
            raise InvalidInput("cad.step.syntax", message, "The file is damaged: export it again.")
        if status != 0 or not target.exists():
            raise InvalidInput("cad.step.converted", "The STEP file could not be turned into triangles.")
        return target.read_bytes()


@contextmanager
def _printed(path: Path) -> Iterator[Path]:
    """Send what compiled code prints to a file while the block runs; for a process that does nothing else."""
    sys.stdout.flush()
    kept = os.dup(1)
    target = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.dup2(target, 1)
        yield path
    finally:
        ctypes.CDLL(None).fflush(None)
        os.dup2(kept, 1)
        os.close(kept)
        os.close(target)


def _joined(bodies: list[Body], text: StepText, chord_mm: float) -> RawMesh:
    """All bodies as one mesh; faces are numbered through, in the order of the file's shells."""
    vertex_base = np.cumsum([0] + [len(body.vertices_mm) for body in bodies])
    face_base = np.cumsum([0] + [len(body.surfaces) for body in bodies])
    vertices = np.concatenate([body.vertices_mm for body in bodies])
    triangles = np.concatenate([body.triangles + base for body, base in zip(bodies, vertex_base, strict=False)])
    face = np.concatenate(
        [np.where(body.face < 0, -1, body.face + base) for body, base in zip(bodies, face_base, strict=False)]
    )
    names = text.face_names([surface for body in bodies for surface in body.surfaces])
    zones: dict[str, list[int]] = {}
    for index, name in names.items():
        zones.setdefault(name, []).append(index)
    measured_mm, free = largest_chord_mm(bodies)
    rounding_mm = float32_resolution(vertices / _MM_PER_METRE) * _MM_PER_METRE * 0.5 * 3.0**0.5
    return RawMesh(
        vertices,
        triangles.astype(np.int32),
        face.astype(np.int32),
        names,
        zones,
        unit=text.unit,
        resolution=2.0 * rounding_mm / 3.0**0.5,
        chord_mm=max(chord_mm, measured_mm) + rounding_mm,
        notes=_notes(chord_mm, measured_mm, rounding_mm, free, int(face_base[-1])),
        gaps=_gaps(len(text.faces), len(np.unique(face[face >= 0]))),
    )


def _gaps(in_text: int, in_mesh: int) -> tuple[str, ...]:
    if in_mesh >= in_text:
        return ()
    return (f"The STEP file has {in_text} faces in its shells, and only {in_mesh} of them became triangles.",)


def _notes(chord_mm: float, measured_mm: float, rounding_mm: float, free: int, faces: int) -> tuple[str, ...]:
    said = (
        f"STEP surfaces became triangles within a chord of {chord_mm:g} mm ({measured_mm:.4f} mm measured on "
        f"{faces - free} exact faces) and a rounding of {rounding_mm * 1000.0:.3f} um."
    )
    if not free:
        return (said,)
    return (said, f"On {free} free-form faces the chord is the converter's statement and was not measured.")
