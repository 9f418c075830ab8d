"""What both writers ask of the points that they are given."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from appliance.core.bounds import bounds_of
from appliance.errors import InvalidInput


def check_points(xyz_mm: npt.NDArray[np.float64], **columns: npt.NDArray[Any] | None) -> None:
    """Refuse what no export can hold.

    Raises
    ------
    InvalidInput : not float64 (n, 3), or a column of another length (``rgb``: uint8 (n, 3))
    """
    if xyz_mm.dtype != np.float64 or xyz_mm.ndim != 2 or xyz_mm.shape[1] != 3:
        raise InvalidInput("export.points", f"Points are {xyz_mm.dtype} {xyz_mm.shape}, not float64 (n, 3).")
    for name, values in columns.items():
        if values is None:
            continue
        wanted = (len(xyz_mm), 3) if name == "rgb" else (len(xyz_mm),)
        if values.shape != wanted or (name == "rgb" and values.dtype != np.uint8):
            raise InvalidInput("export.points", f"'{name}' is {values.dtype} {values.shape}, not {wanted}.")


def finite_bounds(xyz_mm: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Least and greatest coordinates (3,); zeros for no points.

    Raises
    ------
    InvalidInput : a coordinate is not finite
    """
    if not len(xyz_mm):
        return np.zeros(3), np.zeros(3)
    lower, upper = bounds_of(xyz_mm)
    if not (np.isfinite(lower).all() and np.isfinite(upper).all()):
        raise InvalidInput("export.points", "A coordinate is not a number or infinite.", "Drop invalid points first.")
    return lower, upper
