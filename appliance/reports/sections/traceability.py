"""The chain from the scan to the log, hash by hash, and the checkpoint as text and as QR code."""

from __future__ import annotations

from typing import Final

import numpy as np
import segno

from appliance.reports.figures import size
from appliance.reports.palette import ACCENT, HAIRLINE, INK, MUTED, PANEL
from appliance.reports.records import ENVELOPE_NAME, RESULT_NAME, IssuedFacts
from appliance.reports.sheet import LEFT, RIGHT, WIDTH, Sheet

_ROLE_NAMES: Final = {
    "scan": "Scan",
    "cad": "CAD model",
    "characteristics": "Characteristics",
    "zones": "Zones",
    "instrument": "Instrument",
    "alignment": "Alignment",
    "results": "Results file",
}
_QR_SIDE: Final = 36.0


def draw_traceability(sheet: Sheet, facts: IssuedFacts) -> None:
    """Each link names the SHA-256 of the file it stands for; the envelope signs them all."""
    sheet.heading("Traceability", 30.0 + 10.4 * (len(facts.evidence) + 3))
    sheet.paragraph(
        "Each file is named by its SHA-256. The signed statement in report.json names all of them; the log names the "
        "statement; the checkpoint names the log. Change one byte anywhere and the chain breaks.",
        size=8.4,
        colour=MUTED,
    )
    sheet.y += 2.4
    record = facts.record
    links = [
        (_ROLE_NAMES.get(f.role, f.role), f"{f.path.name} · {size(f.size_bytes)}", f.sha256) for f in facts.evidence
    ]
    links += [
        ("Result", RESULT_NAME, facts.result_sha256),
        ("Statement", f"{ENVELOPE_NAME} · signed by {record.signer}", record.envelope_sha256),
        ("Log entry", f"number {record.index} in a tree of {record.tree_size}", ""),
    ]
    for number, (title, detail, digest) in enumerate(links):
        _link(sheet, title, detail, digest, first=number == 0, last=number == len(links) - 1)
    _checkpoint(sheet, facts)


def _link(sheet: Sheet, title: str, detail: str, digest: str, *, first: bool, last: bool) -> None:
    height = 10.4
    if sheet.need(height):
        first = True
    x, middle = LEFT + 2.0, sheet.y + 3.0
    if not first:
        sheet.line(x, sheet.y, x, middle, ACCENT, 0.4)
    if not last:
        sheet.line(x, middle, x, sheet.y + height, ACCENT, 0.4)
    sheet.circle(x, middle, 1.15, ACCENT)
    sheet.text(LEFT + 7.0, sheet.y + 4.0, title, "medium", 8.6, INK)
    sheet.text(LEFT + 34.0, sheet.y + 4.0, detail, "text", 8.2, MUTED, width=RIGHT - LEFT - 34.0)
    sheet.text(LEFT + 34.0, sheet.y + 8.1, digest, "mono", 7.2, INK)
    sheet.y += height if digest else 6.5


def _checkpoint(sheet: Sheet, facts: IssuedFacts) -> None:
    text = facts.record.checkpoint
    width = WIDTH - _QR_SIDE - 6.0
    lines = [part for line in text.rstrip("\n").split("\n") for part in sheet.lines_of(line, width - 8.0, "mono", 7.0)]
    height = max(_QR_SIDE, 14.0 + 3.5 * len(lines))
    sheet.y += 2.5
    sheet.need(height + 10.0)
    top = sheet.y
    sheet.rect(LEFT, top, width, height, PANEL, radius=1.4)
    sheet.text(LEFT + 4.0, top + 5.4, "Checkpoint of the log", "medium", 8.8, ACCENT)
    for number, line in enumerate(lines):
        sheet.text(LEFT + 4.0, top + 11.4 + 3.5 * number, line, "mono", 7.0, INK)
    _qr(sheet, text, RIGHT - _QR_SIDE, top)
    sheet.y = top + height + 4.2
    sheet.paragraph(
        "Keep this page, or photograph the code: whoever holds this checkpoint can prove later that the log was not "
        "rewritten. Until a witness outside this appliance has signed it, this paper is its anchor.",
        size=7.6,
        colour=MUTED,
    )


def _qr(sheet: Sheet, text: str, x: float, y: float) -> None:
    modules = np.array(segno.make_qr(text, error="m").matrix, dtype=np.uint8)
    pixels = np.pad(np.where(modules > 0, 0, 255).astype(np.uint8), 2, constant_values=255)
    pixels = np.repeat(np.repeat(pixels, 8, axis=0), 8, axis=1)
    sheet.picture(np.stack([pixels] * 3, axis=-1), x, y, _QR_SIDE, _QR_SIDE, "Checkpoint of the log as QR code")
    sheet.rect(x, y, _QR_SIDE, _QR_SIDE, None, HAIRLINE)
