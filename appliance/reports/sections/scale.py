"""The colour scale of the views: its range, its bar with the limits of the plan, and what the picture leaves grey.

The range is the widest limit of the plan, so that dark means beyond every limit.  Where a much narrower
limit is not met, the range is twice that limit: what fails must not look as grey as what is perfect.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from appliance.inspections.records import Inspection
from appliance.qc.records import FAIL, CharacteristicResult
from appliance.reports.figures import millimetres
from appliance.reports.palette import INK, LOOKS, MUTED, UNCOVERED, WHITE, Colour
from appliance.reports.render import ColourMap
from appliance.reports.sheet import LEFT, WIDTH, Sheet
from appliance.scans.export.colours import colours_of_deviation

#: Range of colours where the plan has no limits at all, mm.
_SMALLEST_SPAN_MM: Final = 0.001
#: The narrowest limit that is not met stands at this part of the range, or farther out.
_LEAST_SHARE: Final = 0.5
_BAR: Final = 104.0
_END: Final = 7.0
_HEIGHT: Final = 3.8
#: Room above the bar for the marks of limits.
_MARKS: Final = 1.9
_STEPS: Final = 161


@dataclass(frozen=True)
class Scale:
    """Colours from ``-span_mm`` to ``span_mm``; limits of the plan, and those of them that are not met, mm.

    ``tied_to`` names the characteristic whose limit narrowed the range, empty where none did.
    """

    span_mm: float
    limits_mm: tuple[float, ...]
    missed_mm: tuple[float, ...]
    tied_to: str = ""

    @classmethod
    def of(cls, inspection: Inspection) -> Scale:
        """The scale for an inspection: by the limits of its plan, else by its widest percentile."""
        asked = inspection.plan.characteristics
        limits = {float(limit) for item in asked for limit in (item.lower_mm, item.upper_mm) if limit is not None}
        missed = [(limit, result) for result in inspection.verdict.results for limit in _missed(result)]
        marks = tuple(sorted(limits)), tuple(sorted({limit for limit, _ in missed}))
        widest = max(map(abs, limits), default=0.0) or _seen(inspection)
        bounds = [(abs(limit) / _LEAST_SHARE, result.characteristic.name) for limit, result in missed if limit]
        narrow, name = min(bounds, default=(widest, ""))
        return cls(narrow, *marks, name) if narrow < widest else cls(widest, *marks)

    @property
    def colours(self) -> ColourMap:
        """Deviation to colour."""
        return partial(colours_of_deviation, span_mm=self.span_mm)

    @property
    def note(self) -> str:
        """The scale in words."""
        end = f"twice the limit that '{self.tied_to}' does not meet" if self.tied_to else "the widest limit of the plan"
        end = end if self.limits_mm else "the widest percentile of the points"
        return f"mm; − is missing, + is extra material. The scale ends at {end}; dark is beyond it."


def _missed(result: CharacteristicResult) -> list[float]:
    """The limits that a failing value is beyond; of a profile, whose value is a width, both."""
    item, value = result.characteristic, result.value_mm
    if result.decision != FAIL or value is None:
        return []
    lower, upper = item.lower_mm, item.upper_mm
    if item.quantity != "profile":
        lower = lower if lower is not None and value < lower else None
        upper = upper if upper is not None and value > upper else None
    return [float(limit) for limit in (lower, upper) if limit is not None]


def _seen(inspection: Inspection) -> float:
    statistics = inspection.result.get("deviation_mm", {})
    seen = [abs(float(statistics[name])) for name in ("p1", "p99") if statistics.get(name) is not None]
    return max([*seen, _SMALLEST_SPAN_MM])


def draw_scale(sheet: Sheet, scale: Scale) -> None:
    """The bar of colours with ticks, limits and its dark ends, and the keys beside it."""
    span, top, start = scale.span_mm, sheet.y + _MARKS, LEFT + _END
    centres = (np.arange(_STEPS) + 0.5) / _STEPS * 2 * span - span
    strip = np.repeat(scale.colours(centres)[None], 4, axis=0)
    sheet.picture(strip, start, top, _BAR, _HEIGHT, "Colour scale of deviation")
    ends = [tuple(int(part) for part in colour) for colour in scale.colours(np.array((-2 * span, 2 * span)))]
    for x, word, (red, green, blue) in zip((LEFT, start + _BAR + 0.6), ("less", "more"), ends, strict=True):
        sheet.rect(x, top, _END - 0.6, _HEIGHT, (red, green, blue))
        sheet.text(x + (_END - 0.6) / 2, top + 2.7, word, "medium", 6.4, WHITE, align="C")
    for share in (-1.0, -0.5, 0.0, 0.5, 1.0):
        x, shown = start + (share + 1) / 2 * _BAR, millimetres(share * span, 3, signed=share != 0)
        sheet.line(x, top + _HEIGHT, x, top + _HEIGHT + 1.1, MUTED, 0.2)
        sheet.text(x, top + _HEIGHT + 4.1, shown, "text", 7.4, INK, align="C")
    for limit in scale.limits_mm:
        if abs(limit) <= span * (1 + 1e-9):
            _mark(sheet, start + (limit / span + 1) / 2 * _BAR, top, _mark_colour(scale, limit))
    sheet.text(LEFT, top + _HEIGHT + 8.2, scale.note, "text", 7.4, MUTED, width=WIDTH)
    _keys(sheet, scale, start + _BAR + _END + 8.0, top)
    sheet.y = top + _HEIGHT + 10.5


def _mark_colour(scale: Scale, limit: float) -> Colour:
    return LOOKS[FAIL].strong if limit in scale.missed_mm else INK


def _mark(sheet: Sheet, x: float, tip: float, colour: Colour) -> None:
    """A triangle that points down to (x, tip), and its line across the bar."""
    sheet.polygon([(x, tip), (x - 0.9, tip - 1.5), (x + 0.9, tip - 1.5)], colour)
    sheet.line(x, tip, x, tip + _HEIGHT, colour, 0.2)


def _keys(sheet: Sheet, scale: Scale, x: float, top: float) -> None:
    sheet.rect(x, top, 6.5, _HEIGHT, UNCOVERED)
    with sheet.clip(x, top, 6.5, _HEIGHT):
        for offset in range(0, 12, 2):
            sheet.line(x + offset - 4.0, top + _HEIGHT, x + offset, top, WHITE, 0.45)
    sheet.rect(x, top, 6.5, _HEIGHT, None, MUTED, width=0.15)
    sheet.text(x + 8.5, top + 2.9, "not covered by the scan", "text", 7.6, INK)
    keys = [("limit of the plan", INK)] if set(scale.limits_mm) - set(scale.missed_mm) else []
    keys += [("limit not met", LOOKS[FAIL].strong)] if scale.missed_mm else []
    for number, (word, colour) in enumerate(keys):
        left, base = x + 24.0 * number, top + _HEIGHT + 4.1
        sheet.polygon([(left + 1.0, base), (left + 0.1, base - 1.5), (left + 1.9, base - 1.5)], colour)
        sheet.text(left + 3.0, base, word, "text", 7.4, INK)
