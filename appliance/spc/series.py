"""A series of measured values over time, with its breaks: what trends are computed from.

After a *repair* a part begins another life: what was before says nothing about how it goes on, and is left out.  A
*recalibration* or a *CAD change* shifts the values and leaves the part as it is: values on both sides are not compared,
but the slope is one.  A value that was measured at the moment of a break comes after it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.spc.checks import Float64, Int64, finite, increasing, require

REPAIR: Final = "repair"
RECALIBRATION: Final = "recalibration"
CAD_CHANGE: Final = "cad_change"
BREAKS: Final = (REPAIR, RECALIBRATION, CAD_CHANGE)
#: Largest series: its pairs take 4 n^2 bytes a thread.  Longer ones are thinned out by whoever asks (roll-ups).
LARGEST: Final = 4096


@dataclass(frozen=True)
class Break:
    """A moment at which the values of a series stop being comparable."""

    at_days: float
    kind: str


@dataclass(frozen=True)
class Series:
    """Values at moments, in order: ``time_days`` float64 (n,), days since any fixed moment; ``value`` float64 (n,).

    ``u`` float64 (n,) holds the standard uncertainty of each value, or is None where none is stated.  All of it is
    finite; build one with ``series_of``.
    """

    time_days: Float64
    value: Float64
    u: Float64 | None = None
    breaks: tuple[Break, ...] = field(default_factory=tuple)

    @property
    def stratum(self) -> Int64:
        """The segment of each value between breaks, int64 (n,), from 0 on."""
        at = np.array(sorted(one.at_days for one in self.breaks))
        return np.searchsorted(at, self.time_days, side="right").astype(np.int64)

    def current_life(self) -> Series:
        """The series since the last repair before its end, with the other breaks; may be short."""
        repairs = [one.at_days for one in self.breaks if one.kind == REPAIR]
        past = [at for at in repairs if at <= self.time_days[-1]]
        if not past:
            return self
        kept = self.time_days >= max(past)
        others = tuple(one for one in self.breaks if one.kind != REPAIR)
        return Series(self.time_days[kept], self.value[kept], None if self.u is None else self.u[kept], others)


def series_of(
    time_days: npt.ArrayLike, value: npt.ArrayLike, u: npt.ArrayLike | None = None, breaks: tuple[Break, ...] = ()
) -> Series:
    """A series from what was measured, in order of time.

    Raises
    ------
    InvalidInput : lengths differ, a figure is not finite, times are not in order, an uncertainty is not positive, a
        break is of no known kind, or there are more than ``LARGEST`` values
    """
    times, values = increasing(time_days, "times"), finite(value, "values")
    require(times.shape == values.shape, "spc.shape", "Every value needs its time.")
    require(len(values) <= LARGEST, "spc.too_many", f"A trend is computed of at most {LARGEST} values.", "Thin it out.")
    uncertainty = None if u is None else finite(u, "uncertainties")
    if uncertainty is not None:
        require(uncertainty.shape == values.shape, "spc.shape", "Every value needs its uncertainty, or none has one.")
        require((uncertainty > 0).all(), "spc.uncertainty", "An uncertainty is not positive.")
    for one in breaks:
        require(one.kind in BREAKS, "spc.break", f"'{one.kind}' is no break.", f"Use one of {', '.join(BREAKS)}.")
    return Series(times, values, uncertainty, tuple(breaks))
