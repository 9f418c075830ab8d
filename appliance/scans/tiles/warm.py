"""Compile the kernels of the working set ahead of their first use."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from appliance.scans.tiles.ordering import warm_up_sort
from appliance.scans.tiles.reader import TileFile
from appliance.scans.tiles.writer import write_tiles


def warm_up() -> None:
    """Write and read two small clouds, one with a rest beside its keys, through the code of production."""
    warm_up_sort()
    with tempfile.TemporaryDirectory() as folder:
        for extent_mm in (1.0, 1e6):
            path = Path(folder) / "points.d2rt"
            write_tiles(path, np.linspace(0.0, extent_mm, 300).reshape(100, 3), {})
            with TileFile.open(path) as tiles:
                tiles.points()
