"""A supplied alignment: JSON with a 4x4 matrix, lengths in its unit.

``{"part_from_scanner": [[...], [...], [...], [0, 0, 0, 1]], "unit": "mm"}``, or the matrix alone, or
an alignment as result.json has it.  Optional: ``translation_u_mm`` and ``rotation_u_rad``, standard
uncertainties, which then enter the budget.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from appliance.core.canonical import loads_strict
from appliance.core.units import mm_per_unit
from appliance.errors import InvalidInput


def read_supplied(data: bytes) -> npt.NDArray[np.float64]:
    """The matrix ``part_from_scanner``, mm, as stated (whether it is rigid is checked by alignment.rigid).

    Raises
    ------
    InvalidInput : not JSON, no matrix, not numbers, an unknown unit
    """
    content = loads_strict(data)
    unit = "mm"
    if isinstance(content, dict):
        content = content.get("alignment", content)
        unit = str(content.get("unit", "mm"))
        content = content.get("part_from_scanner")
    matrix = _matrix(content)
    matrix[:3, 3] *= mm_per_unit(unit)
    return matrix


def _matrix(content: Any) -> npt.NDArray[np.float64]:
    try:
        matrix = np.array(content, dtype=np.float64)
    except (TypeError, ValueError) as error:
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
