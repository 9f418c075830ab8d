"""Gauge studies (MSA): how much of what is seen comes from the measuring, by analysis of variance or by ranges.

Components of variance from mean squares, o operators, r trials, p parts, interaction kept or pooled into the error:

    repeatability   MS_E                          operator      (MS_O - MS_OP) / (p r)
    interaction     (MS_OP - MS_E) / r            part          (MS_P - MS_OP) / (o r)

pooled: MS_E in place of MS_OP.  What comes out negative is zero.  Gauge = repeatability + operator + interaction.
Shares are of standard deviations: % of study variation against the total, % of tolerance as 6 sd against its width;
they do not add up to 100.  ndc = 1.41 part / gauge, cut to a whole number.

Intervals: repeatability exactly (chi-square); gauge as a sum of mean squares with positive weights.

Source: AIAG, Measurement Systems Analysis, 4th edition, chapter III-B; Graybill & Wang, JASA 75 (1980) 869-873,
doi:10.1080/01621459.1980.10477565.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import chdtri

from appliance.spc.anova import Crossed, crossed
from appliance.spc.checks import Float64, finite, require, share
from appliance.spc.constants import d2, d2_star

#: An interaction that is likelier than this is taken for none (AIAG).
POOL_ABOVE: Final = 0.25
#: Distinct categories: 1.41 part / gauge.
CATEGORY_FACTOR: Final = 1.41
#: Standard deviations that a tolerance is compared with.
TOLERANCE_WIDTH: Final = 6.0
#: Ranges whose mean is divided by d2 itself, not by d2* (AIAG, appendix C).
_MANY_RANGES: Final = 15


@dataclass(frozen=True)
class GaugeStudy:
    """Standard deviations of the parts of what is seen, in the unit of the values.

    ``repeatability_interval`` and ``gauge_interval`` at ``confidence``, NaN where none is published (method ``range``).
    ``table`` and ``pooled`` belong to the analysis of variance; ``interaction`` is 0 in the method of ranges.
    """

    method: str
    repeatability: float
    operator: float
    interaction: float
    part: float
    confidence: float
    repeatability_interval: tuple[float, float]
    gauge_interval: tuple[float, float]
    table: Crossed | None = None
    pooled: bool = False

    @property
    def reproducibility(self) -> float:
        """Operators and what is peculiar to operator and part."""
        return math.hypot(self.operator, self.interaction)

    @property
    def gauge(self) -> float:
        """Repeatability and reproducibility."""
        return math.hypot(self.repeatability, self.reproducibility)

    @property
    def total(self) -> float:
        """Gauge and parts."""
        return math.hypot(self.gauge, self.part)

    def study_percent(self, sd: float) -> float:
        """``sd`` in % of the total."""
        return 100.0 * sd / self.total

    def contribution_percent(self, sd: float) -> float:
        """The variance of ``sd`` in % of the total variance."""
        return 100.0 * (sd / self.total) ** 2

    def tolerance_percent(self, sd: float, tolerance: float) -> float:
        """6 ``sd`` in % of the width of a tolerance.

        Raises
        ------
        InvalidInput : the tolerance is not positive
        """
        require(tolerance > 0, "spc.tolerance", "A tolerance has a positive width.")
        return 100.0 * TOLERANCE_WIDTH * sd / tolerance

    @property
    def distinct_categories(self) -> int:
        """How many classes of parts the gauge can tell apart, at least 1."""
        return max(1, int(CATEGORY_FACTOR * self.part / self.gauge)) if self.gauge > 0 else 1


def gauge_study(values: Float64, *, pool_above: float = POOL_ABOVE, confidence: float = 0.95) -> GaugeStudy:
    """The study of values (operators, trials, parts) by analysis of variance.

    Raises
    ------
    InvalidInput : fewer than two of each, a value that is not finite, or values that are all alike
    """
    tail = (1.0 - share(confidence, "confidence")) / 2.0
    table = crossed(values, pool_above=pool_above)
    operators, trials, parts = np.shape(values)
    pooled = table.interaction.freedom == 0
    error, both = table.repeatability, table.repeatability if pooled else table.interaction
    require(table.part.square + error.square > 0, "spc.no_spread", "All values are alike: nothing was measured.")
    # gauge variance as weights of mean squares
    parts_of_gauge = [
        (1.0 / (parts * trials), table.operator.mean_square, table.operator.freedom),
        (0.0 if pooled else (1.0 - 1.0 / parts) / trials, both.mean_square, both.freedom),
        (1.0 - 1.0 / (parts * trials) if pooled else 1.0 - 1.0 / trials, error.mean_square, error.freedom),
    ]
    return GaugeStudy(
        "anova",
        math.sqrt(error.mean_square),
        _root(table.operator.mean_square - both.mean_square, parts * trials),
        0.0 if pooled else _root(both.mean_square - error.mean_square, trials),
        _root(table.part.mean_square - both.mean_square, operators * trials),
        confidence,
        _sum_interval([(1.0, error.mean_square, error.freedom)], tail),
        _sum_interval(parts_of_gauge, tail),
        table,
        pooled,
    )


def range_study(values: Float64) -> GaugeStudy:
    """The study of values (operators, trials, parts) by average and range, with constants of AIAG, computed.

    Raises
    ------
    InvalidInput : fewer than two of each, or a value that is not finite
    """
    array = finite(values, "measurements", least=2, axes=3)
    require(min(array.shape) >= 2, "spc.too_few", "A study needs two operators, two trials and two parts.")
    operators, trials, parts = array.shape
    cells = operators * parts
    divisor = d2(trials) if cells > _MANY_RANGES else d2_star(trials, cells)
    repeatability = float(np.ptp(array, axis=1).mean()) / divisor
    between = float(np.ptp(array.mean(axis=(1, 2)))) / d2_star(operators, 1)
    operator = _root(between**2 - repeatability**2 / (parts * trials), 1)
    part = float(np.ptp(array.mean(axis=(0, 1)))) / d2_star(parts, 1)
    require(part > 0 or repeatability > 0, "spc.no_spread", "All values are alike: nothing was measured.")
    unknown = (math.nan, math.nan)
    return GaugeStudy("range", repeatability, operator, 0.0, part, math.nan, unknown, unknown)


def _root(difference: float, divisor: int) -> float:
    return math.sqrt(max(difference, 0.0) / divisor)


def _sum_interval(terms: list[tuple[float, float, int]], tail: float) -> tuple[float, float]:
    """Interval of the root of a sum of (weight, mean square, freedom) with weights that are not negative."""
    known = [(weight * square, freedom) for weight, square, freedom in terms if weight > 0 and freedom > 0]
    estimate = math.fsum(value for value, _ in known)
    below = math.fsum((value * (1.0 - freedom / float(chdtri(freedom, tail)))) ** 2 for value, freedom in known)
    above = math.fsum((value * (freedom / float(chdtri(freedom, 1.0 - tail)) - 1.0)) ** 2 for value, freedom in known)
    return math.sqrt(max(estimate - math.sqrt(below), 0.0)), math.sqrt(estimate + math.sqrt(above))
