"""Parts: kinds of things, and what their assets are compared with."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field

from appliance.plant.models import Part
from appliance.plant.parts import create_part as create
from appliance.plant.parts import find_part
from appliance.plant.parts import list_parts as listed
from web.api.contract import EDITORS, READERS, Area, Call
from web.api.forms import SORT, Body, Name, NamedPageQuery, Out, Page
from web.api.paging import page

_PARTS: Final = "/workspaces/{slug}/parts"

parts = Area("parts", "Parts: what assets are compared with.")


class PartPageQuery(NamedPageQuery):
    """Which parts."""

    sort: Literal["id", "-id", "name", "-name", "updated_at", "-updated_at"] = Field("id", description=SORT)


class PartIn(Body):
    """A new part."""

    name: Name


class PartOut(Out):
    """A part, with the CAD revision and the characteristics that count now."""

    id: str
    name: str
    current_cad_revision_id: str | None
    current_characteristic_set_id: str | None
    created_at: str
    created_by: str
    updated_at: str


@parts.route("GET", _PARTS, roles=READERS, query=PartPageQuery, answer=Page[PartOut], summary="Parts")
def list_parts(call: Call) -> object:
    return page(call, lambda listing: listed(call.scope, listing, search=call.query.search))


@parts.route(
    "POST",
    _PARTS,
    roles=EDITORS,
    body=PartIn,
    answer=PartOut,
    status=201,
    errors=(409,),
    once="workspace",
    summary="Make a part",
)
def create_part(call: Call) -> Part:
    part = create(call.scope, call.body.name)
    call.made(f"parts/{part.id}")
    return part


@parts.route("GET", f"{_PARTS}/{{part}}", roles=READERS, answer=PartOut, summary="One part")
def get_part(call: Call, part: str) -> Part:
    return find_part(call.scope, part)
