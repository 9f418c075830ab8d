"""The summary of a working set, from its index alone."""

from __future__ import annotations

import numpy as np

from appliance.scans.tiles.container import Index
from appliance.scans.tiles.lattice import STEPS_PER_MM
from appliance.scans.tiles.records import TileLevel, TileSummary, Triple


def summary_of(index: Index, size_bytes: int) -> TileSummary:
    """What the index says about the whole file."""
    levels = []
    for number, cell in enumerate(index.cell_steps):
        mine = index.tiles[index.tiles["level"] == number]
        levels.append(TileLevel(cell / STEPS_PER_MM, int(mine["count"].sum(dtype=np.int64)), len(mine)))
    count = int(index.tiles["count"].sum(dtype=np.int64))
    return TileSummary(count, len(index.tiles), tuple(levels), index.attributes, _bounds(index), size_bytes)


def _bounds(index: Index) -> tuple[Triple, Triple] | None:
    if not len(index.tiles):
        return None
    origin = np.array(index.origin_steps, np.int64)
    lower = (origin + index.tiles["lower"].min(axis=0)) / STEPS_PER_MM
    upper = (origin + index.tiles["upper"].max(axis=0)) / STEPS_PER_MM
    return (_triple(lower), _triple(upper))


def _triple(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Triple:
    return float(values[0]), float(values[1]), float(values[2])
