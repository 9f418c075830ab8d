"""What a file of tiles says about itself."""

from __future__ import annotations

from dataclasses import dataclass

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class TileLevel:
    """One level of detail.

    ``spacing_mm`` is the edge of the cells of which levels 0 to this one together hold one point
    each; 0 for the last level, with which all points are there.
    """

    spacing_mm: float
    point_count: int
    tile_count: int


@dataclass(frozen=True)
class TileSummary:
    """A working set as a whole: lengths in mm, file frame.

    ``bounds_mm`` are the least and greatest quantised coordinates, None for an empty cloud.
    """

    point_count: int
    tile_count: int
    levels: tuple[TileLevel, ...]
    attributes: tuple[str, ...]
    bounds_mm: tuple[Triple, Triple] | None
    size_bytes: int
