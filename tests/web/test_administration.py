"""Workspaces, keys, events and tickets."""

from __future__ import annotations

from pathlib import Path

from werkzeug.test import TestResponse

from appliance.crypto.archive_key import ArchiveKey
from appliance.ingest.locks import locked
from appliance.workspaces.archive.reading import check_archive
from tests.web.conftest import BASE, Caller, Cast


def test_one_learns_who_one_is(cast: Cast) -> None:
    assert cast.device.get("/api/v1/whoami") == {
        "id": cast.device.key_id, "kind": "device", "label": "the device", "role": "device", "workspace": "main",
        "scopes": None,
    }  # fmt: skip
    assert cast.appliance.get("/api/v1/whoami")["workspace"] is None


def test_everybody_sees_their_own_workspaces_only(cast: Cast) -> None:
    assert [one["slug"] for one in cast.owner.get("/api/v1/workspaces")["items"]] == ["main"]
    assert [one["slug"] for one in cast.stranger.get("/api/v1/workspaces")["items"]] == ["other"]
    assert {one["slug"] for one in cast.appliance.get("/api/v1/workspaces")["items"]} >= {"main", "other"}
    assert cast.stranger("GET", "/api/v1/workspaces/main").status_code == 404


def test_only_the_owner_of_the_appliance_makes_workspaces(cast: Cast) -> None:
    body = {"slug": "line-2", "name": "Line 2"}
    assert cast.owner("POST", "/api/v1/workspaces", body).status_code == 403
    made = cast.appliance.made("/api/v1/workspaces", body)
    assert cast.appliance.get("/api/v1/workspaces/line-2") == made
    assert cast.appliance("POST", "/api/v1/workspaces", body).status_code == 409
    assert cast.appliance("POST", "/api/v1/workspaces", {"slug": "Line 3", "name": "x"}).status_code == 422


def test_a_key_is_shown_once_works_and_is_revoked(cast: Cast) -> None:
    made = cast.owner.made("keys", {"role": "operator", "label": "cell 7"})
    token = made.pop("token")
    assert cast.owner.get(f"keys/{made['id']}") == cast.owner.get(f"keys/{made['prefix']}")
    assert token not in cast.owner("GET", "keys").text
    holder = Caller(cast.owner.client, cast.owner.document, token)
    assert holder.get("/api/v1/whoami")["role"] == "operator"
    assert cast.owner("POST", f"keys/{made['id']}/revoke").json["revoked_by"] == cast.owner.key_id
    assert holder("GET", "/api/v1/whoami").status_code == 401
    assert cast.owner("POST", f"keys/{made['id']}/revoke").status_code == 409


def test_keys_of_another_workspace_are_not_there(cast: Cast) -> None:
    for caller in (cast.owner, cast.appliance):
        assert caller("GET", f"keys/{cast.stranger.key_id}").status_code == 404
        assert caller("POST", f"keys/{cast.stranger.key_id}/revoke").status_code == 404
        assert caller("POST", f"keys/{cast.appliance.key_id}/revoke").status_code == 404
    assert cast.owner("POST", "keys", {"role": "system", "label": "x"}).status_code == 422


def test_events_are_numbered_and_asked_for_by_number(cast: Cast) -> None:
    before = cast.operator.get("events?since=0&limit=1")["last"]
    for name in ("event-1", "event-2", "event-3"):
        cast.owner.made("parts", {"name": name})
    page = cast.operator.get(f"events?since={before}&limit=2")
    assert [item["seq"] for item in page["items"]] == [before + 1, before + 2]
    assert page["last"] == before + 3
    rest = cast.operator.get(f"events?since={page['items'][-1]['seq']}")
    assert [item["body"]["name"] for item in rest["items"]] == ["event-3"]
    assert cast.operator("GET", "events?since=-1").status_code == 422


def test_a_ticket_says_where_live_events_are(cast: Cast) -> None:
    made = cast.operator.made("live-tickets")
    assert made["url"] == f"ws://localhost:8471{BASE}/live"
    assert made["ticket"] not in cast.operator("GET", "events").text


def lifecycle(cast: Cast, slug: str, act: str, body: dict[str, str] | None = None) -> int:
    return cast.appliance("POST", f"/api/v1/workspaces/{slug}/{act}", body or {"reason": "an audit"}).status_code


def test_a_workspace_is_suspended_resumed_and_destroyed_by_the_owner_of_the_appliance(cast: Cast) -> None:
    cast.appliance.made("/api/v1/workspaces", {"slug": "line-9", "name": "Line 9"})
    key = cast.appliance.made("/api/v1/workspaces/line-9/keys", {"role": "owner", "label": "their owner"})
    owner = Caller(cast.owner.client, cast.owner.document, key["token"])
    assert owner("POST", "/api/v1/workspaces/line-9/suspend", {"reason": "mine"}).status_code == 403
    assert lifecycle(cast, "line-9", "suspend") == 200
    refused = owner("GET", "/api/v1/workspaces/line-9/assets")
    assert (refused.status_code, refused.json["code"]) == (403, "workspace.suspended")
    assert cast.stranger("GET", "/api/v1/workspaces/line-9/assets").status_code == 404
    listed = {one["slug"]: one["condition"] for one in cast.appliance.get("/api/v1/workspaces")["items"]}
    assert listed["line-9"] == "suspended"
    assert owner.get("/api/v1/workspaces")["items"] == []
    assert lifecycle(cast, "line-9", "resume") == 200
    assert owner("GET", "/api/v1/workspaces/line-9/assets").status_code == 200
    assert lifecycle(cast, "line-9", "destroy", {"reason": "r", "confirm": "line-9"}) == 409
    assert lifecycle(cast, "line-9", "suspend") == 200
    assert lifecycle(cast, "line-9", "destroy", {"reason": "r", "confirm": "line-8"}) == 422
    assert lifecycle(cast, "line-9", "destroy", {"reason": "r", "confirm": "line-9"}) == 200
    assert owner("GET", "/api/v1/whoami").status_code == 401
    assert cast.appliance("GET", "/api/v1/workspaces/line-9").status_code == 404
    assert cast.appliance("POST", "/api/v1/workspaces", {"slug": "line-9", "name": "x"}).status_code == 409


def test_what_is_asked_of_a_workspace_wrongly_is_refused(cast: Cast) -> None:
    for act in ("suspend", "resume", "destroy"):
        body = {"reason": "r"} | ({"confirm": "nowhere"} if act == "destroy" else {})
        assert lifecycle(cast, "nowhere", act, body) == 404
        assert lifecycle(cast, "main", act, {"reason": "  "} | ({"confirm": "main"} if act == "destroy" else {})) == 422
        assert lifecycle(cast, "main", act, {"why": "r"}) == 422
        assert cast.owner("POST", f"/api/v1/workspaces/main/{act}", body).status_code == 403
    assert cast.owner("GET", "/api/v1/workspaces/main").status_code == 200


def export(cast: Cast, slug: str, **body: str) -> TestResponse:
    asked = {"reason": "a move", "lock": ArchiveKey(bytes(range(32))).lock.text} | body
    return cast.appliance("POST", f"/api/v1/workspaces/{slug}/export", asked)


def test_the_owner_of_the_appliance_takes_a_workspace_out_as_one_sealed_file(cast: Cast, tmp_path: Path) -> None:
    cast.owner.made("parts", {"name": "a part to take along"})
    answer = export(cast, "main")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert "main.d2rw" in answer.headers["Content-Disposition"]
    (tmp_path / "main.d2rw").write_bytes(answer.data)
    key, trusted = ArchiveKey(bytes(range(32))), cast.site.keys.own_keys()
    head, statement = check_archive(tmp_path / "main.d2rw", key, trusted, tmp_path)
    assert head.workspace["slug"] == "main"
    assert statement.contents.tables["part"].count >= 1
    assert b"a part to take along" not in answer.data


def test_an_export_that_cannot_be_made_is_a_problem_and_no_file(cast: Cast) -> None:
    assert export(cast, "nowhere").status_code == 404
    for wrong in ({"lock": "x"}, {"lock": ArchiveKey(bytes(range(32))).text}, {"reason": " "}, {"to": "me"}):
        assert export(cast, "main", **wrong).status_code == 422
    assert cast.appliance("POST", "/api/v1/workspaces/main/export", {"reason": "r"}).status_code == 422
    for caller in (cast.owner, cast.auditor, cast.stranger):
        body = {"reason": "r", "lock": ArchiveKey(bytes(range(32))).lock.text}
        assert caller("POST", "/api/v1/workspaces/main/export", body).status_code == 403


def test_one_export_of_a_workspace_is_made_at_a_time(cast: Cast) -> None:
    folder = cast.site.settings.uploads_folder / cast.scope.workspace_id
    with locked(folder, "export"):
        refused = export(cast, "main")
        assert (refused.status_code, refused.json["code"]) == (409, "workspace.busy")
        assert export(cast, "other").status_code == 200
    assert export(cast, "main").status_code == 200
