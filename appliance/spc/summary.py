"""Mean, standard deviation, autocorrelation and the straight line of floats, without the error that sums build up.

Sums are added without rounding (``math.fsum``) over differences from a first value, which are exact where values are
close to each other: the last digits of what was measured reach the result.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy.typing as npt

from appliance.spc.checks import Float64, finite, require


@dataclass(frozen=True)
class Summary:
    """Of n values: ``mean``, ``sd`` (divisor n - 1, NaN of one value), and ``lag_one``, NaN where the sd is zero.

    ``lag_one`` is the autocorrelation at lag one as NIST defines it: the sum of products of neighbouring deviations
    from the mean over the sum of all squared deviations.
    """

    count: int
    mean: float
    sd: float
    lag_one: float


@dataclass(frozen=True)
class Line:
    """Least squares: y = ``intercept`` + ``slope`` x; standard deviations of both and of the residuals; R^2; n - 2."""

    intercept: float
    slope: float
    intercept_sd: float
    slope_sd: float
    residual_sd: float
    r_squared: float
    freedom: int


def summary(values: npt.ArrayLike) -> Summary:
    """The summary of values (n,).

    Raises
    ------
    InvalidInput : there are none, or one is not finite
    """
    array = finite(values, "values")
    shift, deviation = centred(array)
    square = math.fsum(deviation**2)
    count = len(array)
    sd = math.sqrt(square / (count - 1)) if count > 1 else math.nan
    lag_one = math.fsum(deviation[1:] * deviation[:-1]) / square if square > 0 else math.nan
    return Summary(count, shift, sd, lag_one)


def centred(values: Float64) -> tuple[float, Float64]:
    """The mean of values (n,) and their deviations from it (n,), which sum to nearly nothing."""
    first = float(values[0])
    rest = values - first
    offset = _mean(rest)
    return first + offset, rest - offset


def straight_line(x: npt.ArrayLike, y: npt.ArrayLike) -> Line:
    """The line of least squares through points (n,).

    Raises
    ------
    InvalidInput : fewer than three points, one not finite, or all of one x
    """
    across, along = finite(x, "x", least=3), finite(y, "y", least=3)
    require(across.shape == along.shape, "spc.shape", "Every x needs its y.")
    mean_x, dx = centred(across)
    mean_y, dy = centred(along)
    xx, yy = math.fsum(dx**2), math.fsum(dy**2)
    require(xx > 0, "spc.no_spread", "All points have one x.")
    slope = math.fsum(dx * dy) / xx
    residual = math.fsum((dy - slope * dx) ** 2)
    freedom = len(dx) - 2
    spread = math.sqrt(residual / freedom)
    return Line(
        mean_y - slope * mean_x,
        slope,
        spread * math.sqrt(1.0 / len(dx) + mean_x**2 / xx),
        spread / math.sqrt(xx),
        spread,
        1.0 - residual / yy if yy > 0 else math.nan,
        freedom,
    )


def _mean(values: Iterable[float]) -> float:
    array = list(values)
    return math.fsum(array) / len(array)
