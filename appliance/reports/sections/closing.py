"""The signature block and the mark that ends the report."""

from __future__ import annotations

from appliance import __version__
from appliance.core.clock import rfc3339
from appliance.reports.palette import ACCENT, HAIRLINE, INK, MUTED
from appliance.reports.records import IssuedFacts
from appliance.reports.sheet import LEFT, RIGHT, WIDTH, Sheet

_LABEL_WIDTH = 34.0


def draw_closing(sheet: Sheet, facts: IssuedFacts, done: str = "scanned") -> None:
    """Who signed what with which key, room for a releaser's hand, how to verify, the end."""
    sheet.heading("Signatures", 62.0)
    record = facts.record
    fingerprint = record.certificate_sha256
    lines = (
        ("Statement", f"Ed25519, key {record.signer}", "text"),
        ("This document", f"ECDSA P-256 (PAdES B-B), {record.certificate_subject}", "text"),
        ("Certificate SHA-256", fingerprint, "mono"),
        ("Issued", f"{rfc3339(facts.issued_at)} by engine {__version__}", "text"),
    )
    for label, value, face in lines:
        sheet.text(LEFT, sheet.y + 3.2, label, "text", 8.2, MUTED)
        sheet.text(
            LEFT + _LABEL_WIDTH,
            sheet.y + 3.2,
            value,
            face,
            7.2 if face == "mono" else 8.4,
            INK,
            width=WIDTH - _LABEL_WIDTH,
        )
        sheet.y += 4.8
    sheet.y += 11.0
    third = (WIDTH - 12.0) / 3
    for number, label in enumerate(("Released by (name)", "Date and time", "Signature")):
        x = LEFT + number * (third + 6.0)
        sheet.line(x, sheet.y, x + third, sheet.y, MUTED, 0.25)
        sheet.text(x, sheet.y + 3.8, label, "text", 7.6, MUTED)
    sheet.y += 9.0
    sheet.paragraph(
        "To verify: d2r verify report.pdf. Without this product: open verify.html from evidence.zip in a browser, or "
        "run python3 verify.py evidence.zip --trust KEY. Take the key and the SHA-256 of the verifier from a "
        "source other than this appliance. The results relate only to the item inspected, as it was when "
        f"it was {done}.",
        size=8.0,
        colour=MUTED,
    )
    _end(sheet)


def _end(sheet: Sheet) -> None:
    sheet.y += 5.0
    sheet.need(8.0)
    words = "End of report"
    half = sheet.width_of(words, "medium", 8.6) / 2 + 4.0
    middle = (LEFT + RIGHT) / 2
    sheet.line(LEFT, sheet.y + 2.2, middle - half, sheet.y + 2.2, HAIRLINE, 0.3)
    sheet.line(middle + half, sheet.y + 2.2, RIGHT, sheet.y + 2.2, HAIRLINE, 0.3)
    sheet.text(middle, sheet.y + 3.2, words, "medium", 8.6, ACCENT, align="C")
