"""A report with everything that belongs to it, as files in a folder."""

from __future__ import annotations

from pathlib import Path

from appliance.client.api import Api


def fetch_report(api: Api, inspection: str, folder: Path, *, with_evidence: bool = True) -> list[Path]:
    """Write the files of a report into ``folder``; returns them, the evidence pack last."""
    reports = api.reports
    files = {
        "report.pdf": reports.get_report_pdf,
        "report.json": reports.get_report_json,
        "report.tlog-proof": reports.get_report_tlog_proof,
        "result.json": reports.get_result_json,
    } | ({"evidence.zip": reports.get_evidence_pack} if with_evidence else {})
    folder.mkdir(parents=True, exist_ok=True)
    for name, fetch in files.items():
        fetch(inspection, folder / name)
    return [folder / name for name in files]
