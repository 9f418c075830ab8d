"""The histogram of a report: inlier deviations between limits and beyond."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.deviation.statistics import counts_between
from appliance.inspections.records import Histogram
from appliance.qc.records import CharacteristicSet

_BINS: Final = 120
#: The widest limit fills this share of the axis.
_LIMIT_SHARE: Final = 0.6


def histogram_of(
    deviation_mm: npt.NDArray[np.float64], isolated: npt.NDArray[np.bool_], plan: CharacteristicSet
) -> Histogram:
    """Counts of inliers over a symmetric axis tied to the widest limit; the end bins hold what lies beyond."""
    limits = [abs(x) for item in plan.characteristics for x in (item.lower_mm, item.upper_mm) if x]
    span_mm = max(limits, default=plan.cap_mm) / _LIMIT_SHARE
    counts = counts_between(deviation_mm, isolated, -span_mm, span_mm, _BINS)
    return Histogram(counts, np.linspace(-span_mm, span_mm, _BINS + 1))
