"""Reports: signed, logged, and provable without the appliance.

Written by ``make client`` from the OpenAPI document: change the route, never this file.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict

from appliance.client.calls import Calls, quoted


class ReportOut(TypedDict):
    """An issued report: its number, its place in the log, and its files."""

    inspection_id: str
    number: str
    issued_at: str
    log_index: int
    envelope_sha256: str
    verdict: str
    files: list[str]


class Reports:
    """Reports: signed, logged, and provable without the appliance."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def get_report(self, inspection_id: str, *, held: ReportOut | None = None) -> ReportOut:
        """The report.

        Parameters
        ----------
        held : what the caller holds already; given back where it is unchanged
        """
        record: ReportOut = self._calls.get(f"{self._calls.workspace}/inspections/{quoted(inspection_id)}/report", held)
        return record

    def get_report_pdf(self, inspection_id: str, to: Path) -> None:
        """The signed report to read (PDF/A-3).

        Parameters
        ----------
        to : file to write, whole or not at all
        """
        self._calls.keep(f"{self._calls.workspace}/inspections/{quoted(inspection_id)}/report.pdf", to)

    def get_report_json(self, inspection_id: str, to: Path) -> None:
        """The signed report for machines (DSSE envelope).

        Parameters
        ----------
        to : file to write, whole or not at all
        """
        self._calls.keep(f"{self._calls.workspace}/inspections/{quoted(inspection_id)}/report.json", to)

    def get_report_tlog_proof(self, inspection_id: str, to: Path) -> None:
        """The proof that the log holds the report.

        Parameters
        ----------
        to : file to write, whole or not at all
        """
        self._calls.keep(f"{self._calls.workspace}/inspections/{quoted(inspection_id)}/report.tlog-proof", to)

    def get_result_json(self, inspection_id: str, to: Path) -> None:
        """Every figure of the result.

        Parameters
        ----------
        to : file to write, whole or not at all
        """
        self._calls.keep(f"{self._calls.workspace}/inspections/{quoted(inspection_id)}/result.json", to)

    def get_points_d2rt(self, inspection_id: str, to: Path) -> None:
        """The aligned points with their deviations, as tiles.

        Parameters
        ----------
        to : file to write, whole or not at all
        """
        self._calls.keep(f"{self._calls.workspace}/inspections/{quoted(inspection_id)}/points.d2rt", to)

    def get_field_npz(self, inspection_id: str, to: Path) -> None:
        """The deviation of each cell of the surface.

        Parameters
        ----------
        to : file to write, whole or not at all
        """
        self._calls.keep(f"{self._calls.workspace}/inspections/{quoted(inspection_id)}/field.npz", to)

    def get_evidence_pack(self, inspection_id: str, to: Path) -> None:
        """The evidence pack: everything that proves the report, with two verifiers.

        Parameters
        ----------
        to : file to write, whole or not at all
        """
        self._calls.keep(f"{self._calls.workspace}/inspections/{quoted(inspection_id)}/evidence.zip", to)
