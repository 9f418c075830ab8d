"""What a caller holds is not sent again, and nobody changes what somebody else changed since."""

from __future__ import annotations

import pytest

from appliance.audit.database_log import DatabaseLog
from tests.web.conftest import Cast


def test_what_the_caller_holds_is_not_sent_again(cast: Cast) -> None:
    part = cast.supervisor.made("parts", {"name": "tagged"})
    tag = cast.operator("GET", "parts/tagged").headers["ETag"]
    for known in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        unchanged = cast.operator("GET", f"parts/{part['id']}", headers={"If-None-Match": known})
        assert (unchanged.status_code, unchanged.data, unchanged.headers["ETag"]) == (304, b"", tag)
    assert cast.operator("GET", "parts/tagged", headers={"If-None-Match": '"other"'}).json == part


def test_a_tag_is_strong_and_of_one_thing(cast: Cast) -> None:
    tags = set()
    for name in ("one", "two"):
        cast.supervisor.made("parts", {"name": name})
        tags.add(cast.operator("GET", f"parts/{name}").headers["ETag"])
    assert len(tags) == 2
    assert all(tag.startswith('"') for tag in tags)
    assert "ETag" not in cast.operator("GET", "parts").headers


def test_nobody_changes_what_somebody_else_changed_since(cast: Cast) -> None:
    cast.supervisor.made("assets", {"name": "shared"})
    seen = {"If-Match": cast.supervisor("GET", "assets/shared").headers["ETag"]}
    first = cast.supervisor("PATCH", "assets/shared", {"serial": "1"}, headers=seen)
    late = cast.owner("PATCH", "assets/shared", {"serial": "2"}, headers=seen)
    assert (first.status_code, late.status_code, late.json["code"]) == (200, 412, "asset.changed")
    shown = cast.operator("GET", "assets/shared")
    assert (shown.json["serial"], shown.headers["ETag"]) == ("1", first.headers["ETag"])
    again = cast.owner("PATCH", "assets/shared", {"serial": "2"}, headers={"If-Match": first.headers["ETag"]})
    assert again.json["serial"] == "2"


def test_a_change_that_does_not_say_what_it_is_meant_for_is_refused_and_leaves_no_trace(cast: Cast) -> None:
    cast.supervisor.made("assets", {"name": "blind"})
    before = DatabaseLog.of(cast.scope).size
    refused = cast.supervisor("PATCH", "assets/blind", {"serial": "1"})
    assert (refused.status_code, refused.json["code"]) == (428, "request.if_match")
    assert cast.operator.get("assets/blind")["serial"] == ""
    assert DatabaseLog.of(cast.scope).size == before


def test_a_weak_tag_permits_no_change(cast: Cast) -> None:
    cast.supervisor.made("assets", {"name": "weak"})
    tag = cast.supervisor("GET", "assets/weak").headers["ETag"]
    assert cast.supervisor("PATCH", "assets/weak", {}, headers={"If-Match": f"W/{tag}"}).status_code == 412


@pytest.mark.parametrize("stated", ["", "unquoted", '"open', '"a" "b"', '*, "a"', ", ".join(['"a"'] * 17)])
def test_a_header_that_is_no_list_of_tags_is_refused(cast: Cast, stated: str) -> None:
    cast.supervisor.made("assets", {"name": f"odd-{len(stated)}"})
    path = f"assets/odd-{len(stated)}"
    assert cast.supervisor("PATCH", path, {}, headers={"If-Match": stated}).json["code"] == "request.tags"
    assert cast.supervisor("GET", path, headers={"If-None-Match": stated}).status_code == 400


def test_a_tag_may_hold_a_comma_as_others_write_them(cast: Cast) -> None:
    cast.supervisor.made("assets", {"name": "commas"})
    tag = cast.supervisor("GET", "assets/commas").headers["ETag"]
    assert (
        cast.supervisor("GET", "assets/commas", headers={"If-None-Match": f'"a,b" ,W/"c,"  , {tag}'}).status_code == 304
    )
    assert cast.supervisor("PATCH", "assets/commas", {}, headers={"If-Match": '"a,b"'}).status_code == 412


def test_the_document_says_who_needs_a_tag(cast: Cast) -> None:
    operations = cast.nobody.document.document["paths"]["/api/v1/workspaces/{slug}/assets/{asset}"]
    stated = {one["name"]: one["required"] for one in operations["patch"]["parameters"] if one["in"] == "header"}
    assert stated == {"If-Match": True}
    assert {"412", "428"} <= set(operations["patch"]["responses"])
    assert "304" in operations["get"]["responses"]
