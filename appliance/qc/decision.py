"""The decision rule (ISO 14253-1:2017 with the conformance probability of JCGM 106:2012).

A value y with standard uncertainty u is normally distributed about the truth.  It *passes* when
the probability P_c that the truth conforms is at least 95 %, *fails* when that is at most 5 %, and is
*inconclusive* between.  Far from the other limit this is the guard band of the standard, rounded to
g = 1.65 u (exactly 1.645 u): within that rounding a value is inconclusive.  At T = 4 u the guard band
alone would pass what conforms with 94.1 % only, so P_c decides.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from appliance.qc.records import FAIL, INCONCLUSIVE, NOT_MEASURED, PASS, CharacteristicResult, Verdict

#: Least conformance probability of a pass, and (from 1) greatest of a fail.
PASS_PROBABILITY: Final = 0.95
#: One-sided 95 % quantile as the standard rounds it, for the guard band that is reported.
GUARD_FACTOR: Final = 1.65
#: Rounding of decimal limits and values, in u: what lies on a border to this much lies on it.
_ROUNDING_IN_U: Final = 1e-9
#: A tolerance narrower than this many u cannot pass wherever the value lies: 2 Phi(T/2u) - 1 < 0.95.
LEAST_TOLERANCE_IN_U: Final = 3.92
RULE: Final = "ISO 14253-1:2017, conformance probability per JCGM 106:2012, 95 %"


def conformance_probability(value: float, u: float, lower: float | None, upper: float | None) -> float:
    """Probability that the true value lies within the limits (None: no limit there).

    Raises
    ------
    ValueError : ``u`` is not positive, or any figure is not finite
    """
    if not (math.isfinite(value) and math.isfinite(u) and u > 0):
        raise ValueError("a conformance probability needs a finite value and a positive uncertainty")
    above_lower = 1.0 if lower is None else _phi((value - lower) / u)
    above_upper = 0.0 if upper is None else _phi((value - upper) / u)
    return above_lower - above_upper


def decide(value: float, u: float, lower: float | None, upper: float | None) -> str:
    """``pass``, ``fail`` or ``inconclusive`` for one value."""
    probability = conformance_probability(value, u, lower, upper)
    inside_by_u = _distance_inside(value, lower, upper) / u
    if probability >= PASS_PROBABILITY and inside_by_u >= GUARD_FACTOR - _ROUNDING_IN_U:
        return PASS
    if probability <= 1.0 - PASS_PROBABILITY and inside_by_u < -GUARD_FACTOR - _ROUNDING_IN_U:
        return FAIL
    return INCONCLUSIVE


def can_ever_pass(u: float, lower: float | None, upper: float | None) -> bool:
    """Whether any value could pass with this uncertainty: asked before measuring."""
    return lower is None or upper is None or upper - lower >= LEAST_TOLERANCE_IN_U * u


def contradicts(
    stated: str | None, decision: str, value: float | None, u: float | None, lower: float | None, upper: float | None
) -> bool:
    """Whether the verdict that somebody else ``stated`` on a value and our ``decision`` cannot both be right.

    A pass cannot where the value itself lies beyond a limit, whatever its uncertainty, nor a fail where the value
    passes.  An inconclusive value within its limits contradicts a fail only if no uncertainty was stated: with one
    the source may have kept a guard band.
    """
    if stated not in (PASS, FAIL) or value is None:
        return False
    is_within = _distance_inside(value, lower, upper) >= 0.0
    if stated == PASS:
        return decision == FAIL or not is_within
    return decision == PASS or (u is None and is_within)


def verdict_of(results: tuple[CharacteristicResult, ...], ambiguous: bool, reasons: tuple[str, ...] = ()) -> Verdict:
    """The verdict on an inspection (metrology §6).

    An ambiguous alignment comes first: nothing measured in a frame that may be another one says
    anything about the part.  Then any fail, then anything that is not a pass.

    Raises
    ------
    ValueError : there are no characteristics; nothing passes by absence
    """
    if not results:
        raise ValueError("an inspection without characteristics has no verdict")
    if ambiguous:
        return Verdict(INCONCLUSIVE, ("The alignment is ambiguous.", *reasons), results)
    decision, sentence = overall([(result.characteristic.name, result.decision) for result in results])
    return Verdict(decision, (sentence, *reasons), results)


def overall(decided: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """The decision on all of these characteristics (name, decision) together, and why: any fail, then any non-pass.

    Raises
    ------
    ValueError : there are none; nothing passes by absence
    """
    if not decided:
        raise ValueError("an inspection without characteristics has no verdict")
    for decision in (FAIL, INCONCLUSIVE, NOT_MEASURED):
        if names := [name for name, found in decided if found == decision]:
            return decision, _sentence(names, len(decided), decision)
    return PASS, f"All {len(decided)} characteristics pass."


def _sentence(names: Sequence[str], of: int, decision: str) -> str:
    words = {FAIL: "beyond limits", INCONCLUSIVE: "inconclusive", NOT_MEASURED: "not measured"}[decision]
    return f"{len(names)} of {of} characteristics {words}: {', '.join(names)}."


def _distance_inside(value: float, lower: float | None, upper: float | None) -> float:
    """Distance to the nearest limit, positive within the limits."""
    above = math.inf if lower is None else value - lower
    below = math.inf if upper is None else upper - value
    return min(above, below)


def _phi(z: float) -> float:
    """Standard normal distribution function; erfc keeps the small tail exact."""
    return 0.5 * math.erfc(-z / math.sqrt(2.0))
