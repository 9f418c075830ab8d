"""Compile the kernels of the exports ahead of their first use."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from appliance.scans.export.colours import colours_of_deviation
from appliance.scans.export.laz import write_laz
from appliance.scans.export.ply import write_ply


def warm_up() -> None:
    """Paint and write two points, with and without colours, with each number type of deviations."""
    xyz, intensity = np.zeros((2, 3)), np.zeros(2, np.float32)
    with tempfile.TemporaryDirectory() as folder:
        for deviation in (np.zeros(2), np.zeros(2, np.float32)):
            rgb = colours_of_deviation(deviation, span_mm=1.0)
            write_laz(Path(folder) / "a.laz", xyz, deviation_mm=deviation, intensity=intensity)
            write_laz(Path(folder) / "a.laz", xyz, deviation_mm=deviation, intensity=intensity, rgb=rgb)
            write_ply(Path(folder) / "a.ply", xyz, rgb, deviation_mm=deviation)
