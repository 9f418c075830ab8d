"""Named columns of PLY, PCD and text tables, and what each means for a point."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from appliance.scans.collector import Collector

Array = npt.NDArray[Any]

_AXES: Final = ("x", "y", "z")
_INTENSITY: Final = ("intensity", "scalar_intensity", "reflectance", "i")
_COLOUR: Final = (("red", "green", "blue"), ("diffuse_red", "diffuse_green", "diffuse_blue"), ("r", "g", "b"))
_NORMAL: Final = (("nx", "ny", "nz"), ("normal_x", "normal_y", "normal_z"), ("normalx", "normaly", "normalz"))


def has_coordinates(names: Iterable[str]) -> bool:
    """Whether the columns hold x, y and z, in either case of letters."""
    return set(_AXES) <= {name.lower() for name in names}


class Columns:
    """Gives blocks of named columns to the collector, by one understanding for the whole file."""

    def __init__(self, points: Collector) -> None:
        self._points = points
        self._full_colour: float | None = None

    def add(self, block: Mapping[str, Array]) -> None:
        """Add a block; every column is (n,)."""
        columns = {name.lower(): values for name, values in block.items()}
        x, y, z = (np.asarray(columns[axis], dtype=np.float64) for axis in _AXES)
        intensity = next((columns[name] for name in _INTENSITY if name in columns), None)
        self._points.add(x, y, z, intensity=intensity, rgb=self._colour(columns), normals=_three(columns, _NORMAL))

    def _colour(self, columns: Mapping[str, Array]) -> Array | None:
        """Colours as 8 bits: bytes as they are, 16-bit integers by their upper byte, packed ones unpacked.

        Wider and floating columns do not say their scale: 16 bits where the first block exceeds 255.
        """
        values = _three(columns, _COLOUR)
        if values is None:
            return _packed(columns)
        if values.dtype == np.uint8:
            return values
        if values.dtype == np.uint16:
            return (values >> 8).astype(np.uint8)
        values = np.nan_to_num(values.astype(np.float64))
        if self._full_colour is None:
            self._full_colour = 255.0 if values.max(initial=0.0) <= 255 else 65535.0
        return np.clip(np.rint(values * (255.0 / self._full_colour)), 0, 255).astype(np.uint8)


def _three(columns: Mapping[str, Array], triples: tuple[tuple[str, str, str], ...]) -> Array | None:
    for triple in triples:
        if all(name in columns for name in triple):
            return np.stack([np.asarray(columns[name]) for name in triple], axis=1)
    return None


def _packed(columns: Mapping[str, Array]) -> Array | None:
    """0x00RRGGBB in the bits of a 4-byte column ``rgb`` or ``rgba``, whatever its stated type."""
    packed = next((columns[name] for name in ("rgb", "rgba") if name in columns), None)
    if packed is None or packed.dtype.itemsize != 4:
        return None
    bits = np.ascontiguousarray(packed).view(np.uint32)
    return np.stack([(bits >> shift & 0xFF).astype(np.uint8) for shift in (16, 8, 0)], axis=1)
