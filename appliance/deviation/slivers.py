"""Slivers: scraps of cells along the borders of charts and zones, joined to a neighbour they run on into.

Grid squares are cut off by the border of the zone and by the border between two charts of one smooth face.
What is left may be so small that hardly a point falls on it: it would count as uncovered although the scan is
dense, and its mean would be noise.  So a cell below the sliver limit joins

1. the largest neighbour that is no sliver itself, and
2. once more, the group that a neighbour has just joined (the corners of a zone);
3. what is still alone joins other slivers until the limit is reached (a zone narrower than a cell).

Neighbours share a side within a triangle or across an edge that is not sharp.  No cell grows along a chain:
each step looks at the state before it, and step 3 stops at twice the limit.  Areas are added, never lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from appliance.cad.records import Zone
from appliance.core.kernels import inline_kernel, kernel
from appliance.deviation.clipping import find, piece_at, unite
from appliance.deviation.edges import smooth
from appliance.mesh.surface import Surface

if TYPE_CHECKING:
    from appliance.deviation.cells import Pieces

Bool = npt.NDArray[np.bool_]
Float64 = npt.NDArray[np.float64]
Int8 = npt.NDArray[np.int8]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]


def join_slivers(
    surface: Surface, zone: Zone, pieces: Pieces, across: Int32, cell_of_piece: Int32, area: Float64, limit_mm2: float
) -> Int32:
    """Cell of every piece after slivers below ``limit_mm2`` have joined their neighbours, renumbered in order."""
    count = int(cell_of_piece.max()) + 1 if len(cell_of_piece) else 0
    cell_area = np.bincount(cell_of_piece, area, count).astype(np.float64)
    sliver = cell_area < limit_mm2
    if not sliver.any():
        return cell_of_piece
    pairs = _neighbour_pairs(surface, zone, pieces, across, cell_of_piece, sliver)
    group = np.arange(count, dtype=np.int32)
    for _ in range(2):
        group = _adopt(pairs, group, sliver, cell_area)
    join_rest(pairs, sliver, limit_mm2, cell_area.copy(), group)
    used = np.zeros(count, dtype=np.int32)
    used[group] = 1
    number = (np.cumsum(used) - 1).astype(np.int32)
    return np.asarray(number[group][cell_of_piece], dtype=np.int32)


def _neighbour_pairs(
    surface: Surface, zone: Zone, p: Pieces, across: Int32, cell_of_piece: Int32, sliver: Bool
) -> Int32:
    """Pairs int32 (q, 2) of a sliver and a cell beside it, in the order of the pieces."""
    passable = smooth(surface.face_normals[zone.triangles], across)
    pairs = np.empty((0, 2), dtype=np.int32)
    for _ in range(2):  # first counted, then written
        found = neighbour_pairs(
            p.corners_mm, p.axis, p.step_mm, p.first_row, p.row_of, p.first_column, p.piece_of,
            across, passable, cell_of_piece, sliver, pairs,
        )  # fmt: skip
        pairs = pairs if len(pairs) else np.empty((found, 2), dtype=np.int32)
    return pairs


def _adopt(pairs: Int32, group: Int32, sliver: Bool, cell_area: Float64) -> Int32:
    """Let every sliver that is still alone join the largest group beside it that a full cell heads."""
    alone, heads = pairs[:, 0], group[pairs[:, 1]]
    fit = (group[alone] == alone) & ~sliver[heads]
    alone, heads = alone[fit], heads[fit]
    order = np.lexsort((heads, -cell_area[heads], alone))
    first, place = np.unique(alone[order], return_index=True)
    joined = group.copy()
    joined[first] = heads[order][place]
    return joined


@kernel
def neighbour_pairs(
    corners: Float64, axis: Int8, step: float, first_row: Int32, row_of: Int64, first_column: Int32, piece_of: Int64,
    across: Int32, passable: Bool, cell_of_piece: Int32, sliver: Bool, pairs: Int32,
) -> int:  # fmt: skip
    """Write (sliver, neighbour) pairs as far as ``pairs`` has room; returns how many there are."""
    found = 0
    for k in range(len(axis)):
        for r in range(row_of[k], row_of[k + 1]):
            for p in range(piece_of[r], piece_of[r + 1]):
                own = cell_of_piece[p]
                if not sliver[own]:
                    continue
                column = first_column[r] + p - piece_of[r]
                if p > piece_of[r]:
                    found = _note(pairs, found, own, cell_of_piece[p - 1])
                if p + 1 < piece_of[r + 1]:
                    found = _note(pairs, found, own, cell_of_piece[p + 1])
                for s in (r - 1, r + 1):
                    if row_of[k] <= s < row_of[k + 1]:
                        q = piece_of[s] + column - first_column[s]
                        if piece_of[s] <= q < piece_of[s + 1]:
                            found = _note(pairs, found, own, cell_of_piece[q])
                row = first_row[k] + r - row_of[k]
                for side in range(3):
                    if not passable[k, side]:
                        continue
                    n = across[k, side]
                    share = _share_within(corners[k], axis[k], side, row * step, column * step, step)
                    if share < 0.0:
                        continue
                    a, b = corners[k, side], corners[k, (side + 1) % 3]
                    du, dv = (axis[n] + 1) % 3, (axis[n] + 2) % 3
                    u, v = a[du] + share * (b[du] - a[du]), a[dv] + share * (b[dv] - a[dv])
                    q = piece_at(u, v, n, step, first_row, row_of, first_column, piece_of)
                    if q >= 0:
                        found = _note(pairs, found, own, cell_of_piece[q])
    return found


@inline_kernel
def _note(pairs: Int32, found: int, own: int, other: int) -> int:
    """Append a pair of two different cells."""
    if own == other:
        return found
    if found < len(pairs):
        pairs[found, 0] = own
        pairs[found, 1] = other
    return found + 1


@inline_kernel
def _share_within(corners: Float64, axis: int, side: int, low_u: float, low_v: float, step: float) -> float:
    """Middle, as a share 0..1, of the part of a triangle's side that lies in a grid square; -1 where none does."""
    begin, end = 0.0, 1.0
    for d in range(2):
        low = low_u if d == 0 else low_v
        a = corners[side, (axis + 1 + d) % 3] - low
        slope = corners[(side + 1) % 3, (axis + 1 + d) % 3] - low - a
        if slope == 0.0:
            if a < 0.0 or a > step:
                return -1.0
            continue
        one, two = -a / slope, (step - a) / slope
        begin = max(begin, min(one, two))
        end = min(end, max(one, two))
    return 0.5 * (begin + end) if begin <= end else -1.0


@kernel
def join_rest(pairs: Int32, sliver: Bool, limit: float, area: Float64, group: Int32) -> None:
    """Join slivers that are still on their own with each other until their area reaches ``limit``; then resolve."""
    for q in range(len(pairs)):
        one, other = pairs[q, 0], pairs[q, 1]
        if not (sliver[one] and sliver[other] and sliver[group[one]] and sliver[group[other]]):
            continue
        a, b = find(group, one), find(group, other)
        if a != b and area[a] < limit and area[b] < limit:
            total = area[a] + area[b]
            unite(group, a, b)
            area[min(a, b)] = total
    for c in range(len(group)):
        group[c] = find(group, c)
