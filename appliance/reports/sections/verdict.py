"""The verdict banner: shape, word, meaning, the tally of decisions and the reasons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from appliance.qc.records import FAIL, INCONCLUSIVE, NOT_MEASURED, PASS
from appliance.reports.marks import draw_mark
from appliance.reports.palette import INK, MUTED, look_of
from appliance.reports.records import ReportFacts
from appliance.reports.sheet import LEFT, RIGHT, WIDTH, Sheet

_MOST_REASONS = 4


def draw_verdict(sheet: Sheet, facts: ReportFacts) -> None:
    """The banner at the running position."""
    verdict = facts.inspection.verdict
    draw_banner(sheet, verdict.decision, verdict.reasons, [result.decision for result in verdict.results])


def draw_banner(sheet: Sheet, decision: str, reasons_given: Sequence[str], decisions: Sequence[str]) -> None:
    """A verdict with its reasons, and the ``decisions`` on its characteristics counted."""
    look = look_of(decision)
    shown = list(reasons_given[:_MOST_REASONS])
    if len(reasons_given) > _MOST_REASONS:
        shown.append(f"{len(reasons_given) - _MOST_REASONS} more reasons stand with the characteristics.")
    reasons = [line for reason in shown for line in sheet.lines_of(reason, WIDTH - 34.0, "text", 8.6)]
    height = 21.0 + (4.1 * len(reasons) + 1.5 if reasons else 0.0)
    top = sheet.y
    sheet.rect(LEFT, top, WIDTH, height, look.pale, look.strong, radius=1.8, width=0.3)
    draw_mark(sheet, decision, LEFT + 13.0, top + 10.5, 12.5)
    sheet.text(LEFT + 25.0, top + 11.0, look.word, "bold", 21, look.strong)
    sheet.text(LEFT + 25.0, top + 16.9, look.meaning, "text", 9.2, INK)
    _tally(sheet, decisions, top)
    for number, line in enumerate(reasons):
        sheet.text(LEFT + 25.0, top + 22.6 + 4.1 * number, line, "text", 8.6, INK)
    sheet.y = top + height + 5.0


def _tally(sheet: Sheet, decisions: Sequence[str], top: float) -> None:
    """How many characteristics came to which decision, at the right end of the banner."""
    tally = Counter(decisions)
    named = [decision for decision in (PASS, FAIL, INCONCLUSIVE, NOT_MEASURED) if tally[decision]]
    x = RIGHT - 9.0
    for decision in reversed(named):
        draw_mark(sheet, decision, x, top + 8.0, 4.6)
        sheet.text(x, top + 15.0, str(tally[decision]), "bold", 10, look_of(decision).strong, align="C")
        x -= 10.5
    if named:
        sheet.text(RIGHT - 4.0, top + 18.6, f"of {len(decisions)} characteristics", "text", 6.8, MUTED, align="R")
