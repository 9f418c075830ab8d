"""Orthographic cameras around a part: where the viewer stands, and the way from samples to the surface.

Frames: *part* in mm; *screen* with x to the right and y downwards in samples, z = depth along the
line of sight in mm (smaller is nearer).  ``to_part`` is the inverse of ``to_screen``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from appliance.core.kernels import kernel

Float64 = npt.NDArray[np.float64]

#: The three views of a report: title and the direction from the part towards the viewer.
REPORT_VIEWS: Final[tuple[tuple[str, tuple[float, float, float]], ...]] = (
    ("Front right, from above", (0.80, -1.00, 0.75)),
    ("Rear left, from above", (-0.80, 1.00, 0.75)),
    ("Front right, from below", (0.80, -1.00, -0.85)),
)
#: Free border left and right of the part, as a share of the picture.
_BORDER: Final = 0.04
#: Free border above and below it: room for the title of the view.
_TITLE_BORDER: Final = 0.115


@dataclass(frozen=True)
class Camera:
    """A parallel view.  ``extent_mm`` is the width of the picture; axes are unit vectors, part frame."""

    centre_mm: Float64
    right: Float64
    up: Float64
    forward: Float64
    extent_mm: float

    @classmethod
    def around(
        cls, vertices_mm: Float64, towards_viewer: tuple[float, float, float], width_per_height: float
    ) -> Camera:
        """The camera that sees all of ``vertices_mm`` as large as a picture of that shape allows."""
        towards = np.array(towards_viewer) / np.linalg.norm(towards_viewer)
        right = np.cross((0.0, 0.0, 1.0), towards)
        right = right / np.linalg.norm(right) if np.linalg.norm(right) > 1e-9 else np.array((1.0, 0.0, 0.0))
        up = np.cross(towards, right)
        across, along = vertices_mm @ right, vertices_mm @ up
        depth = vertices_mm @ -towards
        middle = [(values.min() + values.max()) / 2 for values in (across, along, depth)]
        centre = middle[0] * right + middle[1] * up - middle[2] * towards
        wide = float(np.ptp(across)) / (1 - 2 * _BORDER)
        high = float(np.ptp(along)) / (1 - 2 * _TITLE_BORDER)
        extent = max(wide, high * width_per_height, 1e-9)
        return cls(centre, right, up, -towards, extent)

    def to_screen(self, points_mm: Float64, width: int, height: int) -> Float64:
        """Part frame (n, 3) to screen (n, 3)."""
        offset = points_mm - self.centre_mm
        scale = width / self.extent_mm
        return np.column_stack(
            (offset @ self.right * scale + width / 2, height / 2 - offset @ self.up * scale, offset @ self.forward)
        )

    def to_part(
        self, rows: npt.NDArray[Any], columns: npt.NDArray[Any], depth_mm: Float64, width: int, height: int
    ) -> Float64:
        """The part-frame points (k, 3) under the centres of samples at known depths."""
        scale = self.extent_mm / width
        points = np.empty((len(depth_mm), 3))
        axes = np.stack((self.right * scale, self.up * scale, self.forward))
        _to_part(rows, columns, depth_mm, 0.5 * width - 0.5, 0.5 * height - 0.5, self.centre_mm, axes, points)
        return points

    def axis_on_screen(self, axis: int) -> tuple[float, float]:
        """Where a unit vector along x, y or z points on the screen: right and down, in shares of its length."""
        return float(self.right[axis]), float(-self.up[axis])


@kernel
def _to_part(
    rows: npt.NDArray[Any], columns: npt.NDArray[Any], depth_mm: Float64, middle_column: float, middle_row: float,
    centre_mm: Float64, axes: Float64, points: Float64,
) -> None:  # fmt: skip
    for i in range(len(points)):
        across, along = columns[i] - middle_column, middle_row - rows[i]
        for axis in range(3):
            points[i, axis] = (
                centre_mm[axis] + across * axes[0, axis] + along * axes[1, axis] + depth_mm[i] * axes[2, axis]
            )
