"""Parts, assets, devices, operators, instruments: made, found, changed, refused."""

from __future__ import annotations

import json

from appliance.audit.database_log import DatabaseLog
from appliance.crypto.vkey import Signer
from tests.web.conftest import Cast

STATEMENT = b"""
serial = "S5-0042"
certificate = "SIM-2026-017"
calibrated_on = 2026-01-15
due_on = 2036-01-15
mpe_mm = 0.03
"""


def test_a_part_is_made_and_found_by_name_and_id(cast: Cast) -> None:
    response = cast.supervisor("POST", "parts", {"name": "plate"})
    part = response.json
    assert response.headers["Location"] == f"/api/v1/workspaces/main/parts/{part['id']}"
    assert cast.operator.get("parts/plate") == cast.auditor.get(f"parts/{part['id']}") == part
    assert part["current_cad_revision_id"] is None
    assert cast.supervisor("POST", "parts", {"name": "plate"}).json["code"] == "part.taken"
    assert cast.operator("GET", "parts/nothing").status_code == 404


def test_an_asset_is_made_changed_and_listed(cast: Cast) -> None:
    cast.supervisor.made("parts", {"name": "gear"})
    asset = cast.supervisor.made("assets", {"name": "gear-1", "part": "gear", "metadata": {"line": 7}})
    assert asset["metadata"] == {"line": 7}
    anyone = {"If-Match": "*"}
    changed = cast.supervisor("PATCH", "assets/gear-1", {"serial": "SN-9"}, headers=anyone).json
    assert (changed["serial"], changed["metadata"], changed["part_id"]) == ("SN-9", {"line": 7}, asset["part_id"])
    freed = cast.supervisor("PATCH", "assets/gear-1", {"part": None}, headers=anyone).json
    assert freed["part_id"] is None
    shown = cast.operator.get("assets/gear-1")
    assert shown["latest"] is None
    assert "gear-1" in [item["name"] for item in cast.auditor.get("assets")["items"]]
    assert cast.supervisor("POST", "assets", {"name": "gear-2", "part": "nothing"}).status_code == 404
    assert cast.supervisor("PATCH", "assets/nothing", {"serial": "1"}, headers=anyone).status_code == 404


def test_who_acted_stands_in_the_log(cast: Cast) -> None:
    cast.supervisor.made("parts", {"name": "logged"})
    log = DatabaseLog.of(cast.scope)
    entry = json.loads(log.entry(log.size - 1))
    assert entry["kind"] == "part.created"
    assert entry["facts"]["by"] == {"id": cast.supervisor.key_id, "kind": "key", "role": "supervisor"}


def test_a_device_is_enrolled_and_revoked_for_good(cast: Cast) -> None:
    vkey = str(Signer.generate("cell-7.example/scanner").verifier)
    device = cast.owner.made("devices", {"name": "scanner-7", "vkey": vkey})
    assert cast.operator.get("devices/scanner-7")["vkey"] == vkey
    revoked = cast.owner("POST", f"devices/{device['id']}/revoke").json
    assert revoked["revoked_by"] == cast.owner.key_id
    assert cast.owner("POST", "devices/scanner-7/revoke").status_code == 409
    assert cast.owner("POST", "devices", {"name": "scanner-8", "vkey": "nonsense"}).status_code == 422
    assert cast.owner("POST", "devices/nothing/revoke").status_code == 404


def test_a_badge_leads_to_a_person_whose_name_the_owner_alone_sees(cast: Cast) -> None:
    person = cast.supervisor("POST", "operators", {"badge": "B-17", "name": "Ann Example"}).json["person_id"]
    again = cast.supervisor("POST", "operators", {"badge": "B-17"}).json["person_id"]
    assert again == person
    listed = cast.owner("GET", "operators")
    assert person in [one["id"] for one in listed.json["items"]]
    assert "Ann" not in listed.text
    assert cast.owner.get(f"operators/{person}")["profile"] == {"badge": "B-17", "name": "Ann Example"}
    assert cast.supervisor("GET", f"operators/{person}").status_code == 403
    assert cast.owner("GET", "operators/per_nothing").status_code == 404


def test_an_instrument_is_added_revision_by_revision(cast: Cast) -> None:
    how = {"headers": {"Content-Type": "application/toml"}}
    first = cast.supervisor.made("instruments?name=S5", data=STATEMENT, **how)
    same = cast.supervisor.made("instruments?name=S5", data=STATEMENT, **how)
    second = cast.supervisor.made("instruments?name=S5", data=STATEMENT.replace(b"017", b"018"), **how)
    assert (first["id"], first["revision"], second["revision"]) == (same["id"], 1, 2)
    assert cast.operator.get("instruments/S5")["certificate"] == "SIM-2026-018"
    assert cast.operator("GET", f"instruments/{first['id']}/statement").data == STATEMENT
    assert cast.supervisor("POST", "instruments?name=S6", data=b"serial = 5", **how).status_code == 422
    assert cast.supervisor("POST", "instruments?name=S6", data=b"", **how).status_code == 422
    assert cast.supervisor("POST", "instruments", data=STATEMENT, **how).status_code == 422
    assert cast.supervisor("POST", "instruments?name=S6", {"serial": "5"}).status_code == 415
    assert cast.operator("GET", "instruments/nothing").status_code == 404


def test_a_stolen_device_is_revoked_and_its_scans_can_be_listed(cast: Cast) -> None:
    cast.owner.made("devices", {"name": "scanner-9"})
    stolen = {"since": "2026-01-01T00:00:00Z", "reason": "Found in another hall"}
    answer = cast.owner("POST", "devices/scanner-9/theft", stolen).json
    assert (answer["marked"], answer["device"]["name"]) == (0, "scanner-9")
    assert answer["device"]["revoked_at"]
    assert cast.auditor.get("devices/scanner-9/suspects?since=2026-01-01T00:00:00Z")["items"] == []
    assert cast.auditor.get("devices/scanner-9/keys")["items"] == []
    assert cast.owner("POST", "devices/scanner-9/theft", {"since": "yesterday", "reason": "x"}).status_code == 422
    assert cast.owner("POST", "devices/nothing/theft", stolen).status_code == 404
