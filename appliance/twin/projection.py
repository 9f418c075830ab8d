"""From the cells of one CAD revision to those of another: history is expressed on the new surface, never overwritten.

The measured surface is where it is, whatever was designed.  For each new cell the closest old anchor whose normal
differs by less than 30 degrees is its counterpart, if it lies within two cells; the deviation from the new surface is
that from the old one, less the step between the two anchors along the mean of their normals.  On planes that is exact,
and on arcs of circles too (a chord is perpendicular to the mean of the normals at its ends).

A new cell without counterpart has none: nothing is made up.  Both revisions are taken to have one part frame.
Deliberately not added to the uncertainty: what the field changes within the step of a cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.spatial import cKDTree

from appliance.twin.records import UNSEEN, Float32, Float64, Int32, Skin, TwinField

#: A counterpart lies within this many of the larger cells: farther away it is another face, or one that was moved.
LIMIT_CELLS: Final = 2.0
#: Cosine of the largest angle between the normals of counterparts: 30 degrees.
MIN_DOT: Final = 0.8660254037844387
#: Old anchors that are looked at for each new cell; on thin walls the closest ones lie on the other side.
_NEIGHBOURS: Final = 6


@dataclass(frozen=True)
class Projection:
    """Of each new cell, (c,): ``source`` int32, its counterpart or -1; ``step_mm`` float32, how far outwards the new
    surface lies from the old one there.
    """

    source: Int32
    step_mm: Float32


def project(old: Skin, new: Skin) -> Projection:
    """How the cells of ``new`` lie on those of ``old``.  Memory: some 200 bytes a cell."""
    limit_mm = LIMIT_CELLS * max(old.cell_mm, new.cell_mm)
    count = min(_NEIGHBOURS, len(old.area_mm2))
    near = cKDTree(old.anchor_mm).query(new.anchor_mm, k=range(1, count + 1), distance_upper_bound=limit_mm)[1]
    source = np.full(len(new.area_mm2), -1, np.int32)
    step = np.zeros(len(source), np.float32)
    for neighbour in range(count):
        place = near[:, neighbour]
        asked = np.flatnonzero((source < 0) & (place < len(old.area_mm2)))
        found = place[asked]
        with np.errstate(invalid="ignore"):
            fits = np.einsum("cd,cd->c", old.normal[found], new.normal[asked]) >= MIN_DOT
        cell, counterpart = asked[fits], found[fits]
        source[cell], step[cell] = counterpart, _step_mm(old, new, counterpart, cell)
    return Projection(source, step)


def projected(field: TwinField, projection: Projection) -> TwinField:
    """A field of the old cells on the new ones; a cell without counterpart is not seen."""
    known = projection.source >= 0
    mean, u_mm = field.mean_nm[projection.source], field.u_mm[projection.source]
    seen = known & (mean != UNSEEN)
    moved = mean.astype(np.int64) - np.rint(projection.step_mm.astype(np.float64) * 1e6).astype(np.int64)
    fits = seen & (np.abs(moved) < 2**31)
    return TwinField(
        np.where(fits, moved, UNSEEN).astype(np.int32), np.where(fits, u_mm, np.float32(np.nan)).astype(np.float32)
    )


def _step_mm(old: Skin, new: Skin, counterpart: Int32, cell: Int32) -> Float64:
    """From old to new anchors along the mean of their normals, mm."""
    mean = old.normal[counterpart].astype(np.float64) + new.normal[cell]
    mean /= np.linalg.norm(mean, axis=1, keepdims=True)
    away = new.anchor_mm[cell].astype(np.float64) - old.anchor_mm[counterpart]
    return np.asarray(np.einsum("cd,cd->c", away, mean))
