"""What every function here demands of its numbers: enough of them, finite, of the right shape."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from appliance.errors import InvalidInput

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]


def finite(values: npt.ArrayLike, name: str, *, least: int = 1, axes: int = 1) -> Float64:
    """``values`` as float64 with ``axes`` axes and at least ``least`` entries along the last one.

    Raises
    ------
    InvalidInput : another number of axes, too few values, or one that is NaN or infinite: a statistic of what is
        not a number would look like one
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != axes:
        raise InvalidInput("spc.shape", f"{name}: {axes} axes are needed, there are {array.ndim}.")
    if array.size == 0 or array.shape[-1] < least:
        raise InvalidInput("spc.too_few", f"{name}: at least {least} are needed, there are {array.shape[-1]}.")
    if not np.isfinite(array).all():
        raise InvalidInput("spc.not_finite", f"{name}: a value is not a finite number.", "Leave it out, with a reason.")
    return array


def increasing(times: npt.ArrayLike, name: str, *, strictly: bool = False) -> Float64:
    """``times`` as float64 (n,), in their order.

    Raises
    ------
    InvalidInput : a time is before the one that precedes it, or with ``strictly`` equal to it
    """
    array = finite(times, name)
    step = np.diff(array)
    if (step < 0).any() or (strictly and (step == 0).any()):
        raise InvalidInput("spc.order", f"{name} are not in increasing order.", "Sort values and times together.")
    return array


def share(value: float, name: str) -> float:
    """``value``, which lies between 0 and 1 and is neither.

    Raises
    ------
    InvalidInput : it does not
    """
    if not 0.0 < value < 1.0:
        raise InvalidInput("spc.share", f"{name} must lie between 0 and 1; it is {value}.")
    return value


def require(met: Any, code: str, message: str, hint: str = "") -> None:
    """Refuse what was given unless ``met``.

    Raises
    ------
    InvalidInput : it is not met
    """
    if not met:
        raise InvalidInput(code, message, hint)
