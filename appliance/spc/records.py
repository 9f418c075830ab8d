"""Records of control charts: limits that were frozen, points that are judged by them, signals that they gave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from appliance.spc.checks import Float64

#: Kinds of charts: of variables (individuals, subgroups) and of attributes (defectives, defects).
VARIABLES: Final = ("i_mr", "xbar_r", "xbar_s")
ATTRIBUTES: Final = ("p", "np", "c", "u")

#: Half-width of control limits in standard errors, as Shewhart chose it.
SHEWHART_WIDTH: Final = 3.0


@dataclass(frozen=True)
class Spread:
    """An estimate of the standard deviation of single values, with its degrees of freedom and how it was made."""

    sigma: float
    freedom: float
    method: str


@dataclass(frozen=True)
class PhaseOne:
    """Limits as phase I leaves them: what phase II is monitored against, and never computes anew.

    ``centre`` is the mean of single values, or the share or rate of attributes; ``spread`` that of single values, and
    None for attributes, whose spread follows from their centre.  ``size`` is the size of a subgroup: 1 for individuals,
    0 where each point brings its own.  ``groups`` points made the limits; ``excluded`` names points that were left
    out, by their index, with the reason of each.  Every field is a number or a text: the record is stored as it is.
    """

    kind: str
    centre: float
    spread: Spread | None
    size: int
    groups: int
    width: float = SHEWHART_WIDTH
    excluded: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True)
class Chart:
    """Points of one statistic with their limits, float64 (k,) each.

    ``error`` is the standard error of each point when the process is in control.  ``lower`` may be NaN: there is no
    limit where the statistic cannot be below its least value by chance.
    """

    statistic: str
    value: Float64
    centre: Float64
    error: Float64
    lower: Float64
    upper: Float64

    def standardised(self) -> Float64:
        """Distance of each point from the centre in standard errors, (k,)."""
        z: Float64 = (self.value - self.centre) / self.error
        return z


@dataclass(frozen=True)
class Signal:
    """A rule that a chart broke: at which point it was complete, which points made it, and why in words."""

    statistic: str
    rule: str
    at: int
    points: tuple[int, ...]
    reason: str
