"""Every route with what belongs to another workspace: in its path, its query and its body."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from appliance.alerts.channels import EMAIL, add_channel
from appliance.alerts.engine import look_for_alerts
from appliance.alerts.rules import set_rule
from appliance.alerts.service import list_alerts
from appliance.cad.models import CadRevision
from appliance.core.clock import utc_now
from appliance.enrolment.models import DeviceKey
from appliance.identity.groups import give_role
from appliance.identity.records import Vouched
from appliance.identity.tokens.personal import create_personal_token
from appliance.identity.users import admit
from appliance.inspections import service
from appliance.inspections.models import InspectionRow, Replay, ScanChange
from appliance.inspections.service import create_inspection
from appliance.isolation.stage import Stage, filled
from appliance.measurements.models import CharacteristicSetRow, InstrumentSuspicion, MeasuredCharacteristic, ResultsFile
from appliance.objects.sealed import ObjectStore
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.scope import WorkspaceScope
from appliance.twin.models import TwinVersion
from appliance.twin.recording import Prepared, record_version
from tests.line_samples import known_part, sample_files, stored_scan
from tests.web.conftest import Cast
from web.api.contract import API, Route
from web.api.v1 import AREAS

ROUTES = [route for area in AREAS for route in area if "slug" in route.parameters]
#: Names that stand for things of a workspace -> which thing; everything else is in PLAIN, or the test fails.
THINGS = {
    "asset": "asset", "part": "part", "device": "device", "instrument": "instrument", "key": "key", "scan": "scan",
    "scan_id": "scan", "upload_id": "upload", "inspection_id": "inspection", "revision_id": "revision",
    "cad_revision": "revision", "measured_against": "revision", "set_id": "set", "characteristic_set": "set",
    "person_id": "person",
    "replay_id": "replay", "inspection": "inspection", "personal": "personal", "characteristic": "characteristic",
    "file_id": "results", "amends": "results",
    "version_id": "version", "version": "version", "against": "version",
    "alert_id": "alert", "rule_id": "rule", "channel_id": "channel", "channel": "channel", "alert": "alert",
    "code_id": "code", "suspicion_id": "suspicion", "change_id": "change", "first": "scan",
    "second": "scan", "device_key_id": "device_key",
}  # fmt: skip
#: Names that stand for no thing: numbers that every log has, texts, choices.
PLAIN = {
    "slug", "index", "limit", "cursor", "label", "name", "new", "old", "since", "size", "state", "unit", "verdict",
    "reason", "serial", "location", "metadata", "vkey", "badge", "corrections", "parameters", "priority", "held",
    "role", "sha256", "sort", "search", "captured_since", "captured_until", "created_since", "created_until",
    "measured_since", "measured_until", "zone", "quantity", "decision", "revoked", "source",
    "disagrees", "format", "angle_unit", "columns", "decimal", "limits", "serial_pattern", "serials", "measured_at",
    "laboratory", "create",
    "scopes", "expires_at", "overlap_minutes",
    "tested", "grain", "until", "by", "after", "lower", "upper", "happened_at", "recorded_until",
    "counting", "across_revisions", "rule", "kind", "settings", "enabled", "target",
    "instrument_is_suspect", "standing", "cores_mm", "scales_mm", "radius_mm", "depth_mm", "registration_mm", "align",
    "robust", "upwards", "scan_unit",
    "device_key", "host", "time", "public_key", "signature", "new_signature", "minutes",
}  # fmt: skip
#: What a body must hold for the route to look at what its path names.
TEXT = {
    "reason": "because",
    "since": "2026-01-01T00:00:00Z",
    "name": "x",
    "badge": "7",
    "role": "operator",
    "label": "x",
    "version": "x",
    "kind": "drift",
    "happened_at": "2026-01-01T00:00:00Z",
}
REFUSED = (404, 409, 422)


@dataclass
class Foreign:
    """The workspace ``other``, full, and what its things are called."""

    cast: Cast
    stage: Stage
    ids: dict[str, str]
    own_scan: str
    before: str

    def asked(self, method: str, path: str, **how: Any) -> TestResponse:
        """An owner of ``main`` asks; the answer holds nothing of ``other``."""
        headers = {"Authorization": f"Bearer {self.cast.owner.token}"} | how.pop("headers", {})
        response = self.cast.owner.client.open(path, method=method, headers=headers, **how)
        assert response.status_code < 500, response.text
        assert not self.stage.betrays(response.text + str(response.headers))
        return response


@pytest.fixture(scope="module")
def foreign(cast: Cast, tmp_path_factory: pytest.TempPathFactory) -> Foreign:
    sample, other = sample_files(tmp_path_factory.mktemp("sample")), cast.site.scope(SYSTEM, "other")
    asset = known_part(other, sample)
    scan = stored_scan(other, sample, asset)
    stage = filled(cast.site, cast.scope, other, SYSTEM)
    path = f"{API}/workspaces/other"
    toml = {"Content-Type": "application/toml"}
    text = sample.series.instrument.read_bytes()
    instrument = cast.stranger.made(f"{path}/instruments?name=S5", data=text, headers=toml)
    person: Any = cast.stranger("POST", f"{path}/operators", {"badge": "4711", "name": stage.secret}).json
    row = create_inspection(other, scan.id)
    give_role(cast.site, "ldap", "cn=others", "other", "operator", SYSTEM)
    somebody = admit(cast.site, Vouched("ldap", stage.secret, "x", "X", ("cn=others",)))
    until = utc_now() + timedelta(days=1)
    personal, _ = create_personal_token(cast.site, somebody, "other", stage.secret, ["scans:read"], until)
    with other.transaction():
        revision, plan = CadRevision.select().get(), CharacteristicSetRow.select().get()
        suspicion = InstrumentSuspicion.create(
            id="sus_" + row.id[4:], instrument_id=instrument["id"], since="", evidence="[]", found_at="x"
        )
        key = DeviceKey.create(
            id="dky_" + row.id[4:], device_id=stage.ids[2], public_key=stage.secret, enrolled_at="x", enrolled_by="x"
        )
        change = ScanChange.create(
            id="chg_" + row.id[4:], asset_id=asset.id, first_scan_id=scan.id, second_scan_id=scan.id, parameters="{}",
            state="requested", requested_at="x", requested_by=stage.secret,
        )  # fmt: skip
        replay = Replay.create(
            id="rpl_" + row.id[4:], inspection_id=row.id, state="requested", requested_at="x", requested_by="x"
        )
        file = ResultsFile.create(
            id="res_" + row.id[4:], name=stage.secret, sha256="0" * 64, size_bytes=1, object="x", format="csv",
            options="{}", received_at="x", received_by="x", state="recorded",
        )  # fmt: skip
        characteristic = MeasuredCharacteristic.create(
            id="cha_" + row.id[4:], part_id=asset.part_id, key="12", name=stage.secret, zone="", quantity="angle",
            unit="deg", created_at="x",
        )  # fmt: skip
    code: Any = cast.stranger("POST", f"{path}/device-codes", {}).json
    rule = set_rule(other, stage.secret, "missing_scans", {"interval_days": 1}, reason="test")
    mailing = replace(other, settings=replace(other.settings, smtp_host="localhost", smtp_sender="d2r@plant.example"))
    channel, _ = add_channel(mailing, stage.secret, EMAIL, "ann@plant.example")
    look_for_alerts(other, utc_now() + timedelta(days=2))
    ids = {
        "asset": asset.id, "part": asset.part_id, "device": stage.ids[2], "instrument": instrument["id"],
        "key": cast.stranger.key_id, "scan": scan.id, "upload": stage.ids[3], "inspection": row.id,
        "revision": revision.id, "set": plan.id, "person": person["person_id"], "replay": replay.id,
        "characteristic": characteristic.id, "results": file.id,
        "personal": personal.id,
        "version": _twin(other, row).id,
        "channel": channel.id, "alert": list_alerts(other)[0].id, "rule": rule.id,
        "code": code["id"], "suspicion": suspicion.id, "change": change.id,
        "device_key": key.id,
    }  # fmt: skip
    own = stored_scan(cast.scope, sample, known_part(cast.scope, sample))
    return Foreign(cast, stage, ids, own.id, stage.state_of_other())


def _twin(other: WorkspaceScope, row: InspectionRow) -> TwinVersion:
    """A version of the twin of the asset of ``other``."""
    stored = ObjectStore.of(other).put_bytes(b"a field")
    prepared = Prepared(4, 0.5, "c" * 64, "z" * 64, stored.sha256, stored.name, stored.sha256, stored.name)
    with other.transaction():
        InspectionRow.update(verdict="pass", envelope_sha256="e" * 64).where(InspectionRow.id == row.id).execute()
        return record_version(other, service.get_inspection(other, row.id), prepared, row.created_at, [row.id])


def names_of(route: Route) -> set[str]:
    query = route.query.model_fields if route.query else {}
    body = route.body.model_fields if route.body else {}
    return {*route.parameters, *query, *body}


def things_in(part: Callable[[Route], Any]) -> list[tuple[Route, str]]:
    return [(route, name) for route in ROUTES for name in (part(route) or ()) if name in THINGS]


IN_PATH = things_in(lambda route: route.parameters)
IN_QUERY = things_in(lambda route: route.query and route.query.model_fields)
IN_BODY = things_in(lambda route: route.body and route.body.model_fields)


def label(value: Any) -> str:
    return value if isinstance(value, str) else value.name


def path_of(route: Route, foreign: Foreign) -> str:
    path = route.path.replace("{slug}", "main").replace("{index}", "0")
    for name in route.parameters:
        if name in THINGS:
            path = path.replace("{" + name + "}", foreign.ids[THINGS[name]])
    return API + path


def body_of(route: Route) -> dict[str, Any]:
    """The JSON, or the headers, that the route's form demands."""
    condition: dict[str, Any] = {"headers": {"If-Match": "*"}} if route.if_match else {}
    asked = [name for name, info in route.query.model_fields.items() if info.is_required()] if route.query else []
    if asked and all(name in TEXT for name in asked):
        condition["query_string"] = {name: TEXT[name] for name in asked}
    if route.body:
        required = [name for name, info in route.body.model_fields.items() if info.is_required()]
        return {"json": {name: TEXT[name] for name in required if name in TEXT}} | condition
    if route.name == "uploads.send_bytes":
        headers = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0", "Tus-Resumable": "1.0.0"}
        return {"data": b"x", "headers": headers}
    override = {"Tus-Resumable": "1.0.0", "X-HTTP-Method-Override": "DELETE"}
    return {"headers": override} if route.area == "uploads" else condition


def test_the_rule_finds_things_everywhere_and_has_an_expectation_for_every_name() -> None:
    assert len(IN_PATH) > 40
    assert len(IN_QUERY) >= 5
    assert len(IN_BODY) >= 8
    unknown = {(route.name, name) for route in ROUTES for name in names_of(route)}
    assert {pair for pair in unknown if pair[1] not in {*THINGS, *PLAIN}} == set()


def test_the_names_lead_to_things_for_those_who_belong_there(foreign: Foreign) -> None:
    for kind, path in {"asset": "assets", "part": "parts", "scan": "scans", "inspection": "inspections"}.items():
        response = foreign.cast.stranger("GET", f"{API}/workspaces/other/{path}/{foreign.ids[kind]}")
        assert response.status_code == 200, kind
    page = foreign.cast.stranger("GET", f"{API}/workspaces/other/assets")
    assert foreign.stage.betrays(page.text)


@pytest.mark.parametrize(("route", "name"), IN_PATH, ids=label)
def test_a_thing_of_another_workspace_is_not_there(foreign: Foreign, route: Route, name: str) -> None:
    response = foreign.asked(route.method, path_of(route, foreign), **body_of(route))
    assert response.status_code == 404, response.text


@pytest.mark.parametrize(("route", "name"), IN_QUERY, ids=label)
def test_a_filter_finds_nothing_of_another_workspace(foreign: Foreign, route: Route, name: str) -> None:
    query = {name: foreign.ids[THINGS[name]]}
    how = {"data": b"x", "headers": {"Content-Type": route.takes[-1]}} if route.takes else {}
    response = foreign.asked(route.method, path_of(route, foreign), query_string=query, **how)
    found: Any = response.json
    assert response.status_code in REFUSED or (route.method == "GET" and found["items"] == []), response.text


@pytest.mark.parametrize(("route", "name"), IN_BODY, ids=label)
def test_a_body_that_names_another_workspaces_thing_is_refused(foreign: Foreign, route: Route, name: str) -> None:
    how = body_of(route)
    body = how.pop("json") | ({"scan": foreign.own_scan} if route.name.endswith("create_inspection") else {})
    named = body | {name: foreign.ids[THINGS[name]]}
    response = foreign.asked(route.method, path_of(route, foreign), json=named, **how)
    assert response.status_code in REFUSED, response.text


@pytest.mark.parametrize(
    "route",
    [one for one in ROUTES if one.query and "cursor" in one.query.model_fields and "device" not in one.parameters],
    ids=label,
)
def test_a_cursor_of_another_workspace_pages_through_ones_own(foreign: Foreign, route: Route) -> None:
    there = path_of(route, foreign).removeprefix(API).replace("/main/", "/other/", 1)
    page: Any = foreign.cast.stranger("GET", f"{API}{there}", query_string={"limit": "1"}).json
    query = {"cursor": page["next"]} if page["next"] else {}
    response = foreign.asked("GET", path_of(route, foreign), query_string=query)
    kinds = [kind for kind in ("asset", "part", "scan", "device", "key") if kind not in route.parameters]
    assert not any(foreign.ids[kind] in response.text for kind in kinds)


def test_the_content_of_another_workspaces_scan_is_not_known_here(foreign: Foreign) -> None:
    there: Any = foreign.cast.stranger("GET", f"{API}/workspaces/other/scans/{foreign.ids['scan']}").json
    asked = {"sha256": [there["sha256"]]}
    elsewhere: Any = foreign.cast.stranger("POST", f"{API}/workspaces/other/scans/lookup", asked).json
    assert elsewhere["items"][0]["scan"] == foreign.ids["scan"]
    response = foreign.asked("POST", f"{API}/workspaces/main/scans/lookup", json=asked)
    assert foreign.ids["scan"] not in response.text


def test_nothing_of_it_changed_the_other_workspace(foreign: Foreign) -> None:
    for route, _ in IN_PATH:
        foreign.asked(route.method, path_of(route, foreign), **body_of(route))
    assert foreign.stage.state_of_other() == foreign.before
