"""What an E57 file says about its scans before a point is read: fields, counts, poses.

Source: ASTM E2807-11, clause 8.4 (Data3D), 8.4.4 (points).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from pye57 import libe57

from appliance.errors import InvalidInput
from appliance.scans.collector import Pose

CARTESIAN: Final = ("cartesianX", "cartesianY", "cartesianZ")
SPHERICAL: Final = ("sphericalRange", "sphericalAzimuth", "sphericalElevation")
COLOUR: Final = ("colorRed", "colorGreen", "colorBlue")
NORMAL: Final = ("nor:normalX", "nor:normalY", "nor:normalZ")
_PLACED: Final = {"rowIndex", "columnIndex", "returnIndex", "returnCount", "timeStamp"}
_STATES: Final = {"cartesianInvalidState", "sphericalInvalidState"}
_FLAGS: Final = {"isIntensityInvalid", "isColorInvalid", "isTimeStampInvalid"}
_KNOWN: Final = {*CARTESIAN, *SPHERICAL, *COLOUR, *NORMAL, "intensity", *_PLACED, *_STATES, *_FLAGS}
#: How far the length of a quaternion may be from one: writers round to six digits.
_QUATERNION_TOLERANCE: Final = 1e-3


@dataclass(frozen=True)
class Field:
    """One element of a record: its bits in the file, whether they are packed, and the values it may take."""

    name: str
    is_float: bool
    bits: int
    low: float
    high: float
    is_packed: bool = False


@dataclass(frozen=True)
class ScanNode:
    """One scan (Data3D) of a file."""

    name: str
    points: Any
    record_count: int
    fields: dict[str, Field]
    pose: Pose | None
    colour_limits: tuple[float, float] | None

    @property
    def ignored_fields(self) -> list[str]:
        """Fields of extensions that are not read."""
        return sorted(set(self.fields) - _KNOWN)


def scans_of(image: Any, file_bytes: int) -> list[ScanNode]:
    """The scans of an open file, in its order, after their counts were held against the file's size.

    Raises
    ------
    InvalidInput : a scan without points, a count that cannot fit into the file, a pose that is none
    """
    root = image.root()
    if not root.isDefined("data3D"):
        return []
    vector = libe57.VectorNode(root.get("data3D"))
    return [_scan(libe57.StructureNode(vector.get(at)), at, file_bytes) for at in range(vector.childCount())]


def _scan(node: Any, position: int, file_bytes: int) -> ScanNode:
    name = libe57.StringNode(node.get("name")).value() if node.isDefined("name") else ""
    name = name or f"scan {position + 1}"
    points = libe57.CompressedVectorNode(node.get("points"))
    prototype = libe57.StructureNode(points.prototype())
    nodes = [prototype.get(at) for at in range(prototype.childCount())]
    fields = {child.elementName(): _field(child) for child in nodes}
    count = int(points.childCount())
    # A record of constants takes no bits at all; one bit a record is the least that is accepted.
    bits = max(1, sum(field.bits for field in fields.values()))
    if count < 0 or count * bits > file_bytes * 8:
        message = f"Scan '{name}' states {count} points, more than the file can hold."
        raise InvalidInput("scan.e57.count", message, "The file is damaged: export it again.")
    return ScanNode(name, points, count, fields, _pose(node, name), _colour_limits(node))


def _field(node: Any) -> Field:
    name, kind = node.elementName(), node.type()
    if kind == libe57.E57_FLOAT:
        real = libe57.FloatNode(node)
        return Field(name, True, 32 if real.precision() == libe57.E57_SINGLE else 64, real.minimum(), real.maximum())
    if kind == libe57.E57_SCALED_INTEGER:
        scaled = libe57.ScaledIntegerNode(node)
        bits = _bits(scaled.minimum(), scaled.maximum())
        return Field(name, True, bits, scaled.scaledMinimum(), scaled.scaledMaximum(), True)
    if kind == libe57.E57_INTEGER:
        whole = libe57.IntegerNode(node)
        low, high = whole.minimum(), whole.maximum()
        return Field(name, False, _bits(low, high), low, high, True)
    return Field(name, False, 0, 0.0, 0.0)


def _bits(low: int, high: int) -> int:
    return (high - low).bit_length()


def _number(parent: Any, path: str, default: float) -> float:
    if not parent.isDefined(path):
        return default
    node = parent.get(path)
    if node.type() == libe57.E57_FLOAT:
        return float(libe57.FloatNode(node).value())
    if node.type() == libe57.E57_SCALED_INTEGER:
        return float(libe57.ScaledIntegerNode(node).scaledValue())
    return float(libe57.IntegerNode(node).value())


def _pose(scan: Any, name: str) -> Pose | None:
    if not scan.isDefined("pose"):
        return None
    node = libe57.StructureNode(scan.get("pose"))
    w, x, y, z = (_number(node, f"rotation/{axis}", float(axis == "w")) for axis in "wxyz")
    translation = np.array([_number(node, f"translation/{axis}", 0.0) for axis in "xyz"])
    length = math.sqrt(w * w + x * x + y * y + z * z)
    if not abs(length - 1.0) <= _QUATERNION_TOLERANCE:
        message = f"The pose of scan '{name}' is not a rotation (its quaternion has length {length:.6g})."
        raise InvalidInput("scan.e57.pose", message, "Export the scan again.")
    w, x, y, z = w / length, x / length, y / length, z / length
    rotation = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )
    return Pose(rotation, translation)


def _colour_limits(scan: Any) -> tuple[float, float] | None:
    if not scan.isDefined("colorLimits"):
        return None
    node = libe57.StructureNode(scan.get("colorLimits"))
    return _number(node, "colorRedMinimum", 0.0), _number(node, "colorRedMaximum", 0.0)
