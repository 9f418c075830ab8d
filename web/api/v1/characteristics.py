"""Characteristic sets: what is measured on a part, version by version."""

from __future__ import annotations

from typing import Final, Literal

from flask import Response
from pydantic import Field

from appliance.measurements.models import CharacteristicSetRow
from appliance.measurements.sets import add_set, get_set, list_sets, select_set
from appliance.objects.sealed import ObjectStore
from web.api.contract import EDITORS, READERS, Area, Call
from web.api.downloads import small_answer
from web.api.forms import SORT, JsonList, Key, Model, Out, Page, PageQuery
from web.api.intake import BYTES, small_body
from web.api.paging import page

_SETS: Final = "/workspaces/{slug}/characteristics"
_SET: Final = _SETS + "/{set_id}"
_TAKES: Final = ("text/csv", "application/toml", "text/plain", BYTES)

characteristics = Area("characteristics", "Characteristics: what is measured on a part, with its limits.")


class SetQuery(Model):
    """Whose characteristics they are."""

    part: Key


class SetPageQuery(PageQuery):
    """Of which part."""

    sort: Literal["id", "-id"] = Field("id", description=SORT)
    part: Key | None = None


class SetOut(Out):
    """One version; ``notes`` say what the plan left open and how it was filled."""

    id: str
    part_id: str
    version: int
    sha256: str
    characteristics: int
    notes: JsonList
    created_at: str
    created_by: str


@characteristics.route(
    "GET", _SETS, roles=READERS, query=SetPageQuery, answer=Page[SetOut], summary="Versions of characteristics"
)
def list_characteristic_sets(call: Call) -> object:
    asked = call.query.part
    return page(call, lambda listing: list_sets(call.scope, asked, listing))


@characteristics.route(
    "POST", _SETS, roles=EDITORS, query=SetQuery, takes=_TAKES, answer=SetOut, status=201,
    summary="Add an inspection plan (CSV or TOML)",
)  # fmt: skip
def add_characteristic_set(call: Call) -> CharacteristicSetRow:
    """The part's assets are judged by it from now on; bytes that are there already make their version current again."""
    row = add_set(call.scope, call.query.part, small_body())
    call.made(f"characteristics/{row.id}")
    return row


@characteristics.route("GET", _SET, roles=READERS, answer=SetOut, summary="One version")
def get_characteristic_set(call: Call, set_id: str) -> CharacteristicSetRow:
    return get_set(call.scope, set_id)


@characteristics.route("POST", f"{_SET}/select", roles=EDITORS, answer=SetOut, summary="Judge by it from now on")
def select_characteristic_set(call: Call, set_id: str) -> CharacteristicSetRow:
    return select_set(call.scope, set_id)


@characteristics.route("GET", f"{_SET}/file", roles=READERS, media_type="text/plain", summary="The plan as it came")
def get_characteristic_file(call: Call, set_id: str) -> Response:
    plan = ObjectStore.of(call.scope).read(get_set(call.scope, set_id).object)
    return small_answer(plan, "text/plain; charset=utf-8")
