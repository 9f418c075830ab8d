"""Assets: the things that are scanned."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import Field

from appliance.inspections.repository import latest_of_assets
from appliance.plant.assets import change_asset as change
from appliance.plant.assets import create_asset as create
from appliance.plant.assets import find_asset
from appliance.plant.assets import list_assets as listed
from appliance.plant.models import Asset
from web.api.contract import EDITORS, READERS, Area, Call
from web.api.forms import SORT, Body, JsonObject, Key, Line, Name, NamedPageQuery, Out, Page
from web.api.paging import page

_ASSETS: Final = "/workspaces/{slug}/assets"

assets = Area("assets", "Assets: the things that are scanned.")


class AssetPageQuery(NamedPageQuery):
    """Which assets; filters are joined by 'and'."""

    sort: Literal["id", "-id", "name", "-name", "serial", "-serial", "updated_at", "-updated_at"] = Field(
        "id", description=SORT
    )
    part: Key | None = Field(None, description="Id or name of the part.")
    serial: Line | None = None
    location: Line | None = None


class AssetIn(Body):
    """A new asset."""

    name: Name
    part: Key | None = Field(None, description="Id or name of its part.")
    serial: Line = ""
    location: Line = ""
    metadata: dict[str, Any] = Field(default_factory=dict, description="Of the plant's own.")


class AssetChange(Body):
    """What shall be different; what is not named stays."""

    part: Key | None = None
    serial: Line = ""
    location: Line = ""
    metadata: dict[str, Any] = Field(default_factory=dict)


class AssetOut(Out):
    """An asset."""

    id: str
    name: str
    part_id: str | None
    serial: str
    location: str
    metadata: JsonObject
    created_at: str
    created_by: str
    updated_at: str


class Standing(Out):
    """How an asset's newest inspection stands."""

    id: str
    state: str
    verdict: str | None
    progress: float
    created_at: str
    finished_at: str | None


class AssetStanding(AssetOut):
    """An asset and its newest inspection."""

    latest: Standing | None


@assets.route("GET", _ASSETS, roles=READERS, query=AssetPageQuery, answer=Page[AssetOut], summary="Assets")
def list_assets(call: Call) -> object:
    asked = call.query
    filters = {"part": asked.part, "serial": asked.serial, "location": asked.location, "search": asked.search}
    return page(call, lambda listing: listed(call.scope, listing, **filters))


@assets.route(
    "POST",
    _ASSETS,
    roles=EDITORS,
    body=AssetIn,
    answer=AssetOut,
    status=201,
    errors=(409,),
    once="workspace",
    summary="Make an asset",
)
def create_asset(call: Call) -> Asset:
    asset = create(call.scope, **call.body.model_dump())
    call.made(f"assets/{asset.id}")
    return asset


@assets.route(
    "GET", f"{_ASSETS}/{{asset}}", roles=READERS, answer=AssetStanding, version="updated_at",
    summary="One asset and its newest inspection",
)  # fmt: skip
def get_asset(call: Call, asset: str) -> AssetStanding:
    return _standing(call, find_asset(call.scope, asset))


@assets.route(
    "PATCH", f"{_ASSETS}/{{asset}}", roles=EDITORS, body=AssetChange, answer=AssetStanding, version="updated_at",
    if_match=True, summary="Change an asset",
)  # fmt: skip
def change_asset(call: Call, asset: str) -> AssetStanding:
    return _standing(call, change(call.scope, asset, seen=call.seen, **call.body.model_dump(exclude_unset=True)))


def _standing(call: Call, row: Asset) -> AssetStanding:
    latest = latest_of_assets(call.scope, [row.id]).get(row.id)
    known = AssetOut.model_validate(row).model_dump()
    return AssetStanding(**known, latest=Standing.model_validate(latest) if latest else None)
