"""Inspections and reports over HTTP: asked for, followed to a verdict, taken away, verified, replayed, amended."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from appliance.audit.database_log import DatabaseLog
from appliance.inspections.carry import carry
from appliance.inspections.models import InspectionRow
from appliance.inspections.replaying import carry_replay
from appliance.objects.sealed import ObjectStore
from appliance.reports.issuing import issue
from appliance.reports.verification import verify_path
from appliance.scans.models import Scan
from tests.line_samples import Sample, known_part, sample_files, stored_scan
from tests.web.conftest import Cast

FILES = ("report.pdf", "report.json", "report.tlog-proof", "result.json", "points.d2rt", "field.npz")


@dataclass
class Line:
    """A plant with one scan, and one inspection that came to its verdict."""

    cast: Cast
    sample: Sample
    scan_id: str
    inspection_id: str

    def ask(self, **more: Any) -> Any:
        """Another inspection of the scan, that nobody carries."""
        return self.cast.operator.made("inspections", {"scan": self.scan_id, **more})


@pytest.fixture(scope="module")
def line(cast: Cast, tmp_path_factory: pytest.TempPathFactory) -> Line:
    sample, scope = sample_files(tmp_path_factory.mktemp("sample")), cast.scope
    scan = stored_scan(scope, sample, known_part(scope, sample))
    statement, toml = sample.series.instrument.read_bytes(), {"Content-Type": "application/toml"}
    cast.supervisor.made("instruments?name=S5", data=statement, headers=toml)
    made = cast.operator.made("inspections", {"scan": scan.id, "instrument": "S5", "priority": "high"})
    pose = ObjectStore.of(scope).put_file(sample.alignment).name
    with scope:
        InspectionRow.update(alignment_object=pose).where(InspectionRow.id == made["id"]).execute()
    assert carry(scope, made["id"], issue) == "recorded"
    return Line(cast, sample, scan.id, made["id"])


def test_a_recorded_inspection_shows_verdict_and_measurements(line: Line) -> None:
    shown = line.cast.auditor.get(f"inspections/{line.inspection_id}")
    assert (shown["state"], shown["verdict"], shown["progress"]) == ("recorded", "pass", 1.0)
    assert shown["context"]["asset"] == "housing-0001"
    assert len(shown["measurements"]) == 6
    wear = next(row for row in shown["measurements"] if row["name"] == "Pad wear")
    assert wear["decision"] == "pass"
    assert wear["expanded_mm"] == pytest.approx(wear["k"] * wear["u_mm"])
    standing = line.cast.operator.get("assets/housing-0001")["latest"]
    assert (standing["id"], standing["verdict"]) == (line.inspection_id, "pass")


@pytest.mark.parametrize("name", FILES)
def test_files_of_a_report_are_handed_out_as_stored_and_the_log_says_so(line: Line, name: str) -> None:
    response = line.cast.operator("GET", f"inspections/{line.inspection_id}/{name}")
    assert response.status_code == 200
    with line.cast.scope:
        row = InspectionRow.get_by_id(line.inspection_id)
    column = {"report.pdf": "pdf", "report.json": "envelope", "report.tlog-proof": "proof", "result.json": "result",
              "points.d2rt": "tiles", "field.npz": "field"}[name]  # fmt: skip
    assert response.data == ObjectStore.of(line.cast.scope).read(getattr(row, f"{column}_object"))
    assert name in response.headers["Content-Disposition"]
    log = DatabaseLog.of(line.cast.scope)
    entry = json.loads(log.entry(log.size - 1))
    assert (entry["kind"], entry["facts"]["file"]) == ("report.exported", name)
    assert entry["facts"]["by"]["id"] == line.cast.operator.key_id


def test_an_evidence_pack_verifies_without_the_appliance(line: Line, tmp_path: Path) -> None:
    response = line.cast.auditor("GET", f"inspections/{line.inspection_id}/evidence.zip")
    path = tmp_path / "evidence.zip"
    path.write_bytes(response.data)
    with zipfile.ZipFile(io.BytesIO(response.data)) as pack:
        assert pack.testzip() is None
        scan = next(name for name in pack.namelist() if name.startswith("evidence/scan/"))
        assert sha256(pack.read(scan)).hexdigest() == sha256(line.sample.scan.read_bytes()).hexdigest()
    assert verify_path(path, line.cast.site.keys.trusted()) is not None


def test_the_report_is_described(line: Line) -> None:
    report = line.cast.operator.get(f"inspections/{line.inspection_id}/report")
    assert set(FILES) < set(report["files"])
    envelope = line.cast.operator("GET", f"inspections/{line.inspection_id}/report.json").data
    assert sha256(envelope).hexdigest() == report["envelope_sha256"]


def test_what_has_no_verdict_has_no_report(line: Line) -> None:
    waiting = line.ask()["id"]
    for name in (*FILES, "report", "evidence.zip"):
        response = line.cast.operator("GET", f"inspections/{waiting}/{name}")
        assert (response.status_code, response.json["code"]) == (409, "report.not_issued")
        assert line.cast.operator("GET", f"inspections/nothing/{name}").status_code == 404
    assert line.cast.operator("POST", f"inspections/{waiting}/replays").status_code == 409
    assert line.cast.supervisor("POST", f"inspections/{waiting}/amend", {"reason": "x"}).status_code == 409


def test_an_inspection_is_cancelled_and_taken_up_again(line: Line) -> None:
    made = line.ask(parameters={"fit": True})
    path = f"inspections/{made['id']}"
    cancelled = line.cast.operator("POST", f"{path}/cancel", {"reason": "wrong asset"}).json
    assert cancelled["state"] == "cancelled"
    assert line.cast.operator("POST", f"{path}/cancel", {}).status_code == 409
    assert line.cast.operator("POST", f"{path}/retry").json["state"] == "stored"
    assert line.cast.operator("POST", f"{path}/retry").status_code == 409
    assert line.cast.operator("POST", "inspections/nothing/cancel", {}).status_code == 404


def test_a_verdict_is_replayed_bit_for_bit(line: Line) -> None:
    path = f"inspections/{line.inspection_id}/replays"
    asked = line.cast.operator.made(path)
    assert asked["reproduced"] is None
    carry_replay(line.cast.scope, asked["id"])
    done = line.cast.operator.get(f"{path}/{asked['id']}")
    assert (done["state"], done["reproduced"], done["same_engine"]) == ("done", True, True)
    assert done["differences"]["count"] == 0
    assert [one["id"] for one in line.cast.auditor.get(path)["items"]] == [asked["id"]]
    assert line.cast.operator("GET", f"{path}/nothing").status_code == 404


def test_a_report_is_amended_by_another_that_names_it(line: Line) -> None:
    path = f"inspections/{line.inspection_id}/amend"
    made = line.cast.supervisor.made(path, {"reason": "the wrong instrument was named"})
    assert (made["amends_id"], made["reason"]) == (line.inspection_id, "the wrong instrument was named")
    assert line.cast.supervisor("POST", path, {"reason": ""}).status_code == 422
    assert line.cast.operator("POST", path, {"reason": "x"}).status_code == 403


def test_lists_are_filtered_and_come_newest_first(line: Line) -> None:
    made = [line.ask()["id"] for _ in range(3)]
    found = line.cast.operator.get(f"inspections?asset=housing-0001&scan={line.scan_id}")["items"]
    assert [row["id"] for row in found][:3] == made[::-1]
    passed = line.cast.operator.get("inspections?state=recorded&verdict=pass")["items"]
    assert [row["id"] for row in passed] == [line.inspection_id]
    first = line.cast.operator.get("inspections?limit=2")
    line.ask()
    second = line.cast.operator.get(f"inspections?limit=2&cursor={first['next']}")
    shown = [row["id"] for row in first["items"] + second["items"]]
    assert shown == sorted(shown, reverse=True)
    assert len(set(shown)) == 4
    assert line.cast.operator("GET", f"inspections?limit=2&state=stored&cursor={first['next']}").status_code == 422
    assert line.cast.operator("GET", "inspections?asset=nothing").status_code == 404
    assert line.cast.operator("GET", "inspections?state=nonsense").status_code == 422


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"scan": "scn_nothing"}, 404),
        ({"cad_revision": "cad_nothing"}, 404),
        ({"characteristic_set": "chr_nothing"}, 404),
        ({"instrument": "nothing"}, 404),
        ({"priority": "urgent"}, 422),
        ({"parameters": {"fit": "yes"}}, 422),
        ({"parameters": {"guess": True}}, 422),
    ],
)
def test_an_inspection_that_cannot_be_is_refused(line: Line, more: dict[str, Any], status: int) -> None:
    body = {"scan": line.scan_id, **more}
    assert line.cast.operator("POST", "inspections", body).status_code == status


def test_a_scan_shows_what_became_of_it(line: Line) -> None:
    shown = line.cast.operator.get(f"scans/{line.scan_id}")
    assert line.inspection_id in [one["id"] for one in shown["inspections"]]
    content = line.cast.operator("GET", f"scans/{line.scan_id}/content")
    assert content.mimetype == "application/octet-stream"  # kept as a file, whatever is in it, and never shown
    assert content.headers["Content-Disposition"].startswith(f'attachment; filename="{line.scan_id}.')
    assert "default-src 'none'" in content.headers["Content-Security-Policy"]
    assert sha256(content.data).hexdigest() == shown["sha256"]
    assert line.cast.operator("GET", "scans/nothing").status_code == 404


def test_one_request_says_which_of_many_scans_are_here(line: Line) -> None:
    known = line.cast.operator.get(f"scans/{line.scan_id}")["sha256"]
    asked = [sha256(bytes([number])).hexdigest() for number in range(200)]
    asked[7:7] = [known]
    found = line.cast.operator("POST", "scans/lookup", {"sha256": asked}).json["items"]
    assert [one["sha256"] for one in found] == asked
    assert [(number, one["scan"], one["state"]) for number, one in enumerate(found) if one["scan"]] == [
        (7, line.scan_id, "stored")
    ]


def test_a_device_learns_of_what_it_sent_itself_alone(line: Line) -> None:
    known = line.cast.operator.get(f"scans/{line.scan_id}")["sha256"]
    device = line.cast.by_role["device"]
    assert device("POST", "scans/lookup", {"sha256": [known]}).json["items"][0]["scan"] is None
    with line.cast.scope.transaction():
        sender = Scan.get_by_id(line.scan_id).received_by
        Scan.update(received_by=device.key_id).where(Scan.id == line.scan_id).execute()
    try:
        assert device("POST", "scans/lookup", {"sha256": [known]}).json["items"][0]["scan"] == line.scan_id
    finally:
        with line.cast.scope.transaction():
            Scan.update(received_by=sender).where(Scan.id == line.scan_id).execute()


@pytest.mark.parametrize("hashes", [[], ["0" * 63], ["A" * 64], ["g" * 64], ["0" * 64] * 501, "0" * 64])
def test_a_lookup_is_of_some_hundred_hashes(line: Line, hashes: Any) -> None:
    assert line.cast.operator("POST", "scans/lookup", {"sha256": hashes}).status_code == 422


def test_a_log_that_was_changed_lets_no_report_out(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    from appliance.errors import Modified

    def changed(_: DatabaseLog) -> None:
        raise Modified("log.entry", "Entry 3 of the log differs from what was acknowledged.")

    monkeypatch.setattr(DatabaseLog, "validate_for_export", changed)
    for name in ("report.pdf", "evidence.zip"):
        response = line.cast.operator("GET", f"inspections/{line.inspection_id}/{name}")
        assert (response.status_code, response.json["code"]) == (409, "log.entry")
