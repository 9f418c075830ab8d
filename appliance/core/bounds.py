"""The box around points: one pass in their own layout, where a reduction along the short axis takes ten."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from appliance.core.kernels import kernel, over_chunks

Float64 = npt.NDArray[np.float64]


def bounds_of(xyz: Float64) -> tuple[Float64, Float64]:
    """Lower and upper corner, float64 (3,) each, of points float64 (n, 3); NaN where a coordinate is NaN.

    Raises
    ------
    ValueError : there are no points
    """
    if not len(xyz):
        raise ValueError("no points have no bounds")
    points = np.ascontiguousarray(xyz, dtype=np.float64)
    parts = np.array(over_chunks(len(points), lambda start, stop: _bounds(points[start:stop])))
    return parts[:, 0].min(axis=0), parts[:, 1].max(axis=0)


@kernel
def _bounds(xyz: Float64) -> Float64:
    box = np.empty((2, 3))
    for d in range(3):
        box[0, d], box[1, d] = np.inf, -np.inf
    for n in range(len(xyz)):
        for d in range(3):
            value = xyz[n, d]
            if not value >= box[0, d]:
                box[0, d] = value if not np.isnan(box[0, d]) else np.nan
            if not value <= box[1, d]:
                box[1, d] = value if not np.isnan(box[1, d]) else np.nan
    return box
