"""Where every reader puts its points: placed in the file frame, in millimetres, without the invalid ones.

A reader hands over blocks as they stand in the file.  Here they are posed, scaled, cleared of points
that the file marks as invalid or that are not finite, and counted, so that all formats agree on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from appliance.errors import InvalidInput
from appliance.foreign.sink import Sink

Float64 = npt.NDArray[np.float64]
Array = npt.NDArray[Any]

#: Points in one block: half a megabyte a coordinate, which stays in the processor's cache.
BLOCK_POINTS: Final = 1 << 16
#: A thousand kilometres on each side of the Earth's radius is far beyond any frame of a scan.
_FARTHEST_MM: Final = 1e11
_MOST_STATIONS: Final = 1 << 16


@dataclass(frozen=True)
class Pose:
    """Where a scanner stood: ``file = rotation @ own + translation``, in the unit of the file.

    ``rotation`` is any 3x3 matrix for formats that store one; a quaternion is made a rotation first.
    """

    rotation: Float64
    translation: Float64


class Collector:
    """The columns ``xyz_mm``, ``station``, ``intensity``, ``rgb`` and ``normals`` of one file.

    Parameters
    ----------
    mm_per_unit : millimetres in one unit of the file's coordinates
    rows : points to make room for at once
    """

    def __init__(self, sink: Sink, mm_per_unit: float, rows: int = 0) -> None:
        self._sink = sink
        self._mm = mm_per_unit
        self._rows = rows
        self._low = np.full(3, np.inf)
        self._high = np.full(3, -np.inf)
        self._stations: list[dict[str, Any]] = []
        self._xyz = sink.column("xyz_mm", np.float64, (3,), rows)
        self._station = sink.column("station", np.uint16, (), rows)
        self._place: tuple[Float64, Float64] | None = None
        self._turn: Float64 | None = None
        self._scratch = np.empty((2, 0))
        self._records = 0
        self._not_finite = 0
        self.warnings: list[str] = []

    @property
    def record_count(self) -> int:
        """Records so far, the invalid ones included."""
        return self._records

    def begin_station(self, name: str, pose: Pose | None = None, position: Float64 | None = None) -> None:
        """What is added from now on belongs to this setup.

        Parameters
        ----------
        pose : places the points; its translation is where the scanner stood
        position : where the scanner stood, for points that are placed already, in the unit of the file
        """
        if len(self._stations) == _MOST_STATIONS:
            raise InvalidInput("scan.stations", f"The file holds more than {_MOST_STATIONS} scans.", "Split it.")
        self._place = None if pose is None else (pose.rotation * self._mm, pose.translation * self._mm)
        stood = position if pose is None else pose.translation
        place = None if stood is None else (stood * self._mm).tolist()
        if place is not None and not max(map(abs, place)) <= _FARTHEST_MM:
            raise InvalidInput("scan.pose", f"The pose of '{name}' is not a place.", "Export the scan again.")
        self._turn = None if pose is None else pose.rotation
        self._stations.append({"name": name, "point_count": 0, "position_mm": place})

    def add(
        self,
        x: Float64,
        y: Float64,
        z: Float64,
        *,
        valid: npt.NDArray[np.bool_] | None = None,
        intensity: Array | None = None,
        rgb: Array | None = None,
        normals: Array | None = None,
    ) -> None:
        """Add a block of points of the current station.

        Parameters
        ----------
        x, y, z : (n,), unit and own frame of the station
        valid : (n,), False for points to drop; NaN and infinity are dropped in any case
        intensity : (n,); rgb : (n, 3), uint8; normals : (n, 3) in the frame of the points, any length
        """
        self._records += len(x)
        place = self._xyz.room(len(x))
        self._fill(place, x, y, z)
        kept = self._valid_finite(place, valid)
        optional = {"intensity": intensity, "rgb": rgb, "normals": normals}
        if kept is not None:
            place[: np.count_nonzero(kept)] = place[kept]
            optional = {name: None if values is None else values[kept] for name, values in optional.items()}
        count = len(x) if kept is None else int(np.count_nonzero(kept))
        self._bound(place[:count])
        self._xyz.advance(count)
        self._station.room(count)[:] = len(self._stations) - 1
        self._station.advance(count)
        self._stations[-1]["point_count"] += count
        self._add_optional(optional)

    def _fill(self, place: Float64, x: Float64, y: Float64, z: Float64) -> None:
        if self._place is None:
            for axis, values in enumerate((x, y, z)):
                np.multiply(values, self._mm, out=place[:, axis])
            return
        turn, shift = self._place
        if self._scratch.shape[1] < len(x):
            self._scratch = np.empty((2, len(x)))
        total, part = self._scratch[:, : len(x)]
        for axis in range(3):
            np.multiply(x, turn[axis, 0], out=total)
            total += np.multiply(y, turn[axis, 1], out=part)
            total += np.multiply(z, turn[axis, 2], out=part)
            np.add(total, shift[axis], out=place[:, axis])

    def _valid_finite(self, place: Float64, valid: Array | None) -> Array | None:
        """Which rows stay; None where all do."""
        kept = None if valid is None or valid.all() else valid
        if np.isfinite(place.sum()):
            return kept
        finite = np.asarray(np.isfinite(place).all(axis=1))
        if finite.all():
            return kept
        self._not_finite += int(np.count_nonzero(~finite if kept is None else kept & ~finite))
        return finite if kept is None else kept & finite

    def _bound(self, place: Float64) -> None:
        if not len(place):
            return
        for axis in range(3):
            self._low[axis] = min(self._low[axis], place[:, axis].min())
            self._high[axis] = max(self._high[axis], place[:, axis].max())
        if max(-self._low.min(), self._high.max()) > _FARTHEST_MM:
            message = "The file holds a point that lies farther away than anything on Earth."
            raise InvalidInput("scan.range", message, "The file is damaged, or its unit is not the one given.")

    def _add_optional(self, columns: dict[str, Array | None]) -> None:
        intensity, rgb, normals = columns["intensity"], columns["rgb"], columns["normals"]
        if intensity is not None:
            self._sink.column("intensity", np.float32, (), self._rows).append(intensity)
        if rgb is not None:
            self._sink.column("rgb", np.uint8, (3,), self._rows).append(rgb)
        if normals is not None:
            self._sink.column("normals", np.float32, (3,), self._rows).append(self._unit(normals))

    def _unit(self, normals: Array) -> Float64:
        turned = np.asarray(normals, dtype=np.float64)
        if self._turn is not None:
            turned = np.stack([turned @ self._turn[axis] for axis in range(3)], axis=1)
        length = np.sqrt((turned * turned).sum(axis=1, keepdims=True))
        unit: Float64 = np.divide(turned, length, out=np.zeros_like(turned), where=(length > 0) & np.isfinite(length))
        return unit

    def summary(self, format_name: str, metadata: dict[str, Any] | None = None) -> dict[str, Any]:
        """What the reader says about the file.

        Raises
        ------
        InvalidInput : no valid point
        """
        count = self._xyz.length
        if count == 0:
            message = f"The file holds {self._records} records and no valid point."
            raise InvalidInput("scan.empty", message, "Export the scan again with its points.")
        for name in ("intensity", "rgb", "normals"):
            if name in self._sink.columns and self._sink.columns[name].length != count:
                del self._sink.columns[name]
                self.warnings.append(f"Only some scans of the file have {name}: {name} is left out.")
        if self._not_finite:
            self.warnings.append(f"{self._not_finite} points without finite coordinates were left out.")
        return {
            "format": format_name,
            "record_count": self._records,
            "invalid_count": self._records - count,
            "stations": self._stations,
            "bounds_mm": [self._low.tolist(), self._high.tolist()],
            "warnings": self.warnings,
            "metadata": metadata or {},
        }
