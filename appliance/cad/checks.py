"""What is wrong with a mesh, said and not mended.

Nothing here changes a triangle: numbers of triangles stay those of the file, so that zones and
reports can name them.  ``error`` means that distances could get a wrong sign, so that no verdict may rest on this mesh;
``warning`` means that a part of the result needs a second look; ``note`` is for the record.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.cad.records import CadModel, MeshFinding, TriangleMesh
from appliance.cad.topology import Topology
from appliance.core.units import MM_PER_UNIT
from appliance.errors import InvalidInput

#: Parts whose bounding box has a diagonal outside these bounds probably have another unit.
SMALLEST_DIAGONAL_MM: Final = 5.0
LARGEST_DIAGONAL_MM: Final = 20_000.0
#: Units to suggest, the usual mistakes first.
_SUGGESTIONS: Final = ("m", "mm", "in", "cm", "um", "ft")
#: Step between neighbouring coordinates above which the file itself costs accuracy (1 um).
COARSE_RESOLUTION_MM: Final = 0.001
#: A triangle with an area below this share of its longest edge squared has no direction of its own
#: in double precision (an aspect ratio of about 10^12).
_FLAT_SHARE: Final = 1e-12


def check_mesh(mesh: TriangleMesh, edges: Topology, unit: str, resolution_mm: float) -> tuple[MeshFinding, ...]:
    """All findings on a mesh, the grave ones first."""
    found = [
        *_orientation(mesh, edges),
        *_edges(edges),
        *_triangles(mesh),
        *_shells(mesh, edges),
        *_size(mesh, unit),
        *_resolution(mesh, resolution_mm),
    ]
    return tuple(sorted(found, key=lambda finding: ("error", "warning", "note").index(finding.severity)))


def require_judgeable(model: CadModel) -> None:
    """Refuse a model whose findings forbid a verdict.

    Raises
    ------
    InvalidInput : a finding of severity ``error``: sides of the surface that contradict each other
    """
    errors = [finding.message for finding in model.findings if finding.severity == "error"]
    if errors:
        raise InvalidInput("cad.not_judgeable", " ".join(errors), "Repair the model in the CAD system.")


def signed_volumes(mesh: TriangleMesh, edges: Topology) -> npt.NDArray[np.float64]:
    """Volume of each shell in mm3, negative where its triangles look inwards; exact for closed shells."""
    rows = edges.shell >= 0
    centre = (mesh.vertices_mm.min(axis=0) + mesh.vertices_mm.max(axis=0)) / 2.0
    a, b, c = (mesh.vertices_mm[mesh.triangles[rows, corner]] - centre for corner in range(3))
    volumes = np.einsum("ij,ij->i", a, np.cross(b, c)) / 6.0
    return np.bincount(edges.shell[rows], volumes).astype(np.float64)


def open_shells(edges: Topology) -> npt.NDArray[np.bool_]:
    """For each shell, whether some of its edges do not close."""
    shell = edges.shell[edges.pair[:, 0]]
    return np.bincount(shell, edges.balance != 0) > 0


def _orientation(mesh: TriangleMesh, edges: Topology) -> list[MeshFinding]:
    found = []
    twisted = int(np.count_nonzero((edges.count == 2) & (edges.balance != 0)))
    if twisted:
        message = f"At {_many(twisted, 'edge')} the two triangles disagree on which side is outside."
        found.append(MeshFinding("cad.winding.inconsistent", "error", message, twisted))
    if len(edges.count) and not open_shells(edges).any() and signed_volumes(mesh, edges).sum() < 0.0:
        message = "The closed surface is inside out: its triangles look into the material."
        found.append(MeshFinding("cad.winding.inverted", "error", message, len(mesh.triangles)))
    return found


def _edges(edges: Topology) -> list[MeshFinding]:
    found = []
    boundary = int(np.count_nonzero(edges.count == 1))
    if boundary:
        message = f"The surface is open: {_many(boundary, 'edge')} with a triangle on one side only."
        found.append(MeshFinding("cad.edges.boundary", "warning", message, boundary))
    crowded = int(np.count_nonzero(edges.count > 2))
    if crowded:
        message = f"{_many(crowded, 'edge')} with more than two triangles."
        found.append(MeshFinding("cad.edges.non_manifold", "warning", message, crowded))
    return found


def _triangles(mesh: TriangleMesh) -> list[MeshFinding]:
    found = []
    flat = int(np.count_nonzero(degenerate(mesh)))
    if flat:
        message = f"{_many(flat, 'triangle')} without area; kept, they carry no surface."
        found.append(MeshFinding("cad.triangles.degenerate", "warning", message, flat))
    twice = duplicates(mesh)
    if twice:
        message = f"{_many(twice, 'triangle')} stand on the same corners as another; kept, their area counts twice."
        found.append(MeshFinding("cad.triangles.duplicate", "warning", message, twice))
    used = np.zeros(len(mesh.vertices_mm), dtype=np.bool_)
    used[mesh.triangles] = True
    isolated = int(np.count_nonzero(~used))
    if isolated:
        message = f"{_many(isolated, 'vertex', 'vertices')} belong to no triangle."
        found.append(MeshFinding("cad.vertices.isolated", "note", message, isolated))
    return found


def degenerate(mesh: TriangleMesh) -> npt.NDArray[np.bool_]:
    """For each triangle, whether it has no area: a repeated corner, or corners on one line."""
    a, b, c = (mesh.vertices_mm[mesh.triangles[:, corner]] for corner in range(3))
    ab, bc, ca = b - a, c - b, a - c
    longest = np.maximum(np.maximum(_squared(ab), _squared(bc)), _squared(ca))
    return np.asarray(_squared(np.cross(ab, ca)) <= (2.0 * _FLAT_SHARE * longest) ** 2)


def duplicates(mesh: TriangleMesh) -> int:
    """Triangles that stand on the same three vertices as an earlier one, in any order of corners."""
    corners = np.sort(mesh.triangles, axis=1).astype(np.uint64)
    mixed = (corners[:, 0] * np.uint64(0x9E3779B97F4A7C15)) ^ (corners[:, 1] * np.uint64(0xBF58476D1CE4E5B9))
    mixed ^= corners[:, 2] * np.uint64(0x94D049BB133111EB)
    mixed = np.sort(mixed ^ (mixed >> np.uint64(31)))
    if not np.any(mixed[1:] == mixed[:-1]):
        return 0
    return len(corners) - len(np.unique(corners, axis=0))


def _shells(mesh: TriangleMesh, edges: Topology) -> list[MeshFinding]:
    if not len(edges.count):
        return []
    volumes, closed = signed_volumes(mesh, edges), ~open_shells(edges)
    found = []
    if len(volumes) > 1:
        message = f"The model has {len(volumes)} separate shells."
        found.append(MeshFinding("cad.shells.several", "note", message, len(volumes)))
    inward = int(np.count_nonzero(closed & (volumes < 0.0)))
    if inward and volumes.sum() >= 0.0:
        message = f"{_many(inward, 'closed shell')} of {len(volumes)} look inwards, as the wall of a cavity does."
        found.append(MeshFinding("cad.shells.inward", "note", message, inward))
    return found


def _size(mesh: TriangleMesh, unit: str) -> list[MeshFinding]:
    diagonal_mm = float(np.linalg.norm(np.ptp(mesh.vertices_mm, axis=0)))
    if SMALLEST_DIAGONAL_MM <= diagonal_mm <= LARGEST_DIAGONAL_MM:
        return []
    message = f"The model is {diagonal_mm:.4g} mm across when its numbers are read in {unit}: the unit looks wrong."
    for other in _SUGGESTIONS:
        size_mm = diagonal_mm / MM_PER_UNIT[unit] * MM_PER_UNIT[other]
        if SMALLEST_DIAGONAL_MM <= size_mm <= LARGEST_DIAGONAL_MM:
            message += f" Did you mean {other} ({size_mm:.4g} mm)?"
            break
    return [MeshFinding("cad.unit.looks_wrong", "warning", message, 1)]


def _resolution(mesh: TriangleMesh, resolution_mm: float) -> list[MeshFinding]:
    if resolution_mm <= COARSE_RESOLUTION_MM:
        return []
    far_mm = float(np.abs(mesh.vertices_mm).max())
    message = f"Coordinates reach {far_mm:.4g} mm, where single precision has steps of {resolution_mm:.2g} mm."
    return [MeshFinding("cad.coordinates.coarse", "warning", message + " Move the model to its origin.", 1)]


def _squared(vectors: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(np.einsum("ij,ij->i", vectors, vectors))


def _many(count: int, one: str, several: str = "") -> str:
    return f"{count} {one if count == 1 else several or one + 's'}"
