"""Edges: where a zone ends, and where the CAD turns sharply inside it."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from appliance.cad.records import Zone
from appliance.mesh.surface import Surface

Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]

#: Neighbouring triangles that turn by more than 30 degrees meet at an edge of the part, not of the tessellation.
SHARP_COSINE: Final = float(np.cos(np.radians(30.0)))
#: Pieces of edges that are compared with the cells at once: bounds the memory.
_CHUNK_PIECES: Final = 20_000


def smooth(normals: Float64, across: Int32) -> npt.NDArray[np.bool_]:
    """Whether the zone goes on smoothly across each side: bool (m, 3).

    ``normals`` float64 (m, 3) and ``across`` int32 (m, 3) of the zone's triangles.  A triangle without area has
    no direction of its own and hides no edge.
    """
    dot = np.einsum("md,mkd->mk", normals, normals[across])
    return np.asarray((across >= 0) & ~(dot < SHARP_COSINE))


def edge_segments(surface: Surface, zone: Zone, across: Int32) -> tuple[Float64, Float64]:
    """Both ends, float64 (e, 3) each, of the zone's border edges and of the sharp edges inside it."""
    side = ~smooth(surface.face_normals[zone.triangles], across)
    # a sharp edge inside the zone is seen from both of its triangles: once is enough
    side &= (across < 0) | (across > np.arange(len(across))[:, None])
    row, k = np.nonzero(side)
    corner = surface.mesh.triangles[zone.triangles[row]]
    at = np.arange(len(row))
    vertices = surface.mesh.vertices_mm
    return vertices[corner[at, k]], vertices[corner[at, (k + 1) % 3]]


def near_edges(
    surface: Surface, zone: Zone, across: Int32, centre_mm: Float64, edge_mm: float
) -> npt.NDArray[np.bool_]:
    """Whether each centre (c, 3) lies closer than ``edge_mm`` to an edge of the zone.

    Edges are cut into pieces no longer than the margin; a KD-tree proposes pairs of centre and piece, the exact
    distance to the piece decides.  The walls of a zone's box are no edges of the part.
    """
    near = np.zeros(len(centre_mm), dtype=np.bool_)
    if edge_mm <= 0.0:
        return near
    begin, end = _short_pieces(*edge_segments(surface, zone, across), edge_mm)
    tree = cKDTree(centre_mm)
    for start in range(0, len(begin), _CHUNK_PIECES):
        a, b = begin[start : start + _CHUNK_PIECES], end[start : start + _CHUNK_PIECES]
        # a centre within the margin of a piece lies within margin + half the piece of its middle
        pairs = cKDTree((a + b) / 2).sparse_distance_matrix(tree, 1.5001 * edge_mm, output_type="ndarray")
        piece, cell = pairs["i"], pairs["j"]
        near[cell[_distance(centre_mm[cell], a[piece], b[piece]) < edge_mm]] = True
    return near


def _short_pieces(begin: Float64, end: Float64, longest_mm: float) -> tuple[Float64, Float64]:
    """Cut segments into equal pieces that are no longer than ``longest_mm``."""
    length = np.linalg.norm(end - begin, axis=1)
    count = np.maximum(1, np.ceil(length / longest_mm)).astype(np.int64)
    owner = np.repeat(np.arange(len(begin)), count)
    step = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    part = (end - begin)[owner] / count[owner, None]
    return begin[owner] + step[:, None] * part, begin[owner] + (step + 1)[:, None] * part


def _distance(point: Float64, begin: Float64, end: Float64) -> Float64:
    """Distance of points (n, 3) to segments, row by row."""
    along = end - begin
    square = np.einsum("nd,nd->n", along, along)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.einsum("nd,nd->n", point - begin, along) / square
    share = np.clip(np.where(square > 0.0, share, 0.0), 0.0, 1.0)
    return np.asarray(np.linalg.norm(point - begin - share[:, None] * along, axis=1))
