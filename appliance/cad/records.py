"""CAD records: a triangle mesh in millimetres, its named zones and what was found wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class TriangleMesh:
    """Triangles over shared vertices, in the part frame.

    Attributes
    ----------
    vertices_mm : float64 (v, 3); vertices at the same place are one vertex
    triangles : int32 (t, 3), counter-clockwise seen from outside the material
    face_of_triangle : int32 (t,), index of the CAD face (B-rep face, OBJ group); -1 where unknown
    """

    vertices_mm: npt.NDArray[np.float64]
    triangles: npt.NDArray[np.int32]
    face_of_triangle: npt.NDArray[np.int32]


@dataclass(frozen=True)
class Box:
    """An axis-aligned box in the part frame, mm; a point on its wall is inside."""

    lower_mm: tuple[float, float, float]
    upper_mm: tuple[float, float, float]


@dataclass(frozen=True)
class Zone:
    """A named part of the surface: triangles, and optionally a box that clips them.

    ``triangles`` : int32 (k,), sorted, indices into the mesh.  Zone ``all`` names every triangle.
    """

    name: str
    triangles: npt.NDArray[np.int32]
    box: Box | None = None


@dataclass(frozen=True)
class MeshFinding:
    """One thing that a check noticed.  ``severity`` is ``note``, ``warning`` or ``error``."""

    code: str
    severity: str
    message: str
    count: int = 0


@dataclass(frozen=True)
class CadModel:
    """A CAD revision as the line uses it.

    ``chord_mm`` is the largest distance between the exact surface and its triangles, as far as
    the appliance caused it (0 for a mesh file: the mesh *is* the nominal).
    ``content_sha256`` is the hash of the file as it came.
    """

    mesh: TriangleMesh
    zones: dict[str, Zone]
    format: str
    unit: str
    content_sha256: str
    chord_mm: float = 0.0
    closed: bool = False
    face_names: dict[int, str] = field(default_factory=dict)
    findings: tuple[MeshFinding, ...] = ()
