"""What speaks against a report since before it was signed, printed below its title."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from appliance.qc.records import INCONCLUSIVE
from appliance.reports.palette import LOOKS
from appliance.reports.sheet import LEFT, WIDTH, Sheet
from appliance.reports.suspicions import sentences_of

_STEP: Final = 4.6


def draw_suspicions(sheet: Sheet, context: Mapping[str, Any]) -> None:
    """Sentences above the verdict that they are about; none where nothing speaks against it."""
    for sentence in sentences_of(context):
        for line in sheet.lines_of(sentence, WIDTH, "medium", 9.0):
            sheet.text(LEFT, sheet.y - 0.6, line, "medium", 9.0, LOOKS[INCONCLUSIVE].strong)
            sheet.y += _STEP
