"""The decision rule in words, as ISO/IEC 17025 7.8.6 asks: which rule, which edition, which risk."""

from __future__ import annotations

from appliance.reports.decision_rule import RULE_SENTENCES
from appliance.reports.sheet import Sheet


def draw_method(sheet: Sheet) -> None:
    """The sentences that the signed statement carries too."""
    sheet.heading("Decision rule", 26.0)
    for sentence in RULE_SENTENCES:
        sheet.paragraph(sentence, size=8.6)
        sheet.y += 1.0
