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

from appliance.errors import InvalidInput

Array = npt.NDArray[Any]

#: Deviation steps in a millimetre (0.1 um).
DEVIATION_STEPS_PER_MM: Final = 10_000.0
_INT32: Final = np.iinfo(np.int32)
_INT64: Final = np.iinfo(np.int64)
#: Largest deviation that float64 still counts exactly in steps.
_MAX_DEVIATION_STEPS: Final = float(2**52)


@dataclass(frozen=True)
class Attribute:
    """One attribute: its form, and the way into columns and back."""

    name: str
    dtypes: tuple[str, ...]
    width: int
    columns: int
    split: Callable[[Array], list[Array]]
    join: Callable[[Sequence[Array]], Array]
    out_dtype: type[np.generic]

    def shape(self, count: int) -> tuple[int, ...]:
        """The shape of this attribute for ``count`` points."""
        return (count,) if self.width == 1 else (count, self.width)


def _split_intensity(values: Array) -> list[Array]:
    with np.errstate(invalid="ignore"):
        whole = values.astype(np.uint16)
    narrow = bool(((values >= 0) & (values <= 65535)).all()) and bool((whole == values).all())
    return [whole if narrow else values]


def _join_intensity(columns: Sequence[Array]) -> Array:
    return columns[0].astype(np.float32)


def _split_rgb(values: Array) -> list[Array]:
    green = np.ascontiguousarray(values[:, 1])
    return [green, values[:, 0] - green, values[:, 2] - green]


def _join_rgb(columns: Sequence[Array]) -> Array:
    green, red, blue = columns
    return np.stack((red + green, green, blue + green), axis=1)


def _split_deviation(values: Array) -> list[Array]:
    missing = np.isnan(values)
    steps = np.rint(np.where(missing, 0.0, values) * DEVIATION_STEPS_PER_MM)
    largest = float(np.abs(steps).max(initial=0.0))
    if not largest < _MAX_DEVIATION_STEPS:
        raise InvalidInput("tiles.attribute", "A deviation is infinite or too large to count.", "Give mm, NaN if none.")
    kind = np.int32 if largest < _INT32.max else np.int64
    whole = steps.astype(kind)
    whole[missing] = np.iinfo(kind).min
    return [whole]


def _join_deviation(columns: Sequence[Array]) -> Array:
    steps = columns[0]
    values = steps / DEVIATION_STEPS_PER_MM
    values[steps == np.iinfo(steps.dtype).min] = np.nan
    return np.asarray(values, np.float64)


def _as_it_is(values: Array) -> list[Array]:
    return [values]


def _only(columns: Sequence[Array]) -> Array:
    return columns[0]


ATTRIBUTES: Final[Mapping[str, Attribute]] = {
    each.name: each
    for each in (
        Attribute("deviation_mm", ("float64", "float32"), 1, 1, _split_deviation, _join_deviation, np.float64),
        Attribute("intensity", ("float32",), 1, 1, _split_intensity, _join_intensity, np.float32),
        Attribute("rgb", ("uint8",), 3, 3, _split_rgb, _join_rgb, np.uint8),
        Attribute("station", ("uint16",), 1, 1, _as_it_is, _only, np.uint16),
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
    chosen = {name: values[name] for name in ATTRIBUTES if name in values}
    for name, array in chosen.items():
        form = ATTRIBUTES[name]
        if array.dtype.name not in form.dtypes or array.shape != form.shape(count):
            raise InvalidInput(
                "tiles.attribute",
                f"Attribute '{name}' is {array.dtype.name} {array.shape}, "
                f"not {' or '.join(form.dtypes)} {form.shape(count)}.",
            )
    return chosen
