"""Compile and cache the kernels of this package, with the argument types that production uses."""

from __future__ import annotations

import numpy as np

from appliance.spc import fields, slopes
from appliance.spc.exact import ExactSums
from appliance.spc.sketch import QuantileSketch


def warm_up() -> None:
    """Run every kernel once on a few numbers."""
    slopes.warm_up()
    fields.warm_up()
    ExactSums.of(np.array([1, 2]))
    QuantileSketch.of(np.array([1, 2]))
