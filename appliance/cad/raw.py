"""What a parser of a CAD file hands over: the file's own numbers, before any judgement."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class RawMesh:
    """Triangles as the file has them: not welded, not scaled, in the file's order.

    Attributes
    ----------
    vertices : float64 (v, 3), in the file's unit, or in mm where ``unit`` is ``mm``
    triangles : int32 (t, 3), indices into ``vertices``
    face_of_triangle : int32 (t,), -1 where the file has no faces
    face_names : names of faces, as far as the file has them
    zone_faces : names that the file gives to several faces together, such as groups and objects
    unit : the unit that the file states, or empty where the format has none
    resolution : least distance between neighbouring coordinates at the largest coordinate, in the
        unit of ``vertices``
    chord_mm : largest distance between the exact surface and its triangles, 0 for mesh files
    notes : sentences that the report should repeat
    gaps : sentences on surface that the file has and that is missing here; no verdict may rest on it
    """

    vertices: npt.NDArray[np.float64]
    triangles: npt.NDArray[np.int32]
    face_of_triangle: npt.NDArray[np.int32]
    face_names: dict[int, str] = field(default_factory=dict)
    zone_faces: dict[str, list[int]] = field(default_factory=dict)
    unit: str = ""
    resolution: float = 0.0
    chord_mm: float = 0.0
    notes: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()


def no_faces(count: int) -> npt.NDArray[np.int32]:
    """The face column of a file without faces."""
    return np.full(count, -1, dtype=np.int32)


def float32_resolution(vertices: npt.NDArray[np.float64]) -> float:
    """Step of single precision at the largest coordinate; 0 for an empty or not finite array."""
    largest = max(float(vertices.max(initial=0.0)), -float(vertices.min(initial=0.0)))
    return float(np.spacing(np.float32(largest))) if 0.0 < largest < 3.0e38 else 0.0
