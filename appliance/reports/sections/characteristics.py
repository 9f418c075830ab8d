"""The table of characteristics: asked, found, how sure, decided."""

from __future__ import annotations

from appliance.qc.records import CharacteristicResult
from appliance.reports.figures import limits, millimetres, percent, probability
from appliance.reports.marks import draw_mark
from appliance.reports.palette import MUTED, look_of
from appliance.reports.records import ReportFacts
from appliance.reports.sheet import Sheet
from appliance.reports.table import Cell, Column, Row, draw_table

_COLUMNS = (
    Column("Characteristic", 38.5),
    Column("Zone", 22.0),
    Column("Nominal\nmm", 14.0, "R"),
    Column("Limits\nmm", 27.5, "R"),
    Column("Value\nmm", 16.5, "R"),
    Column("U (k = 2)\nmm", 15.0, "R"),
    Column("Coverage", 15.5, "R"),
    Column("Decision", 27.0),
)


def draw_characteristics(sheet: Sheet, facts: ReportFacts) -> None:
    """One row a characteristic, with its reasons below it."""
    sheet.heading("Characteristics", 30.0)
    draw_table(sheet, _COLUMNS, [_row(result) for result in facts.inspection.verdict.results])
    sheet.y += 2.6
    sheet.paragraph(
        "Nominal is the CAD surface: values, limits and U are deviations from it. A profile is the ISO 1101 value "
        "2 max|d − o|, judged against the width of its zone. min and max are means of surface cells. U is the "
        "expanded uncertainty with the k given in its row's note where it is not 2.",
        size=7.4,
        colour=MUTED,
    )


def _row(result: CharacteristicResult) -> Row:
    asked, look = result.characteristic, look_of(result.decision)
    value = "bold" if result.value_mm is not None else "text"
    return Row(
        (
            Cell(f"{asked.name}\n{asked.quantity}", "text"),
            Cell(asked.zone),
            Cell("0.0000"),
            Cell(limits(asked)),
            Cell(millimetres(result.value_mm, signed=asked.quantity != "profile"), value),
            Cell(millimetres(result.expanded_mm)),
            Cell(percent(result.coverage) + f"\n≥ {percent(asked.coverage, 0)}"),
            Cell(
                look.word,
                "medium",
                look.strong,
                lambda sheet, x, y: draw_mark(sheet, result.decision, x + 1.6, y, 3.4),
                4.4,
            ),
        ),
        _note(result),
    )


def _note(result: CharacteristicResult) -> str:
    parts = []
    if result.conformance_probability is not None:
        parts.append(f"P_c {probability(result.conformance_probability)}")
    if result.guard_band_mm is not None:
        parts.append(f"guard band {millimetres(result.guard_band_mm)} mm")
    if result.value_mm is not None and result.k != 2.0:
        parts.append(f"k = {result.k:g}")
    if result.minimum_mm is not None and result.maximum_mm is not None:
        low, high = (millimetres(value, 3, signed=True) for value in (result.minimum_mm, result.maximum_mm))
        parts.append(f"cells from {low} to {high} mm")
    return " ".join(["; ".join(parts) + "." if parts else "", *result.reasons]).strip()
