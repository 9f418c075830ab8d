"""Uncertainty budgets: every contribution of every value, with its share of the variance."""

from __future__ import annotations

from math import hypot

from appliance.qc.records import CharacteristicResult
from appliance.reports.figures import NOTHING, millimetres, percent
from appliance.reports.palette import BAR as SHARE
from appliance.reports.palette import HAIRLINE, MUTED
from appliance.reports.records import ReportFacts
from appliance.reports.sheet import Sheet
from appliance.reports.table import Cell, Column, Row, draw_table

_BAR_WIDTH = 26.0
#: Height of what stands and is said before the first budget, mm.
_ABOUT = 18.0
_COLUMNS = (
    Column("Contribution", 38.0),
    Column("u\nmm", 19.0, "R"),
    Column("Share of\nvariance", 17.0, "R"),
    Column("", _BAR_WIDTH + 4.0),
    Column("Where it comes from", 72.0),
)


def draw_budgets(sheet: Sheet, facts: ReportFacts) -> None:
    """A table for each budget; characteristics with the same budget share one."""
    groups: dict[tuple[object, ...], list[CharacteristicResult]] = {}
    for result in facts.inspection.verdict.results:
        if result.budget:
            groups.setdefault((result.budget, result.k), []).append(result)
    first = next(iter(groups.values()), None)
    sheet.heading("Uncertainty budget", _ABOUT + (_room(first) if first else 0.0))
    sheet.paragraph(
        "Standard uncertainties combine as the root of the sum of their squares; U = k u. "
        "The factor of a profile (u_P = 2u) is already in its u.",
        size=8.2,
        colour=MUTED,
    )
    if not groups:
        sheet.paragraph("No characteristic was measured: there is no budget.", size=8.6)
    for results in groups.values():
        _budget(sheet, results)


def _budget(sheet: Sheet, results: list[CharacteristicResult]) -> None:
    first = results[0]
    names = ", ".join(result.characteristic.name for result in results)
    sheet.y += 3.2
    sheet.need(_room(results))
    sheet.paragraph(names, face="medium", size=8.8)
    sheet.y += 1.2
    combined = hypot(*(line.u_mm or 0.0 for line in first.budget))
    rows = [_line(line.name, line.u_mm, line.source, combined) for line in first.budget]
    if first.u_mm is not None and first.expanded_mm is not None:
        rows.append(
            Row(
                (
                    Cell("Combined, and expanded", "medium"),
                    Cell(millimetres(first.u_mm), "medium"),
                    Cell(""),
                    Cell(""),
                    Cell(f"U = {millimetres(first.expanded_mm)} mm with k = {first.k:g} (about 95 %)", "medium"),
                )
            )
        )
    draw_table(sheet, _COLUMNS, rows, 8.0)


def _room(results: list[CharacteristicResult]) -> float:
    """Height in mm that one budget should have on a page; no page has room for more than so many lines."""
    return min(22.0 + 7.2 * len(results[0].budget), 150.0)


def _line(name: str, u_mm: float | None, source: str, combined: float) -> Row:
    share = (u_mm / combined) ** 2 if u_mm is not None and combined > 0 else 0.0

    def bar(sheet: Sheet, x: float, y: float) -> None:
        sheet.rect(x, y - 1.0, _BAR_WIDTH, 2.0, HAIRLINE)
        if share > 0:
            sheet.rect(x, y - 1.0, share * _BAR_WIDTH, 2.0, SHARE)

    shown = name[:1].upper() + name[1:].replace("_", " ")
    return Row(
        (
            Cell(shown),
            Cell(millimetres(u_mm)),
            Cell(percent(share) if u_mm is not None else NOTHING),
            Cell(draw=bar),
            Cell(source),
        )
    )
