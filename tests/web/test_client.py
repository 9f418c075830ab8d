"""The written client against the application over HTTP: pages, tags, keys, nulls, files and the server's errors."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import make_server

from appliance.client import calls
from appliance.client.api import Api
from appliance.client.calls import NULL
from appliance.client.connection import UNREACHABLE, Connection
from appliance.errors import Conflict, Denied, InvalidInput, NotFound, Unavailable
from tests.unit.cad.test_revisions import box
from tests.web.conftest import Caller, Cast

ZONES = "version = 1\n[zones.low]\ntriangles = [[0, 3]]\n"
STATEMENT = b'serial = "4711"\ncertificate = "DK-1"\ncalibrated_on = 2026-01-15\ndue_on = 2027-01-15\nmpe_mm = 0.03\n'


@pytest.fixture(scope="module")
def address(cast: Cast) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, cast.app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture
def open_as(address: str) -> Iterator[Callable[[Caller], Api]]:
    opened: list[Connection] = []

    def open_(caller: Caller) -> Api:
        opened.append(Connection(address, str(caller.token)))
        return Api(opened[-1])

    yield open_
    for connection in opened:
        connection.close()


@pytest.fixture
def api(cast: Cast, open_as: Callable[[Caller], Api]) -> Api:
    return open_as(cast.owner)


def test_a_list_is_walked_to_its_end_each_item_once(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [api.parts.create_part(name=f"walked-{number}")["id"] for number in range(7)]
    monkeypatch.setattr(calls, "_PAGE", 3)
    assert [one["id"] for one in api.parts.list_parts() if one["name"].startswith("walked")] == made
    assert len(list(api.parts.list_parts(at_most=5))) == 5
    assert list(api.parts.list_parts(at_most=0)) == []


def test_a_list_is_filtered_and_sorted(api: Api) -> None:
    gone = api.devices.revoke_device(api.devices.enrol_device(name="filtered-b")["id"])
    api.devices.enrol_device(name="filtered-a")
    assert [one["id"] for one in api.devices.list_devices(search="filtered", revoked=True)] == [gone["id"]]
    names = [one["name"] for one in api.devices.list_devices(search="filtered", sort="name")]
    assert names == ["filtered-a", "filtered-b"]


def test_what_is_held_is_not_sent_again(api: Api) -> None:
    api.parts.create_part(name="held")
    first = api.parts.get_part("held")
    assert api.parts.get_part("held", held=first) is first
    asset = api.assets.create_asset(name="held-asset")
    held = api.assets.get_asset(asset["id"])
    api.assets.change_asset(asset["id"], held, serial="2")
    assert api.assets.get_asset(asset["id"], held=held)["serial"] == "2"


def test_a_change_of_what_somebody_else_changed_is_refused(api: Api) -> None:
    seen = api.assets.get_asset(api.assets.create_asset(name="contested")["id"])
    api.assets.change_asset("contested", seen, location="hall 1")
    with pytest.raises(Conflict) as refused:
        api.assets.change_asset("contested", seen, location="hall 2")
    assert refused.value.code == "asset.changed"
    assert api.assets.change_asset("contested", None, location="hall 3")["location"] == "hall 3"
    with pytest.raises(TypeError, match="as the appliance gave it"):
        api.assets.change_asset("contested", dict(seen), location="hall 4")


def test_nothing_said_stays_and_null_takes_away(api: Api) -> None:
    part = api.parts.create_part(name="worn")
    asset = api.assets.create_asset(name="wearing", part="worn", serial="1")
    seen = api.assets.get_asset(asset["id"])
    changed = api.assets.change_asset("wearing", seen, serial="2")
    assert (changed["part_id"], changed["serial"]) == (part["id"], "2")
    assert api.assets.change_asset("wearing", changed, part=NULL)["part_id"] is None


def test_a_lost_answer_is_asked_for_again_and_nothing_is_made_twice(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, sent = Connection.request, []

    def losing(self: Connection, method: str, path: str, **how: Any) -> Any:
        answer = plain(self, method, path, **how)
        sent.append(how["headers"]["Idempotency-Key"])
        if len(sent) == 1:
            raise Unavailable(UNREACHABLE, "The answer was lost.")
        return answer

    with monkeypatch.context() as broken:
        broken.setattr(Connection, "request", losing)
        made = api.parts.create_part(name="made-once")
    assert sent[0] == sent[1]
    assert [one["id"] for one in api.parts.list_parts() if one["name"] == "made-once"] == [made["id"]]
    again = api.parts.create_part(name="by key", idempotency_key="client-1")
    assert api.parts.create_part(name="by key", idempotency_key="client-1") == again


def test_errors_are_those_that_the_server_raised(cast: Cast, open_as: Callable[[Caller], Api]) -> None:
    owner = open_as(cast.owner)
    with pytest.raises(NotFound) as unknown:
        owner.parts.get_part("nothing")
    assert unknown.value.code == "part.unknown"
    with pytest.raises(Denied) as denied:
        open_as(cast.auditor).parts.create_part(name="x")
    assert (denied.value.code, denied.value.hint) == ("role.denied", "Ask an owner.")
    with pytest.raises(Denied, match="API key"):
        open_as(Caller(cast.nobody.client, cast.nobody.document, "d2r_wrong")).parts.get_part("nothing")
    with pytest.raises(InvalidInput) as wrong:
        owner.assets.create_asset(name="", serial="x" * 999)
    assert (wrong.value.code, wrong.value.message.partition(":")[0]) == ("request.invalid", "name")
    assert wrong.value.hint.startswith("Also serial: ")


def test_files_go_and_come_whole(api: Api, tmp_path: Path) -> None:
    api.parts.create_part(name="filed")
    model, zones = box(tmp_path / "model.stl"), tmp_path / "model.zones.toml"
    zones.write_text(ZONES)
    revision = api.cad_revisions.add_cad_revision(model, zones, part="filed", unit="mm", label="A")
    api.cad_revisions.get_cad_file(revision["id"], tmp_path / "back.stl")
    api.cad_revisions.get_zone_file(revision["id"], tmp_path / "back.toml")
    assert (tmp_path / "back.stl").read_bytes() == model.read_bytes()
    assert (tmp_path / "back.toml").read_text() == ZONES
    named = api.instruments.add_instrument(STATEMENT, name="S5")
    assert api.instruments.get_statement(named["id"]) == STATEMENT
    statement = tmp_path / "s5.toml"
    statement.write_bytes(STATEMENT)
    assert api.instruments.add_instrument(statement, name="S5") == named
    with pytest.raises(InvalidInput, match="absent"):
        api.instruments.add_instrument(tmp_path / "absent.toml", name="S5")


def test_an_upload_is_looked_at_and_given_up(cast: Cast, api: Api) -> None:
    begun = api.uploads.create_upload(upload_length="5", upload_concat="partial")
    upload = begun["Location"].rpartition("/")[2]
    assert api.uploads.send_bytes(upload, b"abc", upload_offset="0")["Upload-Offset"] == "3"
    assert api.uploads.look_at_upload(upload)["Upload-Length"] == "5"
    assert api.uploads.get_upload(upload)["offset_bytes"] == 3
    api.uploads.delete_upload(upload)
    with pytest.raises(NotFound):
        api.uploads.look_at_upload(upload)
