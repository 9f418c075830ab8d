"""A supplied alignment: JSON with a 4x4 matrix, lengths in its unit.

``{"part_from_scanner": [[...], [...], [...], [0, 0, 0, 1]], "unit": "mm"}``, or the matrix alone, or
an alignment as result.json has it.  Optional: ``translation_u_mm`` and ``rotation_u_rad``, standard
uncertainties, which then enter the budget.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from appliance.core.canonical import loads_strict
from appliance.core.units import mm_per_unit
from appliance.errors import InvalidInput

#: Two opposite motions for each of six freedoms.
_MOTIONS: Final = 12.0


@dataclass(frozen=True)
class SuppliedAlignment:
    """What the file states: ``part_from_scanner`` float64 (4, 4), mm, not yet checked to be rigid.

    ``translation_u_mm`` and ``rotation_u_rad`` are standard uncertainties about each axis, or None.
    """

    part_from_scanner: npt.NDArray[np.float64]
    translation_u_mm: float | None = None
    rotation_u_rad: float | None = None


def read_supplied(data: bytes) -> SuppliedAlignment:
    """Read a supplied alignment from the bytes of its file.

    Raises
    ------
    InvalidInput : not JSON, no matrix, not numbers, an unknown unit, a negative uncertainty
    """
    content = loads_strict(data)
    if not isinstance(content, dict):
        return SuppliedAlignment(_matrix(content))
    table = content.get("alignment", content)
    if not isinstance(table, dict):
        raise _no_matrix()
    millimetres = mm_per_unit(str(table.get("unit", "mm")))
    matrix = _matrix(table.get("part_from_scanner"))
    matrix[:3, 3] *= millimetres
    return SuppliedAlignment(matrix, _uncertainty(table, "translation_u_mm"), _uncertainty(table, "rotation_u_rad"))


def as_replicates(translation_u_mm: float, rotation_u_rad: float) -> npt.NDArray[np.float64]:
    """Stated uncertainties as jackknife replicates, float64 (12, 6): a pair of opposite motions an axis.

    Their jackknife variance, (g - 1)/g times the sum of squares, is the stated one about each axis.
    """
    step = np.sqrt(_MOTIONS / (2.0 * (_MOTIONS - 1.0)))
    sizes = step * np.array([rotation_u_rad] * 3 + [translation_u_mm] * 3)
    return np.concatenate([np.diag(sizes), -np.diag(sizes)])


def _uncertainty(table: dict[str, Any], key: str) -> float | None:
    value = table.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
        raise InvalidInput("alignment.uncertainty", f"Alignment file: {key} must be a number that is not negative.")
    try:
        return float(value)
    except OverflowError:
        raise InvalidInput("alignment.uncertainty", f"Alignment file: {key} is beyond every number.") from None


def _matrix(content: Any) -> npt.NDArray[np.float64]:
    try:
        matrix = np.array(content, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise _no_matrix() from error
    if matrix.shape == (16,):
        matrix = matrix.reshape(4, 4)
    if matrix.shape != (4, 4):
        raise _no_matrix()
    return matrix


def _no_matrix() -> InvalidInput:
    return InvalidInput(
        "alignment.matrix", "The alignment file holds no 4x4 matrix of numbers.",
        'Write {"part_from_scanner": [[...], [...], [...], [0, 0, 0, 1]], "unit": "mm"}.',
    )  # fmt: skip
