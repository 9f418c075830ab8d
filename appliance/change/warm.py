"""Compile and cache the kernels of this package, with the argument types that production uses."""

from __future__ import annotations

import numpy as np

from appliance.change.compare import compare_scans
from appliance.change.cores import spacing_mm, suited_scales, thinned_cores


def warm_up() -> None:
    """Run every kernel once on a square of a few points."""
    side = np.arange(0.0, 2.0, 0.2)
    points = np.stack([*np.meshgrid(side, side), np.zeros((len(side), len(side)))], axis=-1).reshape(-1, 3)
    cores = points[thinned_cores(points, 0.5)]
    compare_scans(points, points, cores, suited_scales(spacing_mm(points)), towards=np.array([0.0, 0.0, 1.0]))
