"""The decision rule of every report: one text, printed and signed alike (metrology.md §6)."""

from __future__ import annotations

from typing import Any, Final

#: Least probability of a correct statement, for conformity and for non-conformity.
CONFORMANCE_PROBABILITY: Final = "0.95"

RULE_SENTENCES: Final = (
    "Conformity is decided by ISO 14253-1:2017 with the conformance probability P_c of JCGM 106:2012: pass where "
    "P_c ≥ 0.95, fail where P_c ≤ 0.05, otherwise inconclusive. P_c = Φ((U − y)/u) − Φ((L − y)/u), with the limits L "
    "and U (a missing limit is infinite), the value y and its standard uncertainty u, taken as normally distributed.",
    "The one-sided guard band g = 1.65 u of the standard must say the same: a value between 1.645 u (P_c = 0.05 or "
    "0.95) and 1.65 u from its limit is inconclusive. The risk of a wrong pass and the risk of a wrong fail are each "
    "at most 5 % for the single characteristic.",
    "Too little coverage means not measured, which is never a pass. An ambiguous alignment makes the inspection "
    "inconclusive; any fail makes it fail; any other result that is not a pass keeps it from passing.",
)


def statement() -> dict[str, Any]:
    """The rule as data for the signed statement."""
    return {
        "standard": "ISO 14253-1",
        "edition": "2017",
        "method": "JCGM 106:2012 conformance probability",
        "pass_from_probability": CONFORMANCE_PROBABILITY,
        "fail_to_probability": "0.05",
        "risk_of_wrong_pass_at_most": "0.05",
        "risk_of_wrong_fail_at_most": "0.05",
        "guard_band_in_u": "1.65",
        "guard_band_must_agree": True,
        "text": list(RULE_SENTENCES),
    }
