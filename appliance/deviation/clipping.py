"""Kernels that cut triangles along the part-frame grid, exactly, and say which piece lies where.

A triangle is cut in the projection along its dominant axis.  It is convex, so the grid columns that
it meets in one grid row are consecutive: its pieces are addressed by (row, column) without any hash,
and the memory grows with the pieces, not with bounding rectangles.

Layout: triangle ``k`` owns rows ``row_of[k] : row_of[k + 1]``, the first of which is grid row
``first_row[k]``; row ``r`` owns pieces ``piece_of[r] : piece_of[r + 1]``, the first of which lies in
grid column ``first_column[r]``.  Polygons are float64 (16, 3) as (u, v, w): the two grid
coordinates, then the coordinate along the chart's axis.
"""

from __future__ import annotations

from math import sqrt
from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.core.kernels import inline_kernel, kernel

Float64 = npt.NDArray[np.float64]
Int8 = npt.NDArray[np.int8]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]

#: Room for a triangle cut by the six walls of a box and the four of a grid square: 13 corners at most.
_CORNERS: Final = 16


@inline_kernel
def _keep_side(polygon: Float64, count: int, axis: int, limit: float, sign: float, out: Float64) -> int:
    """Part of a convex polygon where sign * (coordinate - limit) >= 0 (Sutherland and Hodgman 1974)."""
    kept = 0
    for a in range(count):
        b = a + 1 if a + 1 < count else 0
        da = sign * (polygon[a, axis] - limit)
        db = sign * (polygon[b, axis] - limit)
        if da >= 0.0:
            for d in range(3):
                out[kept, d] = polygon[a, d]
            kept += 1
        if (da > 0.0 and db < 0.0) or (da < 0.0 and db > 0.0):
            share = da / (da - db)
            for d in range(3):
                out[kept, d] = polygon[a, d] + share * (polygon[b, d] - polygon[a, d])
            out[kept, axis] = limit
            kept += 1
    return kept


@inline_kernel
def _start_polygon(
    corners: Float64, axis: int, lower: Float64, upper: Float64, polygon: Float64, spare: Float64
) -> int:
    """Write triangle ``corners`` (3, 3), clipped to the box, into ``polygon`` as (u, v, w)."""
    count = 3
    for c in range(3):
        for d in range(3):
            polygon[c, d] = corners[c, (axis + 1 + d) % 3]
    for d in range(3):
        low = lower[(axis + 1 + d) % 3]
        high = upper[(axis + 1 + d) % 3]
        if low > -np.inf:
            count = _keep_side(polygon, count, d, low, 1.0, spare)
            polygon[:count] = spare[:count]
        if high < np.inf:
            count = _keep_side(polygon, count, d, high, -1.0, spare)
            polygon[:count] = spare[:count]
    return count


@inline_kernel
def _strip(polygon: Float64, count: int, axis: int, low: float, high: float, out: Float64, spare: Float64) -> int:
    """Part of ``polygon`` between two grid lines."""
    kept = _keep_side(polygon, count, axis, low, 1.0, spare)
    return _keep_side(spare, kept, axis, high, -1.0, out)


@inline_kernel
def _grid_range(polygon: Float64, count: int, axis: int, step: float) -> tuple[int, int]:
    """First grid index and number of grid intervals that a polygon meets along an axis (at least one)."""
    low = polygon[0, axis]
    high = low
    for a in range(1, count):
        low = min(low, polygon[a, axis])
        high = max(high, polygon[a, axis])
    first = int(np.floor(low / step))
    last = int(np.ceil(high / step)) - 1
    return first, max(1, last - first + 1)


@kernel
def count_rows(
    corners: Float64, axis: Int8, lower: Float64, upper: Float64, step: float, first_row: Int32, rows: Int64
) -> None:
    """Grid rows that each triangle meets; 0 where the box leaves nothing of it."""
    polygon = np.empty((_CORNERS, 3))
    spare = np.empty((_CORNERS, 3))
    for k in range(len(axis)):
        count = _start_polygon(corners[k], axis[k], lower, upper, polygon, spare)
        rows[k] = 0
        if count > 0:
            first_row[k], rows[k] = _grid_range(polygon, count, 0, step)


@kernel
def count_pieces(
    corners: Float64, axis: Int8, lower: Float64, upper: Float64, step: float,
    first_row: Int32, row_of: Int64, first_column: Int32, pieces: Int64,
) -> None:  # fmt: skip
    """Grid columns that each row of each triangle meets.  A row lost to rounding keeps one empty piece."""
    polygon = np.empty((_CORNERS, 3))
    strip = np.empty((_CORNERS, 3))
    spare = np.empty((_CORNERS, 3))
    for k in range(len(axis)):
        count = _start_polygon(corners[k], axis[k], lower, upper, polygon, spare)
        for r in range(row_of[k], row_of[k + 1]):
            low = (first_row[k] + r - row_of[k]) * step
            kept = _strip(polygon, count, 0, low, low + step, strip, spare)
            if kept > 0:
                first_column[r], pieces[r] = _grid_range(strip, kept, 1, step)
            else:
                first_column[r], pieces[r] = int(np.floor(polygon[0, 1] / step)), 1


@inline_kernel
def _area_and_centroid(polygon: Float64, count: int, centroid: Float64) -> float:
    """Projected area of a polygon; its centroid goes into ``centroid``.  Without area: 0 and a corner."""
    area = 0.0
    su = sv = sw = 0.0
    for a in range(1, count - 1):
        ux, uy = polygon[a, 0] - polygon[0, 0], polygon[a, 1] - polygon[0, 1]
        vx, vy = polygon[a + 1, 0] - polygon[0, 0], polygon[a + 1, 1] - polygon[0, 1]
        part = 0.5 * abs(ux * vy - uy * vx)
        area += part
        su += part * (ux + vx)
        sv += part * (uy + vy)
        sw += part * (polygon[a, 2] + polygon[a + 1, 2] - 2.0 * polygon[0, 2])
    for d in range(3):
        centroid[d] = polygon[0, d]
    if area > 0.0:
        centroid[0] += su / (3.0 * area)
        centroid[1] += sv / (3.0 * area)
        centroid[2] += sw / (3.0 * area)
    return area


@inline_kernel
def _area_scale(corners: Float64, axis: int) -> float:
    """True area of a triangle over its projected area; 0 for a triangle without area."""
    ax, ay, az = corners[1, 0] - corners[0, 0], corners[1, 1] - corners[0, 1], corners[1, 2] - corners[0, 2]
    bx, by, bz = corners[2, 0] - corners[0, 0], corners[2, 1] - corners[0, 1], corners[2, 2] - corners[0, 2]
    nx, ny, nz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
    shadow = abs(nx if axis == 0 else (ny if axis == 1 else nz))
    return sqrt(nx * nx + ny * ny + nz * nz) / shadow if shadow > 0.0 else 0.0


@kernel
def cut_pieces(
    corners: Float64, axis: Int8, lower: Float64, upper: Float64, step: float,
    first_row: Int32, row_of: Int64, first_column: Int32, piece_of: Int64,
    start: int, stop: int, area_mm2: Float64, centroid_mm: Float64,
) -> None:  # fmt: skip
    """True area (p,) and centroid (p, 3), part frame, of every piece of triangles ``start`` to ``stop``."""
    polygon = np.empty((_CORNERS, 3))
    strip = np.empty((_CORNERS, 3))
    part = np.empty((_CORNERS, 3))
    spare = np.empty((_CORNERS, 3))
    centroid = np.empty(3)
    for k in range(start, stop):
        count = _start_polygon(corners[k], axis[k], lower, upper, polygon, spare)
        scale = _area_scale(corners[k], axis[k])
        for r in range(row_of[k], row_of[k + 1]):
            low = (first_row[k] + r - row_of[k]) * step
            kept = _strip(polygon, count, 0, low, low + step, strip, spare)
            for p in range(piece_of[r], piece_of[r + 1]):
                left = (first_column[r] + p - piece_of[r]) * step
                corner_count = _strip(strip, kept, 1, left, left + step, part, spare)
                if corner_count == 0:
                    part[0] = polygon[0]
                area_mm2[p] = scale * _area_and_centroid(part, corner_count, centroid)
                for d in range(3):
                    centroid_mm[p, (axis[k] + 1 + d) % 3] = centroid[d]


@inline_kernel
def piece_at(
    u: float, v: float, k: int, step: float, first_row: Int32, row_of: Int64, first_column: Int32, piece_of: Int64
) -> int:
    """Piece of triangle ``k`` at grid coordinates (u, v): the nearest one where rounding puts them just outside."""
    rows = row_of[k + 1] - row_of[k]
    if rows == 0:
        return -1
    r = row_of[k] + min(max(int(np.floor(u / step)) - first_row[k], 0), rows - 1)
    columns = piece_of[r + 1] - piece_of[r]
    piece: int = piece_of[r] + min(max(int(np.floor(v / step)) - first_column[r], 0), columns - 1)
    return piece


@kernel
def join_across_edges(
    across: Int32, chart: Int32, first_row: Int32, row_of: Int64, first_column: Int32, piece_of: Int64, parent: Int32
) -> None:
    """Union pieces of neighbouring triangles that share chart and grid square.

    Neighbours of one chart do not overlap in projection, so what they share of a square is one patch of surface,
    while the turns of a helicoid, stacked over one square, stay apart: they are not neighbours.
    """
    for k in range(len(across)):
        for side in range(3):
            n = across[k, side]
            if n <= k or chart[n] != chart[k]:
                continue
            begin = max(first_row[k], first_row[n])
            end = min(first_row[k] + row_of[k + 1] - row_of[k], first_row[n] + row_of[n + 1] - row_of[n])
            for row in range(begin, end):
                a = row_of[k] + row - first_row[k]
                b = row_of[n] + row - first_row[n]
                left = max(first_column[a], first_column[b])
                right_a = first_column[a] + piece_of[a + 1] - piece_of[a]
                right = min(right_a, first_column[b] + piece_of[b + 1] - piece_of[b])
                for column in range(left, right):
                    unite(parent, piece_of[a] + column - first_column[a], piece_of[b] + column - first_column[b])


@inline_kernel
def find(parent: Int32, item: int) -> int:
    """Representative of ``item``, halving the path on the way."""
    while parent[item] != item:
        parent[item] = parent[parent[item]]
        item = parent[item]
    return item


@inline_kernel
def unite(parent: Int32, one: int, other: int) -> None:
    """Join two sets; the smaller representative stays, so the outcome does not depend on the order."""
    a = find(parent, one)
    b = find(parent, other)
    if a < b:
        parent[b] = a
    elif b < a:
        parent[a] = b


@kernel
def number_sets(parent: Int32, number: Int32) -> int:
    """Number the sets 0, 1, ... by their first members into ``number``; returns how many there are."""
    count = 0
    for item in range(len(parent)):
        root = find(parent, item)
        if root == item:
            number[item] = count
            count += 1
        else:
            number[item] = number[root]
    return count


@kernel
def look_up(
    foot_mm: Float64, triangle: Int32, place: Int32, axis: Int8, lower: Float64, upper: Float64, step: float,
    first_row: Int32, row_of: Int64, first_column: Int32, piece_of: Int64, cell_of_piece: Int32, cell: Int32,
) -> None:  # fmt: skip
    """Cell (n,) of each foot point, -1 outside the zone or its box."""
    for n in range(len(foot_mm)):
        cell[n] = -1
        k = place[triangle[n]] if triangle[n] >= 0 else -1
        if k < 0 or not _inside(foot_mm[n], lower, upper):
            continue
        u = foot_mm[n, (axis[k] + 1) % 3]
        v = foot_mm[n, (axis[k] + 2) % 3]
        piece = piece_at(u, v, k, step, first_row, row_of, first_column, piece_of)
        if piece >= 0:
            cell[n] = cell_of_piece[piece]


@kernel
def count_members(triangle: Int32, place: Int32) -> int:
    """How many points ``members_of`` finds."""
    count = 0
    for n in range(len(triangle)):
        count += triangle[n] >= 0 and place[triangle[n]] >= 0
    return count


@kernel
def members_of(triangle: Int32, place: Int32) -> Int64:
    """Positions of the points whose ``triangle`` (n,), -1 for none, lies in the zone."""
    members = np.empty(len(triangle), dtype=np.int64)
    count = 0
    for n in range(len(triangle)):
        if triangle[n] >= 0 and place[triangle[n]] >= 0:
            members[count] = n
            count += 1
    return members[:count]


@inline_kernel
def _inside(point: Float64, lower: Float64, upper: Float64) -> bool:
    """Whether a point lies in the box, walls included."""
    inside = True
    for d in range(3):
        inside &= lower[d] <= point[d] <= upper[d]
    return inside


@kernel
def reach_of_cells(
    corners: Float64, axis: Int8, lower: Float64, upper: Float64, step: float,
    first_row: Int32, row_of: Int64, first_column: Int32, piece_of: Int64,
    cell_of_piece: Int32, centre_mm: Float64, reach_mm: Float64,
) -> None:  # fmt: skip
    """Largest distance (c,) from each cell's centre (c, 3) to a corner of its pieces."""
    polygon = np.empty((_CORNERS, 3))
    strip = np.empty((_CORNERS, 3))
    part = np.empty((_CORNERS, 3))
    spare = np.empty((_CORNERS, 3))
    for k in range(len(axis)):
        count = _start_polygon(corners[k], axis[k], lower, upper, polygon, spare)
        for r in range(row_of[k], row_of[k + 1]):
            low = (first_row[k] + r - row_of[k]) * step
            kept = _strip(polygon, count, 0, low, low + step, strip, spare)
            for p in range(piece_of[r], piece_of[r + 1]):
                left = (first_column[r] + p - piece_of[r]) * step
                corner_count = _strip(strip, kept, 1, left, left + step, part, spare)
                c = cell_of_piece[p]
                for a in range(corner_count):
                    square = 0.0
                    for d in range(3):
                        square += (part[a, d] - centre_mm[c, (axis[k] + 1 + d) % 3]) ** 2
                    reach_mm[c] = max(reach_mm[c], sqrt(square))
