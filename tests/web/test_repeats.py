"""Whoever lost an answer asks again under the same key, and nothing is made twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from appliance.audit.database_log import DatabaseLog
from appliance.core.clock import utc_now
from appliance.db.listing import Listing
from appliance.errors import Unavailable
from appliance.identity import repeats
from appliance.identity.api_keys import list_api_keys
from appliance.identity.models import AnsweredControlRequest, AnsweredRequest
from tests.web.conftest import Caller, Cast
from web.api.v1 import AREAS


def ask(caller: Caller, key: str, path: str, body: Any = None) -> TestResponse:
    return caller("POST", path, body, headers={"Idempotency-Key": key})


def named(cast: Cast, kind: str, name: str) -> int:
    return [one["name"] for one in cast.owner.get(f"{kind}?limit=200")["items"]].count(name)


def test_a_repeated_request_gets_the_same_answer_and_makes_nothing(cast: Cast) -> None:
    first = ask(cast.supervisor, "k-1", "parts", {"name": "once"})
    size = DatabaseLog.of(cast.scope).size
    again = ask(cast.supervisor, "k-1", "parts", {"name": "once"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert (again.data, again.headers["Location"]) == (first.data, first.headers["Location"])
    assert (again.headers["Idempotency-Replayed"], "Idempotency-Replayed" in first.headers) == ("true", False)
    assert (named(cast, "parts", "once"), DatabaseLog.of(cast.scope).size) == (1, size)


def test_another_request_under_the_same_key_is_refused(cast: Cast) -> None:
    ask(cast.supervisor, "k-2", "parts", {"name": "first"})
    for path, body in (("parts", {"name": "second"}), ("assets", {"name": "first"})):
        refused = ask(cast.supervisor, "k-2", path, body)
        assert (refused.status_code, refused.json["code"]) == (422, "repeat.other")
    assert named(cast, "parts", "second") == named(cast, "assets", "first") == 0


def test_two_spellings_of_one_object_are_one_request(cast: Cast) -> None:
    how = {"headers": {"Idempotency-Key": "k-3", "Content-Type": "application/json"}}
    first = cast.supervisor("POST", "assets", data='{"name": "spelt", "serial": "1"}', **how)
    again = cast.supervisor("POST", "assets", data='{ "serial":"1","name":"spelt" }', **how)
    assert (first.status_code, again.data) == (201, first.data)


def test_a_key_belongs_to_its_caller(cast: Cast) -> None:
    ask(cast.supervisor, "k-4", "parts", {"name": "mine"})
    other = ask(cast.owner, "k-4", "parts", {"name": "mine"})
    assert (other.status_code, other.json["code"]) == (409, "part.taken")
    abroad = ask(cast.stranger, "k-4", "/api/v1/workspaces/other/parts", {"name": "mine"})
    assert (abroad.status_code, "Idempotency-Replayed" in abroad.headers) == (201, False)


def test_a_request_that_failed_may_be_tried_again_under_its_key(cast: Cast) -> None:
    assert ask(cast.supervisor, "k-5", "assets", {"name": "later", "part": "to-come"}).status_code == 404
    cast.supervisor.made("parts", {"name": "to-come"})
    assert ask(cast.supervisor, "k-5", "assets", {"name": "later", "part": "to-come"}).status_code == 201


def test_work_without_its_record_is_undone(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: Any) -> None:
        raise Unavailable("database.busy", "The record cannot be written.")

    size = DatabaseLog.of(cast.scope).size
    with monkeypatch.context() as broken:
        broken.setattr(AnsweredRequest, "create", full)
        assert ask(cast.supervisor, "k-6", "parts", {"name": "undone"}).status_code == 503
    assert (named(cast, "parts", "undone"), DatabaseLog.of(cast.scope).size) == (0, size)
    assert ask(cast.supervisor, "k-6", "parts", {"name": "undone"}).status_code == 201


def test_requests_at_once_under_one_key_make_one_thing(cast: Cast) -> None:
    def send(_: int) -> TestResponse:
        client = cast.app.test_client()
        headers = {"Authorization": f"Bearer {cast.owner.token}", "Idempotency-Key": "k-7"}
        path = "/api/v1/workspaces/main/operators"
        return client.post(path, json={"badge": "B-once", "name": "Ann"}, headers=headers)

    before = len(cast.owner.get("operators?limit=200")["items"])
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(send, range(8)))
    assert {(one.status_code, one.data) for one in answers} == {(200, answers[0].data)}
    assert sum("Idempotency-Replayed" in one.headers for one in answers) == 7
    assert len(cast.owner.get("operators?limit=200")["items"]) == before + 1


def test_a_secret_is_not_kept_and_not_shown_again(cast: Cast) -> None:
    wish = {"role": "operator", "label": "made once"}
    made = ask(cast.owner, "k-8", "keys", wish)
    again = ask(cast.owner, "k-8", "keys", wish)
    assert (made.status_code, again.status_code, again.json["code"]) == (201, 409, "repeat.secret")
    assert made.json["id"] in again.json["detail"]
    with cast.site.control_session():
        kept = [row.__data__ for row in AnsweredControlRequest.select()]
        assert len(kept) == 1
    assert made.json["token"].rpartition("_")[2] not in repr(kept)
    labels = [key.label for key in list_api_keys(cast.site, cast.scope.workspace_id, Listing(limit=200))]
    assert labels.count("made once") == 1


def test_neither_key_nor_request_is_kept_in_the_clear(cast: Cast) -> None:
    ask(cast.supervisor, "k-secret-9", "operators", {"badge": "B-4711", "name": "Bob Example"})
    with cast.scope:
        kept = repr([row.__data__ for row in AnsweredRequest.select()])
    assert "per_" in kept
    assert not any(word in kept for word in ("k-secret-9", "B-4711", "Bob"))


def test_after_a_day_an_answer_is_forgotten(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(cast.supervisor, "k-10", "parts", {"name": "aged"})
    ask(cast.owner, "k-10", "keys", {"role": "device", "label": "aged"})
    tomorrow = utc_now() + repeats.KEPT + timedelta(seconds=1)
    with monkeypatch.context() as later:
        later.setattr(repeats, "utc_now", lambda: tomorrow)
        assert ask(cast.supervisor, "k-10", "parts", {"name": "aged"}).json["code"] == "part.taken"
        ask(cast.supervisor, "k-11", "parts", {"name": "kept"})
        repeats.forget_answered(cast.scope)
        assert repeats.forget_answered_control(cast.site) >= 1
    with cast.scope:
        assert AnsweredRequest.select().count() == 1
    with cast.site.control_session():
        assert AnsweredControlRequest.select().count() == 0


@pytest.mark.parametrize("key", ["", "two words", "\u00e4", "x" * 201])
def test_a_key_that_is_none_is_refused(cast: Cast, key: str) -> None:
    refused = ask(cast.supervisor, key, "parts", {"name": "never"})
    assert (refused.status_code, refused.json["code"]) == (400, "request.idempotency_key")


def test_every_post_that_makes_something_from_a_small_body_takes_a_key(cast: Cast) -> None:
    makers = {route.name for area in AREAS for route in area if route.method == "POST" and route.status == 201}
    by_other_means = {
        "uploads.create_upload", "instruments.add_instrument", "characteristics.add_characteristic_set",
        "cad-revisions.add_cad_revision", "workspaces.create_workspace", "audit.add_anchor",
        "events.create_live_ticket", "directory.give_group_role", "accounts.make_invitation", "accounts.reset_person",
        "enrolment.enrol_by_code", "enrolment.make_device_token", "enrolment.replace_device_key",  # proofs count once
        "results-files.import_results",  # the same file is the same results
    }  # fmt: skip
    taking = {route.name for area in AREAS for route in area if route.once}
    assert makers - taking == by_other_means
    paths = cast.nobody.document.document["paths"]
    for route in (route for area in AREAS for route in area if route.once):
        parameters = paths[f"/api/v1{route.path}"]["post"]["parameters"]
        assert "Idempotency-Key" in [one["name"] for one in parameters]
