"""Files of results on their way to recorded, signed and logged inspections: whole, once, and never half."""

from __future__ import annotations

import io
import os
import re
import shutil
import signal
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from appliance.audit.database_log import DatabaseLog
from appliance.core import faults
from appliance.core.canonical import loads_strict
from appliance.core.ids import new_id
from appliance.errors import Conflict, D2RError, NotFound, Unavailable
from appliance.exchange import carrying, service
from appliance.exchange.carrying import carry_results
from appliance.exchange.records import ImportOptions
from appliance.exchange.service import check_results, get_results_file, receive_results
from appliance.inspections.models import InspectionRow
from appliance.inspections.service import measurements_of, request_replay
from appliance.measurements.instruments import add_instrument
from appliance.measurements.models import InstrumentSuspicion, MeasuredCharacteristic, Measurement, ResultsFile
from appliance.measurements.suspicion import lift_suspicion
from appliance.plant.assets import create_asset, list_assets
from appliance.plant.models import Asset, Part
from appliance.plant.parts import create_part
from appliance.reports.service import export_pack, report_file
from appliance.reports.verification import verify_path
from appliance.tenancy.scope import WorkspaceScope
from tests.results_samples import CSV, qif
from tests.services import require

CREATE = ImportOptions(part="plate", create=True)


def file_of(folder: Path, data: str | bytes = CSV, name: str = "results.csv") -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def inspections(scope: WorkspaceScope, row: ResultsFile) -> list[InspectionRow]:
    with scope:
        found = InspectionRow.select().where(InspectionRow.results_file_id == row.id)
        return list(found.order_by(InspectionRow.file_position))


def counts(scope: WorkspaceScope) -> tuple[int, ...]:
    with scope:
        models: tuple[Any, ...] = (InspectionRow, Measurement, MeasuredCharacteristic, Asset, Part)
        return tuple(model.select().count() for model in models)


def imported(scope: WorkspaceScope, path: Path, options: ImportOptions = CREATE, **how: str) -> ResultsFile:
    row = receive_results(scope, path, options, **how)  # type: ignore[arg-type]
    assert carry_results(scope, row.id) == "recorded"
    return get_results_file(scope, row.id)


def test_a_file_becomes_inspections_that_are_judged_by_our_rule(scope: WorkspaceScope, tmp_path: Path) -> None:
    add_instrument(scope, "CMM 7", b"mpe_mm = 0.002\n")
    row = imported(scope, file_of(tmp_path))
    assert (row.format, row.inspections, row.measurements, row.error_code) == ("csv", 2, 4, None)
    first, second = inspections(scope, row)
    assert (first.state, first.verdict, second.state, second.verdict) == (
        "recorded",
        "inconclusive",
        "recorded",
        "fail",
    )
    bore, cone, top = measurements_of(scope, first.id)
    assert (bore.decision, bore.source_decision, bore.disagrees, bore.coverage) == ("pass", "pass", 0, None)
    assert bore.conformance_probability == pytest.approx(1.0)
    assert (cone.unit, cone.decision, cone.expanded) == ("deg", "pass", pytest.approx(0.2))
    assert (top.decision, top.source_decision, top.disagrees) == ("inconclusive", "pass", 1)
    assert (bore.serial, bore.source, bore.measured_at) == ("A1", "import", "2026-02-03T08:05:00.000000Z")
    assert bore.operator_id.startswith("per_")
    assert bore.instrument_id.startswith("itm_")
    (inch,) = measurements_of(scope, second.id)
    assert (inch.characteristic_id, inch.decision, inch.disagrees) == (bore.characteristic_id, "fail", 0)
    assert {asset.serial for asset in list_assets(scope, part="plate")} == {"A1", "A2"}


def test_its_report_is_signed_logged_printed_and_verified_with_the_file_as_evidence(
    scope: WorkspaceScope, tmp_path: Path
) -> None:
    row = imported(scope, file_of(tmp_path))
    first, _ = inspections(scope, row)
    result = loads_strict(b"".join(report_file(scope, first.id, "result.json")))
    assert (result["verdict"], result["disagreements"], result["results_file"]["sha256"]) == (
        "inconclusive", 1, row.sha256,
    )  # fmt: skip
    assert "4711" not in re.findall(r"\w+", str(result))
    pack = tmp_path / "evidence.zip"
    sink = io.BytesIO()
    export_pack(scope, first.id, sink)
    pack.write_bytes(sink.getvalue())
    proven = verify_path(pack, [scope.keys.signer().verifier])
    assert proven.statement.number == first.report_number
    assert proven.statement.roles["results"] == row.sha256
    assert CSV.encode() in pack.read_bytes()
    DatabaseLog.of(scope).validate_for_export()


def test_the_same_file_again_is_the_same_inspections(scope: WorkspaceScope, tmp_path: Path) -> None:
    row = imported(scope, file_of(tmp_path))
    before = counts(scope)
    again = receive_results(scope, file_of(tmp_path, name="renamed.csv"), CREATE)
    assert (again.id, carry_results(scope, again.id), counts(scope)) == (row.id, None, before)
    with pytest.raises(Conflict) as refused:
        receive_results(scope, file_of(tmp_path), replace(CREATE, laboratory="another"))
    assert refused.value.code == "results.imported"


def test_looking_before_writes_nothing(scope: WorkspaceScope, tmp_path: Path) -> None:
    plan = check_results(scope, file_of(tmp_path), CREATE)
    assert [(one.item.asset, one.judged.decision, one.judged.disagreements) for one in plan.inspections] == [
        ("plate A1", "inconclusive", 1), ("plate A2", "fail", 0),
    ]  # fmt: skip
    assert counts(scope) == (0, 0, 0, 0, 0)


def test_items_are_made_only_on_request(scope: WorkspaceScope, tmp_path: Path) -> None:
    with pytest.raises(NotFound) as refused:
        receive_results(scope, file_of(tmp_path), ImportOptions(part="plate"))
    assert (refused.value.code, "--create" in refused.value.hint) == ("results.part", True)
    part = create_part(scope, "plate")
    with pytest.raises(NotFound) as refused:
        receive_results(scope, file_of(tmp_path), ImportOptions())
    assert refused.value.code == "results.asset"
    known = [create_asset(scope, f"press {n}", part=part, serial=f"A{n}") for n in (1, 2)]
    row = imported(scope, file_of(tmp_path), ImportOptions())
    assert [one.asset_id for one in inspections(scope, row)] == [asset.id for asset in known]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"serial": "Z", "part": "other"}, "results.part"), ({"serial": "A1"}, "results.ambiguous_asset"),
        ({"asset": "first", "serial": "B"}, "results.other_serial"), ({"asset": "loose"}, "results.part"),
        ({"asset": "first", "part": "b"}, "results.other_part"),
        ({"asset": "first", "measured_at": "2126-01-01T00:00:00Z"}, "results.time"),
        ({"asset": "first", "unit": "deg"}, "measurement.unit"),
    ],
)  # fmt: skip
def test_what_does_not_fit_what_is_known_is_refused_before_anything_is_kept(
    scope: WorkspaceScope, tmp_path: Path, change: dict[str, str], code: str
) -> None:
    a, b = create_part(scope, "a"), create_part(scope, "b")
    create_asset(scope, "first", part=a, serial="A1")
    create_asset(scope, "second", part=b, serial="A1")
    create_asset(scope, "loose")
    imported(scope, file_of(tmp_path, "asset,name,value,unit\nfirst,x,1,mm\n"), ImportOptions())
    before = counts(scope)
    line = {"name": "x", "value": "1", "unit": "mm"} | change
    path = file_of(tmp_path, f"{','.join(line)}\n{','.join(line.values())}\n")
    with pytest.raises(D2RError) as refused:
        receive_results(scope, path, ImportOptions())
    assert (refused.value.code, counts(scope)) == (code, before)


def test_a_large_file_that_cannot_be_used_says_so_on_its_row_and_may_come_again(
    scope: WorkspaceScope, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "CHECKED_AT_ONCE_BYTES", 1)
    broken = file_of(tmp_path, CSV.replace("10.02", "nan"))
    row = receive_results(scope, broken, CREATE)
    assert carry_results(scope, row.id) == "failed"
    kept = get_results_file(scope, row.id)
    assert (kept.error_code, "line 2" in kept.error_message) == ("results.not_finite", True)
    assert counts(scope) == (0, 0, 0, 0, 0)
    assert receive_results(scope, broken, CREATE).id != row.id


def test_nothing_is_half_recorded_when_the_last_row_does_not_fit(
    scope: WorkspaceScope, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = receive_results(scope, file_of(tmp_path), CREATE)
    write = carrying._write

    def second_fails(*given: Any) -> None:
        if given[4] == 2:
            raise Conflict("measurement.unit", "another unit")
        write(*given)

    monkeypatch.setattr(carrying, "_write", second_fails)
    assert carry_results(scope, row.id) == "failed"
    assert counts(scope) == (0, 0, 0, 0, 0)


def test_a_correction_supersedes_what_it_corrects(scope: WorkspaceScope, tmp_path: Path) -> None:
    row = imported(scope, file_of(tmp_path))
    other = CSV.replace("0.08", "0.04")
    amended = imported(scope, file_of(tmp_path, other), amends=row.id, reason="the probe was worn")
    olds, news = inspections(scope, row), inspections(scope, amended)
    assert [new.amends_id for new in news] == [old.id for old in olds]
    for old, new in zip(olds, news, strict=True):
        assert {one.superseded_by for one in measurements_of(scope, old.id)} == {new.id}
        assert {one.superseded_by for one in measurements_of(scope, new.id)} == {None}
    said = loads_strict(b"".join(report_file(scope, news[0].id, "result.json")))["context"]["amends"]
    assert (said["report_number"], said["reason"]) == (olds[0].report_number, "the probe was worn")


def suspected(scope: WorkspaceScope, since: str) -> str:
    """Put down that the instrument of the results moved after ``since``; returns the id of the suspicion."""
    instrument = add_instrument(scope, "CMM 7", b"mpe_mm = 0.002\n")
    with scope.transaction():
        row = InstrumentSuspicion.create(
            id=new_id("sus"), instrument_id=instrument.id, since=since, evidence="[]", found_at=since
        )
    return str(row.id)


def said_of_the_instrument(scope: WorkspaceScope, inspection_id: str) -> Any:
    return loads_strict(b"".join(report_file(scope, inspection_id, "result.json")))["context"].get("suspect_instrument")


def test_reports_on_results_of_a_suspect_instrument_name_it(scope: WorkspaceScope, tmp_path: Path) -> None:
    row_id = suspected(scope, "2026-02-03T08:02:00.000000Z")
    first, second = inspections(scope, imported(scope, file_of(tmp_path)))
    said = said_of_the_instrument(scope, first.id)
    assert (said["suspicion"], said["instrument"], said["revision"], said["seen"]) == (row_id, "CMM 7", 1, [])
    assert said_of_the_instrument(scope, second.id) is None, "it was measured before"
    printed = "Suspect instrument: CMM 7, revision 1, moved after 2026-02-03T08:02:00Z"
    assert [printed in page_of(scope, one.id, tmp_path) for one in (first, second)] == [True, False]
    lift_suspicion(scope, row_id, "The ring was dropped")
    assert said_of_the_instrument(scope, first.id) == said
    again = imported(scope, file_of(tmp_path, CSV.replace("0.08", "0.04")), amends=first.results_file_id, reason="why")
    assert said_of_the_instrument(scope, inspections(scope, again)[0].id) is None


def test_a_report_that_is_signed_anew_says_what_stands_then(
    scope: WorkspaceScope, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row_id, printing = suspected(scope, ""), carrying.print_report

    def rotated_before(*given: Any) -> None:
        monkeypatch.setattr(carrying, "print_report", printing)
        lift_suspicion(scope, row_id, "The ring was dropped")
        scope.keys.rotate()
        printing(*given)

    monkeypatch.setattr(carrying, "print_report", rotated_before)
    first, second = inspections(scope, imported(scope, file_of(tmp_path)))
    assert [said_of_the_instrument(scope, one.id) for one in (first, second)] == [None, None]
    assert "no value of a reference artefact vouches for it" not in page_of(scope, first.id, tmp_path)


def page_of(scope: WorkspaceScope, inspection_id: str, folder: Path) -> str:
    """The text of a report, in one line."""
    require("pdftotext", shutil.which("pdftotext") is not None, "install poppler-utils")
    (folder / "report.pdf").write_bytes(b"".join(report_file(scope, inspection_id, "report.pdf")))
    command = ["pdftotext", str(folder / "report.pdf"), "-"]
    return " ".join(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


def test_an_imported_verdict_is_not_computed_again_here(scope: WorkspaceScope, tmp_path: Path) -> None:
    first, _ = inspections(scope, imported(scope, file_of(tmp_path)))
    with pytest.raises(Conflict) as refused:
        request_replay(scope, first.id)
    assert refused.value.code == "inspection.imported"


def test_a_missing_resource_gives_the_file_back_for_later(
    scope: WorkspaceScope, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = receive_results(scope, file_of(tmp_path), CREATE)

    def full(*_: Any) -> None:
        raise Unavailable("storage.full", "The disk is full.")

    monkeypatch.setattr(carrying, "sign", full)
    assert carry_results(scope, row.id) == "received"
    assert get_results_file(scope, row.id).error_code == "storage.full"
    assert counts(scope)[0] == 0


@pytest.mark.parametrize("place", ["results.signed", "results.judged", "results.printed", "audit.recorded"])
def test_a_killed_worker_leaves_nothing_half_and_the_next_one_goes_on(
    scope: WorkspaceScope, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    row = receive_results(scope, file_of(tmp_path), CREATE)
    process = os.fork()
    if process == 0:
        faults._armed = (place, 1)
        carry_results(scope, row.id)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == -signal.SIGKILL
    assert counts(scope)[0] in (0, 2)
    with scope.transaction():
        ResultsFile.update(lease_until=None).where(ResultsFile.id == row.id).execute()
    assert carry_results(scope, row.id) == "recorded"
    assert counts(scope)[:2] == (2, 4)
    assert [one.state for one in inspections(scope, row)] == ["recorded", "recorded"]


def test_qif_is_recorded_with_its_own_ids(scope: WorkspaceScope, tmp_path: Path) -> None:
    row = imported(scope, file_of(tmp_path, qif(), "results.qif"), replace(CREATE, part="housing"))
    with scope:
        keys = {one.key for one in MeasuredCharacteristic.select()}
    assert (row.laboratory, keys) == (
        "Lab 9", {"Lab 9#20", "Lab 9#20:11", "979a2ede-2278-4adb-a99e-1d81caafe7db", "Lab 9#22"},
    )  # fmt: skip


@pytest.mark.slow
def test_the_plates_of_two_laboratories_are_forty_inspections_of_twenty_items(
    scope: WorkspaceScope, tmp_path: Path, shared_data: Path
) -> None:
    folder = shared_data / "cadscan_nist_mtc_plate"
    said = ImportOptions(part="plate", create=True, unit="mm", angle_unit="deg", measured_at="2017-07-11T09:16:18Z")
    first = imported(scope, folder / "plate_FAIR_NIST_20parts.qif", replace(said, laboratory="NIST"))
    cut = replace(said, create=False, serial_pattern=r"PLATE_RESULTS_A0*(\d+)_", serials={"20": "20"})
    second = imported(scope, folder / "plate_incoming_MTC_20parts.qif", cut)
    assert [(row.inspections, row.measurements) for row in (first, second)] == [(20, 760), (20, 620)]
    rows = [*inspections(scope, first), *inspections(scope, second)]
    assert len({row.asset_id for row in rows}) == 20
    assert {row.verdict for row in rows} == {"inconclusive"}
    with scope:
        contradicted = Measurement.select().where(Measurement.disagrees == 1)
        assert {row.inspection_id for row in contradicted} <= {row.id for row in inspections(scope, second)}
        assert contradicted.count() == 20
        assert Measurement.select().count() == 1380
