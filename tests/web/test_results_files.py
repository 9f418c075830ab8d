"""Files of results over the API: checked, received, recorded; what a device may and a stranger may not."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from appliance.exchange.carrying import carry_results
from tests.results_samples import CSV, qif, results_json
from tests.web.conftest import Cast
from tests.web.test_console import signed_in

QUERY = "part=plate&create=true"
TABLE = {"headers": {"Content-Type": "text/csv"}}


@pytest.fixture(scope="module")
def made(cast: Cast) -> Any:
    row = cast.supervisor.made(f"results-files?{QUERY}&name=plates.csv", data=CSV.encode(), **TABLE)
    assert carry_results(cast.scope, row["id"]) == "recorded"
    return row


def test_a_file_is_received_recorded_and_handed_back_as_it_came(cast: Cast, made: Any) -> None:
    assert (made["state"], made["name"], made["options"]["part"]) == ("received", "plates.csv", "plate")
    shown = cast.auditor.get(f"results-files/{made['id']}")
    assert (shown["state"], shown["inspections"], shown["measurements"], shown["format"]) == ("recorded", 2, 4, "csv")
    content = cast.auditor("GET", f"results-files/{made['id']}/file")
    assert content.data == CSV.encode()
    assert cast.operator.get("results-files?state=recorded")["items"][0]["id"] == made["id"]


def test_its_inspections_stand_among_the_others(cast: Cast, made: Any) -> None:
    listed = cast.operator.get("inspections")["items"]
    assert {row["results_file_id"] for row in listed} == {made["id"]}
    full = cast.operator.get(f"inspections/{listed[-1]['id']}")
    assert (full["scan_id"], full["state"], full["context"]["serial"]) == (None, "recorded", "A1")
    cone = next(row for row in full["measurements"] if row["name"] == "Cone")
    assert (cone["unit"], cone["value"], cone["value_mm"], cone["coverage"]) == ("deg", 90.4, None, None)
    for act in ("cancel", "replays", "amend"):
        response = cast.owner("POST", f"inspections/{full['id']}/{act}", {"reason": "x"} if act == "amend" else {})
        assert response.status_code == 409, act
    assert cast.operator("GET", f"inspections/{full['id']}/report.pdf").status_code == 200
    assert cast.operator("GET", f"inspections/{full['id']}/points.d2rt").status_code == 404


def test_the_console_shows_them_with_what_their_source_says(cast: Cast, made: Any) -> None:
    browser, _ = signed_in(cast, cast.supervisor)
    first = cast.operator.get("inspections")["items"][-1]["id"]
    page = browser.get(f"/console/main/inspections/{first}")
    assert page.status_code == 200, page.text
    for words in ("≠ pass", "90.4000 deg", "89 … 91", "plates.csv, inspection 1", "Inconclusive"):
        assert words in page.text, words
    assert "/replay" not in page.text


def test_contradictions_can_be_asked_for(cast: Cast, made: Any) -> None:
    (row,) = cast.operator.get("measurements?disagrees=true")["items"]
    assert (row["name"], row["source"], row["source_decision"], row["decision"]) == (
        "Top", "import", "pass", "inconclusive",
    )  # fmt: skip
    of_one = cast.operator.get(f"measurements?characteristic={row['characteristic_id']}&source=import")["items"]
    assert [one["id"] for one in of_one] == [row["id"]]
    assert cast.operator.get("measurements?source=scan")["items"] == []


def test_the_same_file_is_the_same_row(cast: Cast, made: Any) -> None:
    again = cast.supervisor.made(f"results-files?{QUERY}", data={"file": (io.BytesIO(CSV.encode()), "other.csv")})
    assert (again["id"], again["name"]) == (made["id"], "plates.csv")
    other = cast.supervisor("POST", f"results-files?{QUERY}&laboratory=B", data=CSV.encode(), **TABLE)
    assert (other.status_code, other.json["code"]) == (409, "results.imported")


def test_a_check_says_what_would_be_recorded_and_writes_nothing(cast: Cast, made: Any) -> None:
    before = cast.operator.get("assets")["items"]
    response = cast.supervisor("POST", "results-files/check?part=new&create=true", data=qif(), headers=XML)
    assert response.status_code == 200, response.text
    (one,) = response.json["inspections"]
    assert (one["asset"], one["asset_id"], one["characteristics"], one["disagreements"]) == ("new A1", None, 4, 2)
    assert (response.json["laboratory"], response.json["measurements"]) == ("Lab 9", 4)
    assert cast.operator.get("assets")["items"] == before


XML = {"Content-Type": "application/xml"}


def test_a_device_reports_what_it_measured_on_what_is_known(cast: Cast, made: Any) -> None:
    data = results_json(laboratory="line 3")
    row = cast.device.made("results-files", data=data, headers={"Content-Type": "application/json"})
    assert carry_results(cast.scope, row["id"]) == "recorded"
    assert cast.device.get(f"results-files/{row['id']}")["laboratory"] == "line 3"
    [one] = cast.auditor.get("inspections?laboratory=line%203")["items"]
    assert (one["results_file_id"], one["laboratory"]) == (row["id"], "line 3")
    [group] = cast.auditor.get("trends/comparison?characteristic=Cone&by=laboratory")["groups"]
    assert (group["name"], group["measured"]) == ("line 3", 1)
    refused = cast.device("POST", "results-files?create=true", data=results_json(laboratory="x"), **TABLE)
    assert (refused.status_code, refused.json["code"]) == (403, "results.create")


def test_a_correction_has_a_reason(cast: Cast, made: Any) -> None:
    data = CSV.replace("0.08", "0.04").encode()
    query = f"{QUERY}&amends={made['id']}"
    assert cast.supervisor("POST", f"results-files?{query}", data=data, **TABLE).status_code == 422
    row = cast.supervisor.made(f"results-files?{query}&reason=probe+worn", data=data, **TABLE)
    assert (row["amends_id"], row["reason"]) == (made["id"], "probe worn")


@pytest.mark.parametrize(
    ("query", "data", "status", "code"),
    [
        ("part=nobody", CSV.encode(), 404, "results.part"), (QUERY, b"serial,value\nA,nan\n", 422, "results.column"),
        (f"{QUERY}&columns=[]", CSV.encode(), 400, "request.query"),
        (f"{QUERY}&serials={json.dumps({'1': 2})}", CSV.encode(), 400, "request.query"),
        (f"{QUERY}&format=xlsx", CSV.encode(), 422, None),
        (f"{QUERY}&amends=res_x&reason=y", b"x", 404, "results.unknown"),
        (f"{QUERY}&operator=4711", CSV.encode(), 422, None), (QUERY, b"", 422, "results.empty"),
        (QUERY, CSV.replace("9.9,10.1", "10.1,9.9").encode(), 422, "results.limits"),
    ],
)  # fmt: skip
def test_what_cannot_be_recorded_leaves_nothing(
    cast: Cast, made: Any, query: str, data: bytes, status: int, code: str | None
) -> None:
    before = cast.operator.get("results-files")["items"]
    response = cast.supervisor("POST", f"results-files?{query}", data=data, **TABLE)
    assert response.status_code == status, response.text
    assert code is None or response.json["code"] == code
    assert cast.operator.get("results-files")["items"] == before
    assert list(cast.site.settings.scratch_folder.iterdir()) == []


def test_strangers_and_those_who_only_read_bring_nothing(cast: Cast, made: Any) -> None:
    for who in (cast.stranger, cast.nobody, cast.auditor):
        assert who("POST", "results-files", data=CSV.encode(), **TABLE).status_code in (401, 403, 404)
    assert cast.stranger("GET", f"results-files/{made['id']}").status_code == 404
