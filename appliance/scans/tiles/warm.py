"""Compile the kernels of the working set ahead of their first use."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from appliance.scans.tiles.ordering import warm_up_sort
from appliance.scans.tiles.reader import TileFile
from appliance.scans.tiles.writer import write_tiles


def warm_up() -> None:
    """Write and read two small clouds, one with a rest beside its keys, through the code of production."""
    warm_up_sort()
    with tempfile.TemporaryDirectory() as folder:
        for extent_mm in (1.0, 1e6):
            path = Path(folder) / "points.d2rt"
            write_tiles(path, np.linspace(0.0, extent_mm, 300).reshape(100, 3), _attributes(np.float64))
            write_tiles(path, np.linspace(0.0, extent_mm, 300).reshape(100, 3), _attributes(np.float32))
            with TileFile.open(path) as tiles:
                tiles.points()


def _attributes(deviation: type[np.floating]) -> dict[str, npt.NDArray[Any]]:
    return {
        "deviation_mm": np.zeros(100, deviation),
        "intensity": np.zeros(100, np.float32),
        "rgb": np.zeros((100, 3), np.uint8),
        "station": np.zeros(100, np.uint16),
    }
