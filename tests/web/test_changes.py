"""Changes between stored scans over HTTP: asked for once, followed, fetched, refused."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import laspy
import pytest

from appliance.inspections.carry_change import carry_change
from appliance.scans.models import Scan
from tests.change_samples import two_scans
from tests.web.conftest import Cast


@pytest.fixture(scope="module")
def scans(cast: Cast, tmp_path_factory: pytest.TempPathFactory) -> tuple[Scan, Scan]:
    folder: Path = tmp_path_factory.mktemp("scans")
    return two_scans(cast.scope, folder)


@pytest.fixture(scope="module")
def done(cast: Cast, scans: tuple[Scan, Scan]) -> dict[str, Any]:
    """A change that was asked for by an operator and computed."""
    made = cast.operator.made("changes", {"first": scans[0].id, "second": scans[1].id, "depth_mm": 5.0})
    assert (made["state"], made["parameters"], made["summary"]) == ("requested", {"depth_mm": 5.0}, None)
    assert cast.operator("GET", f"changes/{made['id']}/change.laz").json["code"] == "change.not_done"
    assert carry_change(cast.scope, made["id"]) == "done"
    found: dict[str, Any] = cast.auditor.get(f"changes/{made['id']}")
    return found


def test_a_change_says_how_much_and_how_sure_and_its_files_are_fetched(cast: Cast, done: dict[str, Any]) -> None:
    figures = done["summary"]["change"]
    assert (done["state"], done["progress"]) == ("done", 1.0)
    assert 0.2 < figures["significant"] / figures["with_level"] < 0.35
    assert figures["lod_median_mm"] < 0.1
    for name, start in (("change.ply", b"ply"), ("change.npz", b"PK"), ("result.json", b"{")):
        assert cast.auditor("GET", f"changes/{done['id']}/{name}").data.startswith(start)
    cloud = laspy.read(io.BytesIO(cast.auditor("GET", f"changes/{done['id']}/change.laz").data))
    assert len(cloud.points) == figures["cores"]


def test_a_list_is_filtered_by_asset_and_state(cast: Cast, done: dict[str, Any]) -> None:
    assert [one["id"] for one in cast.auditor.get("changes?asset=dune&state=done")["items"]] == [done["id"]]
    assert cast.auditor.get("changes?state=failed")["items"] == []


def test_asking_again_with_one_key_asks_once(cast: Cast, scans: tuple[Scan, Scan]) -> None:
    body = {"first": scans[1].id, "second": scans[0].id}
    answers = [cast.operator("POST", "changes", body, headers={"Idempotency-Key": "once"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json["id"] == answers[1].json["id"]
    path = f"changes/{answers[0].json['id']}/cancel"
    assert cast.auditor("POST", path).status_code == 403
    assert cast.operator("POST", path).json["state"] == "cancelled"
    assert cast.operator("POST", path).json["code"] == "change.final"
    again = f"changes/{answers[0].json['id']}/retry"
    assert cast.auditor("POST", again).status_code == 403
    assert cast.operator("POST", again).json["state"] == "requested"
    assert cast.operator("POST", again).json["code"] == "change.running"
    assert cast.operator("POST", "changes/chg_none/retry").status_code == 404


def test_what_makes_no_comparison_is_refused(cast: Cast, scans: tuple[Scan, Scan]) -> None:
    one, two = (scan.id for scan in scans)
    assert cast.auditor("POST", "changes", {"first": one, "second": two}).status_code == 403
    for more, status in (
        ({"second": one}, 422), ({"second": "scn_none"}, 404), ({"radius_mm": 0.0}, 422), ({"radius_mm": "5"}, 422),
        ({"scan_unit": "ell"}, 422), ({"cores": 1.0}, 422),
    ):  # fmt: skip
        answer = cast.operator("POST", "changes", {"first": one, "second": two} | more)
        assert answer.status_code == status, more
