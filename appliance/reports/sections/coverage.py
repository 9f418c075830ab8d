"""Coverage: how much of each judged zone the scan has seen, and the largest hole."""

from __future__ import annotations

from appliance.qc.records import CharacteristicResult
from appliance.reports.figures import count, millimetres, percent
from appliance.reports.palette import ACCENT, HAIRLINE, INK, LOOKS
from appliance.reports.records import ReportFacts
from appliance.reports.sheet import Sheet
from appliance.reports.table import Cell, Column, Row, draw_table

_BAR_WIDTH = 44.0
_COLUMNS = (
    Column("Zone", 38.0),
    Column("Covered", 17.0, "R"),
    Column("", _BAR_WIDTH + 4.0),
    Column("Required", 16.0, "R"),
    Column("Largest hole\nmm", 17.0, "R"),
    Column("Area\nmm²", 19.0, "R"),
    Column("Left out at edges\nmm²", 21.0, "R"),
)


def draw_coverage(sheet: Sheet, facts: ReportFacts) -> None:
    """One row for each zone and requirement on it."""
    results: dict[tuple[str, float, float], CharacteristicResult] = {}
    for result in facts.inspection.verdict.results:
        asked = result.characteristic
        results.setdefault((asked.zone, asked.coverage, asked.detect_mm), result)
    sheet.heading("Coverage", 26.0)
    draw_table(sheet, _COLUMNS, [_row(result) for result in results.values()])


def _row(result: CharacteristicResult) -> Row:
    asked = result.characteristic
    enough = result.coverage >= asked.coverage
    hole_limit = "" if asked.uncovered_mm is None else f"\n≤ {millimetres(asked.uncovered_mm, 1)}"
    colour = INK if enough else LOOKS["fail"].strong

    def bar(sheet: Sheet, x: float, y: float) -> None:
        sheet.rect(x, y - 1.2, _BAR_WIDTH, 2.4, HAIRLINE)
        share = min(max(result.coverage, 0.0), 1.0)
        if share > 0:
            sheet.rect(x, y - 1.2, share * _BAR_WIDTH, 2.4, ACCENT if enough else LOOKS["fail"].strong)
        sheet.line(x + asked.coverage * _BAR_WIDTH, y - 2.0, x + asked.coverage * _BAR_WIDTH, y + 2.0, INK, 0.35)

    return Row(
        (
            Cell(asked.zone),
            Cell(percent(result.coverage), "medium", colour),
            Cell(draw=bar),
            Cell(percent(asked.coverage)),
            Cell(millimetres(result.largest_uncovered_mm, 1) + hole_limit),
            Cell(count(round(result.zone_area_mm2))),
            Cell(count(round(result.left_out_area_mm2))),
        )
    )
