"""Many tests at once: which of them may be called discoveries (Benjamini and Hochberg).

Of half a million cells without any trend, 25,000 have p < 0.05.  Called are those tests whose adjusted p is at most q:
then no more than a share q of what is called is false on average, for tests that are independent or positively
dependent, as neighbouring cells are.  (``scipy.stats`` has the same; it costs every process half a second and 46 MB.)

Source: Benjamini & Hochberg, Journal of the Royal Statistical Society B 57 (1995) 289-300,
doi:10.1111/j.2517-6161.1995.tb02031.x; Benjamini & Yekutieli, Annals of Statistics 29 (2001) 1165-1188.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from appliance.spc.checks import Bool, Float64, require, share

#: Share of false discoveries that maps of cells accept (metrology, section on trends).
DISCOVERY_RATE: Final = 0.05


def adjusted(p: Float64) -> Float64:
    """Adjusted p of tests, float64 of the shape of ``p``; NaN, which is no test, stays NaN.

    Raises
    ------
    InvalidInput : a p is not in [0, 1]
    """
    known = ~np.isnan(p)
    require(((p[known] >= 0) & (p[known] <= 1)).all(), "spc.probability", "A p lies in [0, 1].")
    found = np.full(p.shape, np.nan)
    tests = p[known]
    order = np.argsort(tests, kind="stable")[::-1]  # largest first
    rank = np.arange(len(tests), 0, -1)
    smallest = np.minimum.accumulate(tests[order] * (len(tests) / rank))
    own = np.empty(len(tests))
    own[order] = np.minimum(smallest, 1.0)
    found[known] = own
    return found


def discoveries(p: Float64, rate: float = DISCOVERY_RATE) -> Bool:
    """Which tests are called at this ``rate``, bool of the shape of ``p``; raises as ``adjusted``."""
    return np.asarray(adjusted(p) <= share(rate, "the rate of false discoveries"))
