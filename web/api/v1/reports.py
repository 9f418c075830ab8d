"""Reports and what belongs to them, as they were stored; every download validates the log first and is logged."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from flask import Response

from appliance.reports.records import ENVELOPE_NAME, PDF_NAME, PROOF_NAME, RESULT_NAME
from appliance.reports.service import FILES, export_pack, report_file, stored_report
from web.api.contract import READERS, Area, Call
from web.api.downloads import file_answer, streamed
from web.api.forms import Out

_INSPECTION: Final = "/workspaces/{slug}/inspections/{inspection_id}"
PACK_NAME: Final = "evidence.zip"

reports = Area("reports", "Reports: signed, logged, and provable without the appliance.")


class ReportOut(Out):
    """An issued report: its number, its place in the log, and its files."""

    inspection_id: str
    number: str
    issued_at: str
    log_index: int
    envelope_sha256: str
    verdict: str
    files: list[str]


@reports.route("GET", f"{_INSPECTION}/report", roles=READERS, answer=ReportOut, errors=(409,), summary="The report")
def get_report(call: Call, inspection_id: str) -> dict[str, Any]:
    stored = stored_report(call.scope, inspection_id)
    return {**vars(stored), "files": [*FILES, PACK_NAME]}


def _file(name: str, summary: str) -> None:
    """Declare the download of one file of a report."""

    def view(call: Call, inspection_id: str) -> Response:
        number = stored_report(call.scope, inspection_id).number
        blocks = report_file(call.scope, inspection_id, name)
        return file_answer(blocks, f"{number}-{name}".replace("/", "-"), FILES[name][1])

    view.__name__ = f"get_{name.replace('.', '_').replace('-', '_')}"
    media_type = FILES[name][1].partition(";")[0]
    reports.route(
        "GET", f"{_INSPECTION}/{name}", roles=READERS, media_type=media_type, is_download=True, errors=(409,),
        summary=summary,
    )(view)  # fmt: skip


for _name, _summary in (
    (PDF_NAME, "The signed report to read (PDF/A-3)"),
    (ENVELOPE_NAME, "The signed report for machines (DSSE envelope)"),
    (PROOF_NAME, "The proof that the log holds the report"),
    (RESULT_NAME, "Every figure of the result"),
    ("points.d2rt", "The aligned points with their deviations, as tiles"),
    ("field.npz", "The deviation of each cell of the surface"),
):
    _file(_name, _summary)


@reports.route(
    "GET", f"{_INSPECTION}/{PACK_NAME}", roles=READERS, media_type="application/zip", is_download=True,
    errors=(409,),
    summary="The evidence pack: everything that proves the report, with two verifiers",
)  # fmt: skip
def get_evidence_pack(call: Call, inspection_id: str) -> Response:
    number = stored_report(call.scope, inspection_id).number
    blocks = streamed(partial(export_pack, call.scope, inspection_id))
    return file_answer(blocks, f"{number}-{PACK_NAME}".replace("/", "-"), "application/zip")
