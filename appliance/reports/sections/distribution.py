"""The distribution of deviations: a histogram with the limits of the plan, and the statistics of all points."""

from __future__ import annotations

import numpy as np

from appliance.inspections.records import Histogram, Inspection
from appliance.reports.figures import NOTHING, count, millimetres
from appliance.reports.palette import BAR, HAIRLINE, INK, LOOKS, MUTED
from appliance.reports.records import ReportFacts
from appliance.reports.sheet import LEFT, RIGHT, WIDTH, Sheet

_HEIGHT = 38.0
#: Room that the label of an end class takes from the other labels.
_END_LABEL = 19.0
_STATISTICS = ("count", "mean", "std", "min", "p1", "p5", "p25", "p50", "p75", "p95", "p99", "max")


def draw_distribution(sheet: Sheet, facts: ReportFacts) -> None:
    """Histogram above, statistics below."""
    sheet.heading("Distribution of deviations", _HEIGHT + 28.0)
    inspection = facts.inspection
    if inspection.histogram.counts.sum() > 0:
        _histogram(sheet, inspection)
    else:
        sheet.paragraph("No point of the scan belongs to the part: there is nothing to distribute.", colour=MUTED)
        sheet.y += 3.0
    _statistics(sheet, inspection)


def _histogram(sheet: Sheet, inspection: Inspection) -> None:
    counts, edges = inspection.histogram.counts, inspection.histogram.edges_mm
    low, high = float(edges[0]), float(edges[-1])
    top, base = sheet.y + 6.0, sheet.y + _HEIGHT
    most = float(counts.max())

    def at(value_mm: float) -> float:
        return LEFT + (value_mm - low) / (high - low) * WIDTH

    for share in (0.25, 0.5, 0.75, 1.0):
        sheet.line(LEFT, base - share * (base - top), RIGHT, base - share * (base - top), HAIRLINE, 0.12)
    for number, height in enumerate(counts / most * (base - top)):
        x, right = at(float(edges[number])), at(float(edges[number + 1]))
        if height > 0:
            beyond = number in (0, len(counts) - 1)
            shape = (x + 0.08, base - max(height, 0.15), max(right - x - 0.16, 0.1), max(height, 0.15))
            sheet.rect(*shape, MUTED if beyond else BAR)
    sheet.line(LEFT, base, RIGHT, base, MUTED, 0.25)
    _limit_lines(sheet, inspection, low, high, top, base)
    for value in _ticks(low, high):
        sheet.line(at(value), base, at(value), base + 1.2, MUTED, 0.2)
        if LEFT + _END_LABEL < at(value) < RIGHT - _END_LABEL:
            shown = millimetres(value, 3, signed=abs(value) > 1e-12)
            sheet.text(at(value), base + 4.4, shown, "text", 7.4, INK, align="C")
    below, above = _end_labels(inspection.histogram)
    sheet.text(LEFT, base + 4.4, below, "medium", 7.4, INK)
    sheet.text(RIGHT, base + 4.4, above, "medium", 7.4, INK, align="R")
    sheet.text(RIGHT, base + 8.2, "deviation, mm", "text", 7.4, MUTED, align="R")
    totals = f"{count(counts.sum())} points in {len(counts)} classes; highest class {count(counts.max())}; "
    ends = f"the end classes hold all beyond: {count(counts[0])} points {below}, {count(counts[-1])} points {above}"
    sheet.text(LEFT, base + 8.2, totals + ends, "text", 7.4, MUTED, width=WIDTH - 24.0)
    sheet.y = base + 11.5


def _end_labels(histogram: Histogram) -> tuple[str, str]:
    """What the first and the last class hold: everything up to the inner edge of one, and from that of the other on."""
    edges = histogram.edges_mm
    return f"≤ {millimetres(edges[1], 3, signed=True)}", f"≥ {millimetres(edges[-2], 3, signed=True)}"


def _limit_lines(sheet: Sheet, inspection: Inspection, low: float, high: float, top: float, base: float) -> None:
    """Dashed lines at the distinct limits of the plan that lie in the range, labelled where there is room."""
    limits = sorted({v for c in inspection.plan.characteristics for v in (c.lower_mm, c.upper_mm) if v is not None})
    colour, last = LOOKS["fail"].strong, -1e9
    for limit in limits:
        if not low <= limit <= high:
            continue
        x = LEFT + (limit - low) / (high - low) * WIDTH
        sheet.dashed(x, top - 2.0, x, base, colour)
        if x - last > 11.0 and LEFT + 5 < x < RIGHT - 5:
            sheet.text(x, top - 3.0, millimetres(limit, 3, signed=True), "medium", 6.8, colour, align="C")
            last = x


def _ticks(low: float, high: float) -> list[float]:
    """About nine round values within the range."""
    raw = (high - low) / 8.0
    unit = 10.0 ** np.floor(np.log10(raw))
    step = float(unit * min((1.0, 2.0, 5.0, 10.0), key=lambda m: abs(m * unit - raw)))
    return [k * step for k in range(int(np.ceil(low / step - 1e-9)), int(np.floor(high / step + 1e-9)) + 1)]


def _statistics(sheet: Sheet, inspection: Inspection) -> None:
    """Twelve figures in one strip."""
    statistics = inspection.result.get("deviation_mm", {})
    sheet.need(13.0)
    step = WIDTH / len(_STATISTICS)
    sheet.line(LEFT, sheet.y, RIGHT, sheet.y)
    for number, name in enumerate(_STATISTICS):
        x = LEFT + number * step + step / 2
        value = statistics.get(name)
        shown = (
            count(value)
            if name == "count"
            else millimetres(value, signed=name != "std")
            if value is not None
            else NOTHING
        )
        sheet.text(x, sheet.y + 4.0, name, "text", 7.2, MUTED, align="C")
        sheet.text(x, sheet.y + 8.4, shown, "medium", 7.8, INK, align="C")
    sheet.line(LEFT, sheet.y + 10.8, RIGHT, sheet.y + 10.8)
    sheet.y += 13.0
