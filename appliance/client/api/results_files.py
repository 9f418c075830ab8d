"""Results files: what others measured, recorded with the file as its evidence.

Written by ``make client`` from the OpenAPI document: change the route, never this file.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, TypedDict

from appliance.client.calls import Calls, quoted


class PlanOut(TypedDict):
    """What recording a file would do."""

    format: str
    laboratory: str
    inspections: list[PlannedOut]
    measurements: int
    disagreements: int
    notes: list[str]


class PlannedOut(TypedDict):
    """One inspection as it would be recorded; without ids where part or asset would be made."""

    part: str
    part_id: str | None
    asset: str
    asset_id: str | None
    serial: str
    laboratory: str
    measured_at: str
    verdict: str
    characteristics: int
    disagreements: int


class ResultsFileOut(TypedDict):
    """One file: `received`, then `recorded` with its inspections, or `failed` with the reason."""

    id: str
    name: str
    sha256: str
    size_bytes: int
    format: str
    options: dict[str, Any]
    laboratory: str
    notes: list[Any]
    inspections: int
    measurements: int
    amends_id: str | None
    reason: str
    received_at: str
    received_by: str
    state: str
    finished_at: str | None
    error_code: str | None
    error_message: str | None
    error_hint: str | None


class ResultsFiles:
    """Results files: what others measured, recorded with the file as its evidence."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def list_results_files(
        self,
        *,
        sort: Literal["id", "-id"] | None = None,
        state: Literal["received", "recorded", "failed"] | None = None,
        at_most: int | None = None,
    ) -> Iterator[ResultsFileOut]:
        """Results files.

        Parameters
        ----------
        sort : order; '-' puts the greatest first, equal ones follow their making ('id')
        at_most : how many to take; None: all
        """
        return self._calls.pages(
            f"{self._calls.workspace}/results-files", at_most=at_most, query={"sort": sort, "state": state}
        )

    def import_results(
        self,
        file: Path,
        *,
        name: str | None = None,
        format: Literal["csv", "json", "qif"] | None = None,
        unit: str | None = None,
        angle_unit: str | None = None,
        columns: str | None = None,
        decimal: Literal[".", ","] | None = None,
        limits: Literal["absolute", "deviation"] | None = None,
        serial_pattern: str | None = None,
        serials: str | None = None,
        part: str | None = None,
        measured_at: str | None = None,
        instrument: str | None = None,
        laboratory: str | None = None,
        create: bool | None = None,
        amends: str | None = None,
        reason: str | None = None,
    ) -> ResultsFileOut:
        """Import measured results (CSV, JSON, QIF 2.1 and 3.0).

        The body is the file itself, or a form with the part `file`. It is kept as it came and recorded whole or not at
        all, in the background; the same file is recorded once. Files of more than 4 MiB are checked there too: `state`
        says what became of them.

        Parameters
        ----------
        name : the file's name, where it is the body itself
        format : left out: told from the content
        unit : unit of lengths (of all values in a CSV) in a file that states none
        angle_unit : unit of angles in a file that states none
        columns : our name of a CSV's column -> the file's, as JSON
        limits : what the limits of a CSV are
        serial_pattern : regular expression whose first group is the serial number
        serials : place in the file -> serial number, as JSON
        part : id or name of the part of inspections that state none
        measured_at : time of inspections that state none
        create : make parts and assets that are not known (owner and supervisor)
        amends : id of the file that this one corrects
        reason : why; needed with 'amends'
        """
        record: ResultsFileOut = self._calls.send_form(
            f"{self._calls.workspace}/results-files",
            {"file": file},
            query={
                "name": name,
                "format": format,
                "unit": unit,
                "angle_unit": angle_unit,
                "columns": columns,
                "decimal": decimal,
                "limits": limits,
                "serial_pattern": serial_pattern,
                "serials": serials,
                "part": part,
                "measured_at": measured_at,
                "instrument": instrument,
                "laboratory": laboratory,
                "create": create,
                "amends": amends,
                "reason": reason,
            },
        )
        return record

    def check_results_file(
        self,
        file: Path,
        *,
        name: str | None = None,
        format: Literal["csv", "json", "qif"] | None = None,
        unit: str | None = None,
        angle_unit: str | None = None,
        columns: str | None = None,
        decimal: Literal[".", ","] | None = None,
        limits: Literal["absolute", "deviation"] | None = None,
        serial_pattern: str | None = None,
        serials: str | None = None,
        part: str | None = None,
        measured_at: str | None = None,
        instrument: str | None = None,
        laboratory: str | None = None,
        create: bool | None = None,
    ) -> PlanOut:
        """What importing a file would record.

        Nothing is written.

        Parameters
        ----------
        name : the file's name, where it is the body itself
        format : left out: told from the content
        unit : unit of lengths (of all values in a CSV) in a file that states none
        angle_unit : unit of angles in a file that states none
        columns : our name of a CSV's column -> the file's, as JSON
        limits : what the limits of a CSV are
        serial_pattern : regular expression whose first group is the serial number
        serials : place in the file -> serial number, as JSON
        part : id or name of the part of inspections that state none
        measured_at : time of inspections that state none
        create : make parts and assets that are not known (owner and supervisor)
        """
        record: PlanOut = self._calls.send_form(
            f"{self._calls.workspace}/results-files/check",
            {"file": file},
            query={
                "name": name,
                "format": format,
                "unit": unit,
                "angle_unit": angle_unit,
                "columns": columns,
                "decimal": decimal,
                "limits": limits,
                "serial_pattern": serial_pattern,
                "serials": serials,
                "part": part,
                "measured_at": measured_at,
                "instrument": instrument,
                "laboratory": laboratory,
                "create": create,
            },
        )
        return record

    def get_results_file(self, file_id: str, *, held: ResultsFileOut | None = None) -> ResultsFileOut:
        """One results file.

        Parameters
        ----------
        held : what the caller holds already; given back where it is unchanged
        """
        record: ResultsFileOut = self._calls.get(f"{self._calls.workspace}/results-files/{quoted(file_id)}", held)
        return record

    def get_results_content(self, file_id: str, to: Path) -> None:
        """The results file as it came.

        Parameters
        ----------
        to : file to write, whole or not at all
        """
        self._calls.keep(f"{self._calls.workspace}/results-files/{quoted(file_id)}/file", to)
