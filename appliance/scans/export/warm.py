"""Compile the kernel of the exports ahead of its first use."""

from __future__ import annotations

import numpy as np

from appliance.scans.export.colours import colours_of_deviation


def warm_up() -> None:
    """Paint two deviations of each number type that production gives."""
    for kind in (np.float64, np.float32):
        colours_of_deviation(np.zeros(2, kind), span_mm=1.0)
