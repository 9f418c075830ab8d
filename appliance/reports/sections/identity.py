"""Who, what, when: the title of the report and the identity of part, scan, plan and instrument."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from appliance.core.clock import rfc3339
from appliance.qc.records import INCONCLUSIVE
from appliance.reports.figures import NOTHING, count, millimetres, size
from appliance.reports.palette import ACCENT, HAIRLINE, INK, LOOKS, MUTED
from appliance.reports.records import EvidenceFile, ReportFacts
from appliance.reports.sections.suspicions import draw_suspicions
from appliance.reports.sheet import LEFT, RIGHT, WIDTH, Sheet

_COLUMN_GAP = 6.0
_COLUMN = (WIDTH - 2 * _COLUMN_GAP) / 3

#: 11.5e-6 per kelvin, the expansion of steel.
_NO_TEMPERATURE = (
    "The temperature of the part was not stated: its expansion (steel: 0.012 mm per metre and kelvin) is in no budget."
)

Fact = tuple[str, str]


def draw_title(sheet: Sheet, facts: ReportFacts) -> None:
    """Title, plan and part on the left, number and time of issue on the right."""
    plan, cad = facts.inspection.plan, file_of(facts, "cad")
    sheet.text(LEFT, 19.0, "Inspection report", "bold", 22, ACCENT)
    part = cad.path.name if cad else NOTHING
    subtitle = " · ".join(text for text in (plan.name, f"Part {part}") if text)
    sheet.text(LEFT, 25.6, subtitle, "text", 10.5, MUTED, width=WIDTH * 0.64)
    sheet.text(RIGHT, 14.6, "Report number", "text", 7.5, MUTED, align="R")
    sheet.text(RIGHT, 19.2, facts.number, "mono", 9.5, INK, align="R")
    sheet.text(
        RIGHT,
        25.6,
        "Issued " + rfc3339(facts.issued_at).replace("T", " ").replace("Z", " UTC"),
        "text",
        8.5,
        MUTED,
        align="R",
    )
    sheet.y = 31.0
    amends = _context(facts).get("amends")
    if amends:
        text = f"Amends report {amends['report_number']}. Reason: {amends['reason']}"
        sheet.text(LEFT, 30.4, text, "medium", 9.0, INK, width=WIDTH)
        sheet.y = 35.0
    draw_suspicions(sheet, _context(facts))


def draw_identity(sheet: Sheet, facts: ReportFacts) -> None:
    """Three columns of facts: part and CAD, scan and plan, instrument."""
    top = sheet.y
    columns = (("Part and CAD", _part(facts)), ("Scan and plan", _scan(facts)), ("Instrument", _instrument(facts)))
    ends = []
    for number, (title, lines) in enumerate(columns):
        x = LEFT + number * (_COLUMN + _COLUMN_GAP)
        sheet.text(x, top + 3.4, title, "medium", 9.2, ACCENT)
        sheet.line(x, top + 5.2, x + _COLUMN, top + 5.2, HAIRLINE, 0.25)
        y = top + 9.4
        for label, value in lines:
            sheet.text(x, y, label, "text", 7.6, MUTED)
            sheet.text(x + 18.5, y, value, "text", 8.0, INK, width=_COLUMN - 18.5)
            y += 4.35
        ends.append(y)
    sheet.y = max(ends) + 0.8
    if not _temperature_known(facts):
        sheet.text(LEFT, sheet.y + 1.4, "Warning", "medium", 8.2, LOOKS[INCONCLUSIVE].strong)
        sheet.text(LEFT + 18.5, sheet.y + 1.4, _NO_TEMPERATURE, "text", 8.2, INK, width=WIDTH - 18.5)
        sheet.y += 5.0


def file_of(facts: ReportFacts, role: str) -> EvidenceFile | None:
    """The evidence of one role, None where none was given."""
    return next((file for file in facts.evidence if file.role == role), None)


def _temperature_known(facts: ReportFacts) -> bool:
    """Whether the temperature of the part is stated, or was corrected for."""
    stated = facts.inspection.instrument
    return stated is not None and (stated.temperature_corrected or stated.temperature_c is not None)


def _part(facts: ReportFacts) -> list[Fact]:
    cad, file = facts.inspection.cad, file_of(facts, "cad")
    surface = "closed" if cad.closed else "open"
    return [
        *_asset(_context(facts)),
        ("CAD file", file.path.name if file else NOTHING),
        ("Format", f"{cad.format.upper()}, read in {cad.unit}"),
        ("Surface", f"{count(len(cad.mesh.triangles))} triangles, {surface}"),
        ("Chord error", f"{millimetres(cad.chord_mm)} mm" if cad.chord_mm else "none (mesh is nominal)"),
        ("Zones", str(max(len(cad.zones) - ("all" in cad.zones), 0)) + " named"),
        ("SHA-256", (cad.content_sha256[:20] + "…") if cad.content_sha256 else NOTHING),
    ]


def _scan(facts: ReportFacts) -> list[Fact]:
    plan, result = facts.inspection.plan, facts.inspection.result
    scan, table = file_of(facts, "scan"), file_of(facts, "characteristics")
    return [
        *_origin(_context(facts)),
        ("Scan file", scan.path.name if scan else NOTHING),
        ("Size", size(scan.size_bytes) if scan else NOTHING),
        ("Points", f"{count(result.get('points'))}, {count(result.get('outliers'))} outliers"),
        (
            "Plan",
            " ".join(
                text for text in (table.path.name if table else "", f"v{plan.version}" if plan.version else "") if text
            ),
        ),
        ("Asked for", f"{len(plan.characteristics)} characteristics"),
        ("SHA-256", (scan.sha256[:20] + "…") if scan else NOTHING),
    ]


def _instrument(facts: ReportFacts) -> list[Fact]:
    instrument = facts.inspection.instrument
    if instrument is None:
        return [
            ("Statement", "none was given"),
            ("", "No verdict can exceed"),
            ("", "inconclusive without it,"),
            ("", "unless the plan states it."),
        ]
    temperature = (
        ("corrected" if instrument.temperature_corrected else "not stated")
        if instrument.temperature_c is None
        else f"{instrument.temperature_c:.1f} °C" + ("" if instrument.temperature_corrected else ", not corrected")
    )
    return [
        ("Model", f"{instrument.maker} {instrument.model}".strip() or NOTHING),
        ("Serial", instrument.serial or NOTHING),
        ("Certificate", instrument.certificate or NOTHING),
        ("Calibrated", f"{instrument.calibrated_on or NOTHING}, due {instrument.due_on or NOTHING}"),
        ("u (cal)", f"{millimetres(instrument.u_cal_mm)} mm" if instrument.u_cal_mm is not None else NOTHING),
        ("Temperature", temperature),
    ]


def _context(facts: ReportFacts) -> Mapping[str, Any]:
    """What an appliance knows about the scan beside its file; empty for an inspection without a server."""
    found: Mapping[str, Any] = facts.inspection.result.get("context") or {}
    return found


def _asset(context: Mapping[str, Any]) -> list[Fact]:
    if not context:
        return []
    named = " · ".join(text for text in (context.get("asset", ""), context.get("location", "")) if text)
    return [
        ("Asset", named or NOTHING),
        ("Serial", context.get("serial") or NOTHING),
        ("Revision", context.get("cad_revision") or NOTHING),
    ]


def _origin(context: Mapping[str, Any]) -> list[Fact]:
    if not context:
        return []
    return [
        ("Scan", context.get("scan") or NOTHING),
        ("Captured", (context.get("captured_at") or "not stated")[:19].replace("T", " ")),
        ("Received", str(context.get("received_at", ""))[:19].replace("T", " ") + " UTC"),
    ]
