"""The printed report as PDF/A-3B, with the signed statement and its proof inside, before it is signed itself."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.reports.palette import look_of
from appliance.reports.records import ENVELOPE_NAME, PROOF_NAME, ReportFacts
from appliance.reports.sections.alignment import draw_alignment, draw_findings
from appliance.reports.sections.budget import draw_budgets
from appliance.reports.sections.characteristics import draw_characteristics
from appliance.reports.sections.closing import draw_closing
from appliance.reports.sections.coverage import draw_coverage
from appliance.reports.sections.distribution import draw_distribution
from appliance.reports.sections.identity import draw_identity, draw_title
from appliance.reports.sections.method import draw_method
from appliance.reports.sections.traceability import draw_traceability
from appliance.reports.sections.verdict import draw_verdict
from appliance.reports.sections.views import View, draw_views
from appliance.reports.sheet import Sheet


def compose(facts: ReportFacts, views: Sequence[View]) -> bytes:
    """The report as an unsigned PDF/A-3B."""
    plan, verdict = facts.inspection.plan, facts.inspection.verdict
    sheet = Sheet(
        title=f"Inspection report {facts.number}",
        subject=f"Verdict: {look_of(verdict.decision).word}",
        running_title=plan.name or "Inspection report",
        running_right=facts.number,
        issued_at=facts.issued_at,
    )
    draw_title(sheet, facts)
    draw_verdict(sheet, facts)
    draw_identity(sheet, facts)
    if views:
        draw_views(sheet, facts.inspection, views)
    draw_characteristics(sheet, facts)
    draw_distribution(sheet, facts)
    draw_coverage(sheet, facts)
    draw_budgets(sheet, facts)
    draw_alignment(sheet, facts)
    draw_findings(sheet, facts)
    draw_method(sheet)
    draw_traceability(sheet, facts)
    draw_closing(sheet, facts)
    record = facts.record
    sheet.attach(ENVELOPE_NAME, record.envelope, "application/json", "Signed statement (DSSE, in-toto)", "Data")
    sheet.attach(PROOF_NAME, record.proof, "text/plain", "Proof that the log holds the statement", "Supplement")
    return sheet.to_bytes()
