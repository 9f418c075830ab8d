"""Alignment: where the scanner stood, how sure that is, and what the checks of the CAD model found."""

from __future__ import annotations

from typing import Final

from appliance.reports.figures import NOTHING, count, millimetres
from appliance.reports.palette import ACCENT, INK, LOOKS, MUTED, PANEL
from appliance.reports.records import ReportFacts
from appliance.reports.sheet import LEFT, RIGHT, WIDTH, Sheet

_MODE_NAMES: Final = {
    "datum": "datum system (3-2-1)",
    "reference_zones": "fit on reference zones",
    "best_fit_all": "best fit of all points",
    "supplied": "supplied transform",
    "shared_frame": "scan and CAD share a frame",
}
_SEVERITIES: Final = {"note": "Note", "warning": "Warning", "error": "Error"}


def draw_alignment(sheet: Sheet, facts: ReportFacts) -> None:
    """Figures on the left, the matrix on the right."""
    found, plan = facts.inspection.alignment, facts.inspection.plan
    sheet.heading("Alignment", 40.0)
    zones = ", ".join(plan.datums or plan.reference_zones) or NOTHING
    ratio = "none found" if found.best_distinct_ratio is None else f"{found.best_distinct_ratio:.3f} times the residual"
    rotation = None if found.rotation_u_rad is None else 1e6 * found.rotation_u_rad
    lines = (
        ("Mode", _MODE_NAMES.get(found.mode, found.mode)),
        ("Zones", zones),
        ("Residual (RMS)", f"{millimetres(found.residual_rms_mm)} mm over {count(found.points_used)} points"),
        (
            "u translation",
            f"{millimetres(found.translation_u_mm)} mm" if found.translation_u_mm is not None else NOTHING,
        ),
        ("u rotation", f"{rotation:.1f} µrad" if rotation is not None else NOTHING),
        ("Best other pose", ratio),
        ("Ambiguous", "yes" if found.ambiguous else "no"),
    )
    top = sheet.y
    for number, (label, value) in enumerate(lines):
        y = top + 3.4 + 4.7 * number
        strong = label == "Ambiguous" and found.ambiguous
        sheet.text(LEFT, y, label, "text", 8.2, MUTED)
        face, colour = ("bold", LOOKS["inconclusive"].strong) if strong else ("text", INK)
        sheet.text(LEFT + 26.0, y, value, face, 8.4, colour, width=58.0)
    _matrix(sheet, facts, top)
    sheet.y = top + 4.7 * len(lines) + 2.0
    for reason in found.reasons:
        sheet.paragraph(reason, size=8.4)


def draw_findings(sheet: Sheet, facts: ReportFacts) -> None:
    """What the checks of the CAD model noticed, word for word."""
    sheet.heading("Checks of the CAD model", 14.0)
    findings = facts.inspection.cad.findings
    if not findings:
        sheet.paragraph("The checks found nothing to report.", size=8.6)
    for finding in findings:
        sheet.need(6.0)
        colour = {"error": LOOKS["fail"].strong, "warning": LOOKS["inconclusive"].strong}.get(finding.severity, ACCENT)
        sheet.text(LEFT, sheet.y + 3.0, _SEVERITIES.get(finding.severity, finding.severity), "medium", 8.4, colour)
        sheet.paragraph(finding.message, LEFT + 18.0, WIDTH - 18.0, size=8.4)
        sheet.y += 0.8


def _matrix(sheet: Sheet, facts: ReportFacts, top: float) -> None:
    left = RIGHT - 86.0
    sheet.rect(left, top - 0.6, 86.0, 33.4, PANEL, radius=1.2)
    sheet.text(left + 4.0, top + 4.2, "part_from_scanner", "medium", 8.2, ACCENT)
    sheet.text(left + 82.0, top + 4.2, "translation in mm", "text", 7.4, MUTED, align="R")
    for row in range(4):
        for column in range(4):
            value = float(facts.inspection.alignment.part_from_scanner[row, column])
            shown = (f"{value:.5f}" if column == 3 else f"{value:.8f}").replace("-", "−")
            x = left + (19.5, 39.5, 59.5, 82.0)[column]
            sheet.text(x, top + 11.2 + 5.2 * row, shown, "mono", 7.2, INK, align="R")
