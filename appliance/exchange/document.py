"""The printed report of an imported inspection: what the source measured, what it said, what the rule says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from appliance.core.clock import rfc3339
from appliance.reports.figures import NOTHING, probability
from appliance.reports.marks import draw_mark
from appliance.reports.palette import ACCENT, INK, LOOKS, MUTED, look_of
from appliance.reports.records import ENVELOPE_NAME, PROOF_NAME, IssuedFacts
from appliance.reports.sections.closing import draw_closing
from appliance.reports.sections.method import draw_method
from appliance.reports.sections.suspicions import draw_suspicions
from appliance.reports.sections.traceability import draw_traceability
from appliance.reports.sections.verdict import draw_banner
from appliance.reports.sheet import LEFT, RIGHT, WIDTH, Sheet
from appliance.reports.table import Cell, Column, Row, draw_table

_COLUMNS: Final = (
    Column("Characteristic", 46.0),
    Column("Unit", 12.0),
    Column("Limits", 32.0, "R"),
    Column("Value", 20.0, "R"),
    Column("U", 16.0, "R"),
    Column("Source says", 23.0),
    Column("Decision", 27.0),
)

Result = Mapping[str, Any]


def compose(result: Result, facts: IssuedFacts) -> bytes:
    """The report as an unsigned PDF/A-3B."""
    sheet = Sheet(
        title=f"Inspection report {facts.number}", subject=f"Verdict: {look_of(result['verdict']).word}",
        running_title="Imported results", running_right=facts.number, issued_at=facts.issued_at,
    )  # fmt: skip
    _title(sheet, result, facts)
    draw_banner(
        sheet, result["verdict"], result["verdict_reasons"], [row["decision"] for row in result["characteristics"]]
    )
    _identity(sheet, result)
    _characteristics(sheet, result)
    draw_method(sheet)
    draw_traceability(sheet, facts)
    draw_closing(sheet, facts, "measured")
    sheet.attach(ENVELOPE_NAME, facts.record.envelope, "application/json", "Signed statement (DSSE, in-toto)", "Data")
    sheet.attach(PROOF_NAME, facts.record.proof, "text/plain", "Proof that the log holds the statement", "Supplement")
    return sheet.to_bytes()


def _title(sheet: Sheet, result: Result, facts: IssuedFacts) -> None:
    context = result["context"]
    issued = "Issued " + rfc3339(facts.issued_at).replace("T", " ").replace("Z", " UTC")
    sheet.text(LEFT, 19.0, "Inspection report", "bold", 22, ACCENT)
    subtitle = f"Results from elsewhere · Part {context['part']} · {context['asset']}"
    sheet.text(LEFT, 25.6, subtitle, "text", 10.5, MUTED, width=WIDTH * 0.64)
    sheet.text(RIGHT, 14.6, "Report number", "text", 7.5, MUTED, align="R")
    sheet.text(RIGHT, 19.2, facts.number, "mono", 9.5, INK, align="R")
    sheet.text(RIGHT, 25.6, issued, "text", 8.5, MUTED, align="R")
    sheet.y = 31.0
    if amends := context.get("amends"):
        text = f"Amends report {amends['report_number']}. Reason: {amends['reason']}"
        sheet.text(LEFT, 30.4, text, "medium", 9.0, INK, width=WIDTH)
        sheet.y = 35.0
    draw_suspicions(sheet, context)


def _identity(sheet: Sheet, result: Result) -> None:
    context, file = result["context"], result["results_file"]
    facts = (
        ("Asset", f"{context['asset']} · serial number {context['serial'] or NOTHING}"),
        ("Part", context["part"]),
        ("Measured", f"{result['measured_at'][:19].replace('T', ' ')} UTC, with {result['instrument'] or NOTHING}"),
        ("Laboratory", file["laboratory"] or NOTHING),
        ("File", f"{file['name']} ({file['format'].upper()}), inspection {file['position']} of it"),
        ("SHA-256", file["sha256"]),
    )
    for label, value in facts:
        sheet.text(LEFT, sheet.y + 3.2, label, "text", 8.2, MUTED)
        sheet.text(LEFT + 26.0, sheet.y + 3.2, value, "text", 8.4, INK, width=WIDTH - 26.0)
        sheet.y += 4.6
    for note in result["notes"]:
        sheet.paragraph(f"Note: {note}.", size=8.0, colour=MUTED)
    sheet.y += 2.0


def _characteristics(sheet: Sheet, result: Result) -> None:
    sheet.heading("Characteristics", 30.0)
    draw_table(sheet, _COLUMNS, [_row(row) for row in result["characteristics"]])
    sheet.y += 2.6
    sheet.paragraph(
        "Values, limits and uncertainties are the source's, in the unit of their row. The decision is made here by the "
        "rule below; without a stated uncertainty nothing can be proven. Where the source's own verdict and the "
        "decision cannot both be right, its cell says so.",
        size=7.4,
        colour=MUTED,
    )


def _row(row: Result) -> Row:
    look, warned = look_of(row["decision"]), LOOKS["fail"].strong
    said = row["source_decision"] or NOTHING
    name = f"{row['name']}\n{row['quantity']}" + (f" · {row['zone']}" if row["zone"] else "")
    return Row(
        (
            Cell(name),
            Cell(row["unit"]),
            Cell(_limits(row)),
            Cell(_figure(row["value"]), "bold" if row["value"] is not None else "text"),
            Cell(_figure(row["U"])),
            Cell(f"≠ {said}", "medium", warned) if row["disagrees"] else Cell(said),
            Cell(
                look.word, "medium", look.strong,
                lambda sheet, x, y: draw_mark(sheet, row["decision"], x + 1.6, y, 3.4), 4.4,
            ),
        ),
        _note(row),
    )  # fmt: skip


def _note(row: Result) -> str:
    proven = row["conformance_probability"]
    start = () if proven is None else (f"P_c {probability(proven)}; guard band {_figure(row['guard_band'])}.",)
    return " ".join((*start, *row["reasons"]))


def _limits(row: Result) -> str:
    lower, upper = row["lower"], row["upper"]
    if lower is not None and upper is not None:
        return f"{_figure(lower)} … {_figure(upper)}"
    if lower is not None:
        return f"≥ {_figure(lower)}"
    return f"≤ {_figure(upper)}" if upper is not None else "no limit"


def _figure(value: float | None) -> str:
    """Up to six decimals, those that say something."""
    if value is None:
        return NOTHING
    return f"{value:.6f}".rstrip("0").rstrip(".").replace("-", "−")
