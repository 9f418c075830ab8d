"""Verdicts of an instrument that moved, over HTTP and in the console: marked, listed, explained."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from appliance.core.clock import rfc3339_us
from appliance.inspections.models import InspectionRow
from appliance.measurements.models import Measurement
from appliance.scans.models import Scan
from appliance.trends.instruments import declare_reference
from appliance.trends.suspicions import watch_instruments
from tests.measured_workspace import Plant
from tests.web.conftest import Cast
from tests.web.test_console import signed_in

START = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def found(cast: Cast) -> tuple[str, str]:
    """A good and a suspect inspection of ``press-01``: ``press-00`` is an artefact that moved between them."""
    plant, noise = Plant.of(cast.scope), np.random.default_rng(5).normal(0.0, 0.01, 40)
    moments = [rfc3339_us(START + timedelta(days=day)) for day in range(40)]
    with cast.scope.transaction():
        for day, moment in enumerate(moments):
            plant.measure(0, moment, [noise[day] + 0.1 * (day >= 35)], instrument=plant.instruments[0])
        good, suspect = (
            plant.measure(1, moments[day], [0.0], instrument=plant.instruments[0]).inspection_id for day in (20, 38)
        )
        Measurement.update(coverage=1.0, coverage_required=0.9).execute()
        InspectionRow.update(context='{"characteristics_version":"1","serial":""}').execute()
    declare_reference(cast.scope, "press-00", "ball bar")
    watch_instruments(cast.scope)
    return good, suspect


def listed(cast: Cast, query: str) -> list[str]:
    return [one["id"] for one in cast.auditor.get(f"inspections?asset=press-01{query}")["items"]]


def test_an_inspection_says_that_its_instrument_is_suspect_and_why(cast: Cast, found: tuple[str, str]) -> None:
    good, suspect = (cast.operator.get(f"inspections/{one}") for one in found)
    assert (good["instrument_is_suspect"], good["suspicion"]) == (False, None)
    assert suspect["instrument_is_suspect"]
    assert suspect["suspicion"]["instrument_id"] == suspect["instrument_id"]
    assert (suspect["suspicion"]["instrument"], suspect["suspicion"]["revision"]) == ("S5-0", 1)
    assert suspect["suspicion"]["evidence"][0]["asset"] == "press-00"
    assert suspect["verdict"] == "pass"


def test_lists_and_recalls_say_so_and_are_filtered(cast: Cast, found: tuple[str, str]) -> None:
    good, suspect = found
    assert listed(cast, "&instrument_is_suspect=true") == [suspect]
    assert listed(cast, "&instrument_is_suspect=false") == [good]
    measured = cast.auditor.get("measurements?asset=press-01")["items"]
    assert {one["inspection_id"]: one["instrument_is_suspect"] for one in measured} == {good: False, suspect: True}
    for is_suspect, inspection in ((True, suspect), (False, good)):
        asked = f"measurements?asset=press-01&sort=measured_at&instrument_is_suspect={str(is_suspect).lower()}"
        assert [one["inspection_id"] for one in cast.auditor.get(asked)["items"]] == [inspection]
    suspects = "measurements?instrument_is_suspect=true"
    page = cast.auditor.get(f"{suspects}&limit=4")
    seen = [
        one["id"] for one in [*page["items"], *cast.auditor.get(f"{suspects}&limit=4&cursor={page['next']}")["items"]]
    ]
    everything = cast.auditor.get(suspects)["items"]
    assert seen == [one["id"] for one in everything]
    assert len(seen) == 6, "five of the artefact, one of the press"
    recalled = cast.auditor.get("trends/recall?asset=press-01")["items"]
    assert {one["id"]: one["instrument_is_suspect"] for one in recalled} == {good: False, suspect: True}


def test_the_console_says_so_on_the_pages_of_inspection_and_asset(cast: Cast, found: tuple[str, str]) -> None:
    browser, _ = signed_in(cast, cast.operator)
    good, suspect = (browser.get(f"/console/main/inspections/{one}").text for one in found)
    assert "Suspect instrument" not in good
    assert "Suspect instrument" in suspect
    assert "S5-0 (revision 1) moved after" in suspect
    assert re.search(r'trends/cha_\w+">press-00</a> beyond 3 standard errors', suspect)
    assert "Suspect scan" not in suspect
    assert browser.get("/console/main/assets/press-01").text.count("Suspect instrument") == 1


def test_the_page_of_a_series_rings_the_values_that_are_suspect(cast: Cast, found: tuple[str, str]) -> None:
    browser, _ = signed_in(cast, cast.operator)
    [one] = cast.auditor.get("measurements?asset=press-01&instrument_is_suspect=true")["items"]
    page = browser.get(f"/console/main/assets/{one['asset_id']}/trends/{one['characteristic_id']}").text
    assert "1 value was measured after the instrument moved" in page
    marks = re.findall(r'inspections/(ins_\w+)" class="\w+"><title>([^<]*)</title>(<circle class="ring")?', page)
    assert {inspection: bool(ring) for inspection, _, ring in marks} == dict(zip(found, (False, True), strict=True))
    assert [("suspect instrument" in title) for _, title, _ in marks] == [False, True]
    artefact = cast.auditor.get("measurements?asset=press-00&limit=1")["items"][0]
    page = browser.get(f"/console/main/assets/{artefact['asset_id']}/trends/{artefact['characteristic_id']}").text
    assert page.count('class="ring"') == 5


def test_an_inspection_of_a_scan_from_a_stolen_device_says_so(cast: Cast, found: tuple[str, str]) -> None:
    browser, _ = signed_in(cast, cast.operator)
    with cast.scope.transaction():
        Scan.update(suspect_since="2026-01-05T08:00:00.000000Z", suspect_reason="Found in hall 9").execute()
    page = browser.get(f"/console/main/inspections/{found[0]}").text
    assert "Suspect scan</span> The key of its device was in other hands since" in page
    assert ": Found in hall 9</p>" in page


def test_who_edits_lifts_a_suspicion_with_a_reason_and_once(cast: Cast, found: tuple[str, str]) -> None:
    [standing] = cast.auditor.get("suspicions?standing=true")["items"]
    path = f"suspicions/{standing['id']}/lift"
    assert cast.operator("POST", path, {"reason": "seen"}).status_code == 403
    assert cast.supervisor("POST", path, {"reason": ""}).status_code == 422
    assert cast.supervisor("POST", "suspicions/sus_none/lift", {"reason": "x"}).status_code == 404
    lifted: Any = cast.supervisor("POST", path, {"reason": "The artefact was dropped"}).json
    assert (lifted["lifted_by"], lifted["lifted_reason"]) == (cast.supervisor.key_id, "The artefact was dropped")
    assert cast.supervisor("POST", path, {"reason": "again"}).json["code"] == "suspicion.lifted"
    assert listed(cast, "&instrument_is_suspect=true") == []
    assert cast.operator.get(f"inspections/{found[1]}")["suspicion"] is None
    assert cast.auditor.get("suspicions?standing=true")["items"] == []
    assert cast.auditor.get("suspicions?standing=false")["items"] == [lifted]
