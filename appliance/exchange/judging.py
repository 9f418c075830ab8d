"""Judging what others measured, by the rule of every verdict here; what they decided themselves is kept beside it.

A value without a stated uncertainty is inconclusive, and so is one without limits: nothing passes by absence.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

from appliance.exchange.records import Reported, ReportedInspection
from appliance.measurements.recording import Finding
from appliance.qc.decision import GUARD_FACTOR, can_ever_pass, conformance_probability, decide, overall
from appliance.qc.records import INCONCLUSIVE, NOT_MEASURED

NO_UNCERTAINTY: Final = "The source states no uncertainty."
NO_LIMITS: Final = "The source states no limits."
NO_VALUE: Final = "The source states no value."
_TOO_NARROW: Final = "The tolerance is narrower than 3.92 u: no value could pass."


@dataclass(frozen=True)
class Judged:
    """One characteristic as it was judged, and why."""

    finding: Finding
    reasons: tuple[str, ...]

    @property
    def guard_band(self) -> float | None:
        """The one-sided guard band g = 1.65 u, in the unit of the value."""
        return None if self.finding.u is None else GUARD_FACTOR * self.finding.u


@dataclass(frozen=True)
class JudgedInspection:
    """One inspection as it was judged."""

    reported: ReportedInspection
    rows: tuple[Judged, ...]
    decision: str
    reasons: tuple[str, ...]

    @property
    def disagreements(self) -> int:
        """How often the source's verdict and ours cannot both be right."""
        return sum(row.finding.disagrees for row in self.rows)


def judge_inspection(reported: ReportedInspection) -> JudgedInspection:
    """Judge every characteristic of an inspection, and all of them together."""
    rows = tuple(_judged(row) for row in reported.rows)
    decision, sentence = overall([(row.finding.name, row.finding.decision) for row in rows])
    found = JudgedInspection(reported, rows, decision, (_short(sentence), *_counted(rows)))
    if not found.disagreements:
        return found
    told = f"On {found.disagreements} of {len(rows)} characteristics the source's own verdict contradicts this one."
    return JudgedInspection(reported, rows, decision, (*found.reasons, told))


def _judged(row: Reported) -> Judged:
    decision, probability, reasons = _decided(row)
    said = _contradiction(row) if (finding := _finding(row, decision, probability)).disagrees else ()
    return Judged(finding, (*reasons, *said))


def _decided(row: Reported) -> tuple[str, float | None, tuple[str, ...]]:
    if row.value is None:
        return NOT_MEASURED, None, (NO_VALUE,)
    if row.lower is None and row.upper is None:
        return INCONCLUSIVE, None, (NO_LIMITS,)
    if row.u is None:
        return INCONCLUSIVE, None, (NO_UNCERTAINTY,)
    probability = conformance_probability(row.value, row.u, row.lower, row.upper)
    narrow = () if can_ever_pass(row.u, row.lower, row.upper) else (_TOO_NARROW,)
    return decide(row.value, row.u, row.lower, row.upper), probability, narrow


def _finding(row: Reported, decision: str, probability: float | None) -> Finding:
    return Finding(
        key=row.key, name=row.name, zone=row.zone, quantity=row.quantity, unit=row.unit, value=row.value, u=row.u,
        k=row.k, lower=row.lower, upper=row.upper, decision=decision, conformance_probability=probability,
        source_decision=row.verdict,
    )  # fmt: skip


def _contradiction(row: Reported) -> tuple[str, ...]:
    return (f"The source says {row.verdict}, which its own value and limits contradict.",)


def _counted(rows: tuple[Judged, ...]) -> tuple[str, ...]:
    """The reasons that many characteristics share, each once."""
    tally = Counter(reason for row in rows for reason in row.reasons if reason in (NO_UNCERTAINTY, NO_LIMITS, NO_VALUE))
    return tuple(f"{reason.removesuffix('.')} of {count} characteristics." for reason, count in tally.items())


def _short(sentence: str) -> str:
    """A sentence that names hundreds of characteristics, cut behind the first of them."""
    return sentence if len(sentence) <= _LONGEST else f"{sentence[:_LONGEST].rpartition(',')[0]} and others."


_LONGEST: Final = 300
