"""Cells on the CAD surface: where deviations are averaged, whatever the density of the scan.

A cell is a connected patch of one chart over one square of the part-frame grid of step h (origin at
multiples of h), so on a plane along the axes the cells are exact squares.  Its area is exact: the
triangles are clipped against the grid and against the zone's box.  Slivers (less than ``SLIVER_SHARE``
h^2, left over along borders of charts and zones) are joined to a neighbour on the same smooth face
(docs/decisions/0008).  Memory: about 60 bytes per piece (triangle x square), none per bounding rectangle.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.cad.records import Zone
from appliance.core.kernels import over_chunks
from appliance.deviation import charts, clipping
from appliance.deviation.edges import near_edges
from appliance.deviation.slivers import join_slivers
from appliance.errors import InvalidInput
from appliance.mesh.surface import Surface

Float64 = npt.NDArray[np.float64]
Int8 = npt.NDArray[np.int8]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]

#: A cell below this share of h^2 collects too few points to speak for itself and joins a neighbour.
SLIVER_SHARE: Final = 0.2
#: More pieces than this would not fit the appliance's memory; the smallest defect is then far too small for the part.
MAX_PIECES: Final = 60_000_000
#: Grid indices must fit 32 bits with room for neighbours.
_MAX_INDEX: Final = 2.0**30
#: Triangles in one chunk of clipping.
_CHUNK_TRIANGLES: Final = 8_192


@dataclass(frozen=True)
class Pieces:
    """The zone's triangles cut along the grid; the layout is that of ``clipping``.

    ``corners_mm`` float64 (m, 3, 3); ``axis`` int8 (m,); ``place`` int32 (t,), place in the zone of each triangle of
    the mesh or -1; ``lower_mm``, ``upper_mm`` the zone's box, infinite where there is none.
    """

    corners_mm: Float64
    axis: Int8
    place: Int32
    lower_mm: Float64
    upper_mm: Float64
    step_mm: float
    first_row: Int32
    row_of: Int64
    first_column: Int32
    piece_of: Int64


@dataclass(frozen=True)
class SurfaceCells:
    """The cells of one zone.

    Attributes
    ----------
    cell_mm : step h of the grid, mm
    area_mm2 : float64 (c,), exact area of each cell
    centre_mm : float64 (c, 3), centroid of the cell, part frame (beside the surface where that is curved)
    normal : float64 (c, 3), area-weighted unit normal; NaN for a cell without area
    anchor_mm : float64 (c, 3), a point of the surface within the cell: centroid of its largest piece
    triangle : int32 (c,), the mesh triangle that ``anchor_mm`` lies on
    reach_mm : float64 (c,), no point of the cell is farther from ``centre_mm``
    left_out : bool (c,), centre closer than the edge margin to a border of the zone or a sharp edge
    """

    cell_mm: float
    area_mm2: Float64
    centre_mm: Float64
    normal: Float64
    anchor_mm: Float64
    triangle: Int32
    reach_mm: Float64
    left_out: npt.NDArray[np.bool_]
    pieces: Pieces
    cell_of_piece: Int32

    def __len__(self) -> int:
        return len(self.area_mm2)

    @property
    def total_area_mm2(self) -> float:
        """Area of the zone, mm^2, with what is left out along edges."""
        return float(self.area_mm2.sum())

    @property
    def left_out_area_mm2(self) -> float:
        """Area that the edge margin leaves out, mm^2."""
        return float(self.area_mm2[self.left_out].sum())

    @classmethod
    def build(cls, surface: Surface, zone: Zone, *, cell_mm: float, edge_mm: float = 0.0) -> SurfaceCells:
        """Cut ``zone`` into cells of step ``cell_mm``; leave out what lies within ``edge_mm`` of an edge.

        Raises
        ------
        InvalidInput : the step is not a positive length, the zone has no surface, or far too many cells
        """
        return _build(surface, zone, cell_mm, edge_mm)

    def lookup(self, foot_mm: Float64, triangle: Int32) -> Int32:
        """Cell int32 (n,) of points on the surface ``foot_mm`` (n, 3) of ``triangle`` (n,); -1 outside the zone."""
        cell = np.empty(len(foot_mm), dtype=np.int32)
        p = self.pieces
        over_chunks(
            len(foot_mm),
            lambda a, b: clipping.look_up(
                foot_mm[a:b], triangle[a:b], p.place, p.axis, p.lower_mm, p.upper_mm, p.step_mm,
                p.first_row, p.row_of, p.first_column, p.piece_of, self.cell_of_piece, cell[a:b],
            ),
        )  # fmt: skip
        return cell


def cut(surface: Surface, zone: Zone, step_mm: float) -> Pieces:
    """Address every piece of the zone's triangles on the grid of ``step_mm``."""
    mesh = surface.mesh
    corners = np.ascontiguousarray(mesh.vertices_mm[mesh.triangles[zone.triangles]])
    place = np.full(len(mesh.triangles), -1, dtype=np.int32)
    place[zone.triangles] = np.arange(len(zone.triangles), dtype=np.int32)
    axis = (charts.axis_classes(surface.face_normals[zone.triangles]) // 2).astype(np.int8)
    lower = np.array(zone.box.lower_mm if zone.box else (-np.inf,) * 3)
    upper = np.array(zone.box.upper_mm if zone.box else (np.inf,) * 3)
    first_row, rows = np.zeros(len(axis), dtype=np.int32), np.zeros(len(axis), dtype=np.int64)
    clipping.count_rows(corners, axis, lower, upper, step_mm, first_row, rows)
    row_of = _offsets(rows)
    first_column, pieces = np.zeros(row_of[-1], dtype=np.int32), np.zeros(row_of[-1], dtype=np.int64)
    clipping.count_pieces(corners, axis, lower, upper, step_mm, first_row, row_of, first_column, pieces)
    piece_of = _offsets(pieces)
    return Pieces(corners, axis, place, lower, upper, step_mm, first_row, row_of, first_column, piece_of)


def _offsets(counts: Int64) -> Int64:
    """Running sum with a leading zero; refuses what would not fit the memory."""
    offsets = np.zeros(len(counts) + 1, dtype=np.int64)
    np.cumsum(counts, out=offsets[1:])
    if offsets[-1] > MAX_PIECES:
        raise InvalidInput(
            "cells.too_many",
            f"The zone would fall into more than {MAX_PIECES:,} pieces.",
            "Raise detect_mm: cells are a fifth of it.",
        )
    return offsets


def _build(surface: Surface, zone: Zone, cell_mm: float, edge_mm: float) -> SurfaceCells:
    _check(surface, zone, cell_mm, edge_mm)
    pieces = cut(surface, zone, cell_mm)
    across = charts.zone_neighbours(surface.neighbours, zone.triangles, pieces.place)
    area, centroid = _piece_areas(pieces)
    cell_of_piece = _connect(surface, zone, pieces, across)
    cell_of_piece = join_slivers(surface, zone, pieces, across, cell_of_piece, area, SLIVER_SHARE * cell_mm**2)
    owner = _triangle_of_piece(pieces)
    cells = _summarise(surface.face_normals[zone.triangles], owner, area, centroid, cell_of_piece)
    area_mm2, centre, normal, largest = cells
    reach = np.zeros(len(area_mm2))
    p = pieces
    clipping.reach_of_cells(
        p.corners_mm, p.axis, p.lower_mm, p.upper_mm, p.step_mm, p.first_row, p.row_of, p.first_column, p.piece_of,
        cell_of_piece, centre, reach,
    )  # fmt: skip
    left_out = near_edges(surface, zone, across, centre, edge_mm)
    triangle = zone.triangles[owner[largest]].astype(np.int32)
    return SurfaceCells(
        cell_mm, area_mm2, centre, normal, centroid[largest], triangle, reach, left_out, pieces, cell_of_piece
    )


def _check(surface: Surface, zone: Zone, cell_mm: float, edge_mm: float) -> None:
    if not (np.isfinite(cell_mm) and cell_mm > 0.0 and np.isfinite(edge_mm) and edge_mm >= 0.0):
        raise InvalidInput("cells.step", f"A cell of {cell_mm} mm with an edge margin of {edge_mm} mm is not possible.")
    if len(zone.triangles) == 0:
        raise InvalidInput("cells.empty_zone", f"Zone '{zone.name}' has no triangles.", "Check the zone file.")
    if float(np.abs(surface.mesh.vertices_mm).max()) / cell_mm > _MAX_INDEX:
        raise InvalidInput("cells.too_many", "The cells are too small for the size of the part.", "Raise detect_mm.")


def _piece_areas(p: Pieces) -> tuple[Float64, Float64]:
    """Area (p,) and centroid (p, 3) of every piece, on all threads."""
    area = np.zeros(p.piece_of[-1])
    centroid = np.zeros((len(area), 3))
    over_chunks(
        len(p.axis),
        lambda a, b: clipping.cut_pieces(
            p.corners_mm, p.axis, p.lower_mm, p.upper_mm, p.step_mm, p.first_row, p.row_of, p.first_column, p.piece_of,
            a, b, area, centroid,
        ),
        chunk=_CHUNK_TRIANGLES,
    )  # fmt: skip
    return area, centroid


def _connect(surface: Surface, zone: Zone, p: Pieces, across: Int32) -> Int32:
    """Cell index of every piece before slivers are joined."""
    chart = charts.label_charts(charts.axis_classes(surface.face_normals[zone.triangles]), across)
    parent = np.arange(p.piece_of[-1], dtype=np.int32)
    clipping.join_across_edges(across, chart, p.first_row, p.row_of, p.first_column, p.piece_of, parent)
    number = np.empty_like(parent)
    clipping.number_sets(parent, number)
    return number


def _triangle_of_piece(p: Pieces) -> Int32:
    """Place in the zone of the triangle that each piece belongs to."""
    per_triangle = p.piece_of[p.row_of[1:]] - p.piece_of[p.row_of[:-1]]
    return np.repeat(np.arange(len(p.axis), dtype=np.int32), per_triangle)


def _summarise(
    normals: Float64, owner: Int32, area: Float64, centroid: Float64, cell_of_piece: Int32
) -> tuple[Float64, Float64, Float64, Int64]:
    """Area, centroid, unit normal and largest piece of every cell."""
    count = int(cell_of_piece.max()) + 1 if len(cell_of_piece) else 0
    if count == 0:
        raise InvalidInput("cells.empty_zone", "The zone has no surface within its box.", "Check the box.")
    cell_area = np.bincount(cell_of_piece, area, count).astype(np.float64)
    by_cell = np.lexsort((-area, cell_of_piece))
    largest = by_cell[np.searchsorted(cell_of_piece[by_cell], np.arange(count))]
    offset = centroid - centroid[largest][cell_of_piece]
    centre, normal = np.empty((count, 3)), np.empty((count, 3))
    with np.errstate(invalid="ignore", divide="ignore"):
        for d in range(3):
            moment = np.bincount(cell_of_piece, area * offset[:, d], count)
            centre[:, d] = centroid[largest, d] + np.where(cell_area > 0.0, moment / cell_area, 0.0)
            part = np.where(area > 0.0, area * normals[owner, d], 0.0)
            normal[:, d] = np.bincount(cell_of_piece, part, count)
        normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    return cell_area, centre, normal, largest.astype(np.int64)
