"""Files of measured results from elsewhere: checked, received as evidence, recorded as inspections."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

from flask import Response
from pydantic import Field

from appliance.core.canonical import loads_strict
from appliance.errors import Denied, InvalidInput
from appliance.exchange.planning import Plan, Planned
from appliance.exchange.records import MOST_BYTES, ImportOptions
from appliance.exchange.service import check_results, receive_results
from appliance.exchange.service import get_results_file as find
from appliance.exchange.service import list_results_files as listed
from appliance.measurements.models import ResultsFile
from appliance.objects.sealed import ObjectStore
from web.api.contract import EDITORS, READERS, SENDERS, Area, Call
from web.api.downloads import file_answer
from web.api.forms import SORT, JsonList, JsonObject, Key, Line, Model, Moment, Out, Page, PageQuery
from web.api.intake import BYTES, MULTIPART, received_files
from web.api.paging import page

_FILES: Final = "/workspaces/{slug}/results-files"
_FILE: Final = _FILES + "/{file_id}"
_TAKES: Final = (MULTIPART, "text/csv", "application/json", "application/xml", BYTES)

#: Characters of a mapping in the address.
_MAPPING: Final = 3000

results_files = Area("results-files", "Results files: what others measured, recorded with the file as its evidence.")


class CheckQuery(Model):
    """What is said about a file; see docs/results-import.md."""

    name: Line = Field("results", description="The file's name, where it is the body itself.")
    format: Literal["csv", "json", "qif"] | None = Field(None, description="Left out: told from the content.")
    unit: Line = Field("", description="Unit of lengths (of all values in a CSV) in a file that states none.")
    angle_unit: Line = Field("", description="Unit of angles in a file that states none.")
    columns: str = Field("", max_length=_MAPPING, description="Our name of a CSV's column -> the file's, as JSON.")
    decimal: Literal[".", ","] = "."
    limits: Literal["absolute", "deviation"] = Field("absolute", description="What the limits of a CSV are.")
    serial_pattern: Line = Field("", description="Regular expression whose first group is the serial number.")
    serials: str = Field("", max_length=_MAPPING, description="Place in the file -> serial number, as JSON.")
    part: Line = Field("", description="Id or name of the part of inspections that state none.")
    measured_at: Moment | None = Field(None, description="Time of inspections that state none.")
    instrument: Line = ""
    laboratory: Line = ""
    create: bool = Field(False, description="Make parts and assets that are not known (owner and supervisor).")

    def options(self) -> ImportOptions:
        """As the import takes it."""
        said = self.model_dump(exclude={"name", "amends", "reason"})
        said |= {name: _mapping(name, said[name]) for name in ("columns", "serials")}
        return ImportOptions(**said | {"format": self.format or "", "measured_at": self.measured_at or ""})


class ImportQuery(CheckQuery):
    """What is said about a file, and which one it corrects."""

    amends: Key | None = Field(None, description="Id of the file that this one corrects.")
    reason: str = Field("", max_length=500, description="Why; needed with 'amends'.")


class FilePageQuery(PageQuery):
    """Which files."""

    sort: Literal["id", "-id"] = Field("-id", description=SORT)
    state: Literal["received", "recorded", "failed"] | None = None


class ResultsFileOut(Out):
    """One file: `received`, then `recorded` with its inspections, or `failed` with the reason."""

    id: str
    name: str
    sha256: str
    size_bytes: int
    format: str
    options: JsonObject
    laboratory: str
    notes: JsonList
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


class PlannedOut(Out):
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


class PlanOut(Out):
    """What recording a file would do."""

    format: str
    laboratory: str
    inspections: list[PlannedOut]
    measurements: int
    disagreements: int
    notes: list[str]


@results_files.route(
    "GET", _FILES, roles=READERS, query=FilePageQuery, answer=Page[ResultsFileOut], summary="Results files"
)
def list_results_files(call: Call) -> object:
    return page(call, lambda listing: listed(call.scope, listing, state=call.query.state))


@results_files.route(
    "POST", _FILES, roles=SENDERS, query=ImportQuery, takes=_TAKES, parts=("file",), answer=ResultsFileOut,
    status=201, errors=(409, 507), summary="Import measured results (CSV, JSON, QIF 2.1 and 3.0)",
)  # fmt: skip
def import_results(call: Call) -> ResultsFile:
    """The body is the file itself, or a form with the part `file`. It is kept as it came and recorded whole or not at
    all, in the background; the same file is recorded once. Files of more than 4 MiB are checked there too: `state`
    says what became of them."""
    asked = call.query
    options = _allowed(call)
    with received_files(call.site.settings, MOST_BYTES, asked.name) as files:
        row = receive_results(call.scope, _only(files), options, amends=asked.amends, reason=asked.reason)
    call.made(f"results-files/{row.id}")
    return row


@results_files.route(
    "POST", f"{_FILES}/check", roles=SENDERS, query=CheckQuery, takes=_TAKES, parts=("file",), answer=PlanOut,
    errors=(409, 507), summary="What importing a file would record",
)  # fmt: skip
def check_results_file(call: Call) -> PlanOut:
    """Nothing is written."""
    options = _allowed(call)
    with received_files(call.site.settings, MOST_BYTES, call.query.name) as files:
        return _plan(check_results(call.scope, _only(files), options))


@results_files.route("GET", _FILE, roles=READERS | SENDERS, answer=ResultsFileOut, summary="One results file")
def get_results_file(call: Call, file_id: str) -> ResultsFile:
    return find(call.scope, file_id)


@results_files.route(
    "GET", f"{_FILE}/file", roles=READERS, media_type=BYTES, is_download=True, summary="The results file as it came"
)
def get_results_content(call: Call, file_id: str) -> Response:
    row = find(call.scope, file_id)
    return file_answer(ObjectStore.of(call.scope).blocks(row.object), f"{row.id}-{row.name}", BYTES)


def _allowed(call: Call) -> ImportOptions:
    if call.query.create and call.caller.role not in EDITORS:
        raise Denied("results.create", "Only an owner or a supervisor makes parts and assets.", "Leave out 'create'.")
    options: ImportOptions = call.query.options()
    return options


def _mapping(name: str, text: str) -> dict[str, str]:
    found = loads_strict(text) if text else {}
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise InvalidInput("request.query", f"'{name}' is no JSON object of texts.")
    return found


def _only(files: dict[str, Path]) -> Path:
    if set(files) != {"file"}:
        raise InvalidInput("request.form", "The form has the part 'file', and nothing else.")
    return files["file"]


def _plan(plan: Plan) -> PlanOut:
    found = [_planned(one) for one in plan.inspections]
    return PlanOut(
        format=plan.format, laboratory=plan.laboratory, inspections=found, notes=list(plan.notes),
        measurements=sum(one.characteristics for one in found), disagreements=sum(one.disagreements for one in found),
    )  # fmt: skip


def _planned(one: Planned) -> PlannedOut:
    return PlannedOut(
        **vars(one.item), laboratory=one.judged.reported.laboratory,
        measured_at=one.judged.reported.measured_at, verdict=one.judged.decision,
        characteristics=len(one.judged.rows), disagreements=one.judged.disagreements,
    )  # fmt: skip
