"""What a point may carry beside its place, and how each attribute becomes columns and returns.

========== ============================ =========================================================
name       given and returned           stored
========== ============================ =========================================================
intensity  float32 (n,)                 every value; as uint16 in tiles that hold whole numbers
rgb        uint8 (n, 3)                 green, red - green, blue - green, modulo 256
deviation  float64 (n,), mm             whole steps of 0.1 um; NaN (not measured) is kept
_mm
station    uint16 (n,)                  every value
========== ============================ =========================================================
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from appliance.core.kernels import kernel
from appliance.errors import InvalidInput

Array = npt.NDArray[Any]
UInt32 = npt.NDArray[np.uint32]

#: Deviation steps in a millimetre (0.1 um).
DEVIATION_STEPS_PER_MM: Final = 10_000.0
_INT32: Final = np.iinfo(np.int32)
_INT64: Final = np.iinfo(np.int64)
#: Largest deviation that float64 still counts exactly in steps.
_MAX_DEVIATION_STEPS: Final = float(2**52)


@dataclass(frozen=True)
class Attribute:
    """One attribute: its form, and the way of chosen points into columns and back.

    ``stored`` are the number types of its columns, as numpy spells them.
    """

    name: str
    dtypes: tuple[str, ...]
    width: int
    columns: int
    split: Callable[[Array, UInt32], list[Array]]
    join: Callable[[Sequence[Array], Array], None]
    out_dtype: type[np.generic]
    stored: tuple[str, ...]

    def shape(self, count: int) -> tuple[int, ...]:
        """The shape of this attribute for ``count`` points."""
        return (count,) if self.width == 1 else (count, self.width)


@kernel
def _take(values: Array, index: UInt32, out: Array) -> None:
    for i in range(len(index)):
        out[i] = values[index[i]]


@kernel
def _take_rgb(rgb: Array, index: UInt32, green: Array, red: Array, blue: Array) -> None:
    for i in range(len(index)):
        point = index[i]
        green[i] = rgb[point, 1]
        red[i] = rgb[point, 0] - rgb[point, 1]
        blue[i] = rgb[point, 2] - rgb[point, 1]


@kernel
def _take_deviation(values: Array, index: UInt32, missing: int, steps: Array) -> float:
    """Whole steps, ``missing`` for NaN; the largest magnitude of a step that is not missing."""
    largest = 0.0
    for i in range(len(index)):
        value = np.float64(values[index[i]])
        if np.isnan(value):
            steps[i] = missing
            continue
        step = np.rint(value * DEVIATION_STEPS_PER_MM)
        largest = max(largest, abs(step))
        steps[i] = np.int64(step) if abs(step) < _MAX_DEVIATION_STEPS else 0
    return largest


def _split_intensity(values: Array, index: UInt32) -> list[Array]:
    chosen = _split_as_it_is(values, index)[0]
    if not bool(((chosen >= 0) & (chosen <= 65535)).all()):
        return [chosen]
    whole = chosen.astype(np.uint16)
    return [whole if bool((whole == chosen).all()) else chosen]


def _split_rgb(values: Array, index: UInt32) -> list[Array]:
    columns = [np.empty(len(index), np.uint8) for _ in range(3)]
    _take_rgb(values, index, *columns)
    return columns


def _join_rgb(columns: Sequence[Array], out: Array) -> None:
    green, red, blue = columns
    np.add(red, green, out=out[:, 0])
    out[:, 1] = green
    np.add(blue, green, out=out[:, 2])


def _split_deviation(values: Array, index: UInt32) -> list[Array]:
    steps = np.empty(len(index), np.int64)
    largest = _take_deviation(values, index, _INT64.min, steps)
    if not largest < _MAX_DEVIATION_STEPS:
        raise InvalidInput("tiles.attribute", "A deviation is infinite or too large to count.", "Give mm, NaN if none.")
    if largest > _INT32.max:
        return [steps]
    return [np.maximum(steps, _INT32.min).astype(np.int32)]


def _join_deviation(columns: Sequence[Array], out: Array) -> None:
    steps = columns[0]
    np.divide(steps, DEVIATION_STEPS_PER_MM, out=out)
    out[steps == np.iinfo(steps.dtype).min] = np.nan


def _split_as_it_is(values: Array, index: UInt32) -> list[Array]:
    out = np.empty(len(index), values.dtype)
    _take(values, index, out)
    return [out]


def _join_as_it_is(columns: Sequence[Array], out: Array) -> None:
    out[:] = columns[0]


ATTRIBUTES: Final[Mapping[str, Attribute]] = {
    each.name: each
    for each in (
        Attribute(
            "deviation_mm",
            ("float64", "float32"),
            1,
            1,
            _split_deviation,
            _join_deviation,
            np.float64,
            ("<i4", "<i8"),
        ),
        Attribute("intensity", ("float32",), 1, 1, _split_intensity, _join_as_it_is, np.float32, ("<f4", "<u2")),
        Attribute("rgb", ("uint8",), 3, 3, _split_rgb, _join_rgb, np.uint8, ("|u1",)),
        Attribute("station", ("uint16",), 1, 1, _split_as_it_is, _join_as_it_is, np.uint16, ("<u2",)),
    )
}


def checked_attributes(values: Mapping[str, Array], count: int) -> dict[str, Array]:
    """The given attributes in the order of the file, each of the right type and length.

    Raises
    ------
    InvalidInput : a name, number type or shape that a working set does not have
    """
    unknown = sorted(set(values) - set(ATTRIBUTES))
    if unknown:
        known = ", ".join(ATTRIBUTES)
        raise InvalidInput("tiles.attribute", f"Attribute '{unknown[0]}' is not known.", f"Use {known}.")
    chosen = {name: np.ascontiguousarray(values[name]) for name in ATTRIBUTES if name in values}
    for name, array in chosen.items():
        form = ATTRIBUTES[name]
        if array.dtype.name not in form.dtypes or array.shape != form.shape(count):
            raise InvalidInput(
                "tiles.attribute",
                f"Attribute '{name}' is {array.dtype.name} {array.shape}, "
                f"not {' or '.join(form.dtypes)} {form.shape(count)}.",
            )
    return chosen
