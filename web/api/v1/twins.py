"""Twins of assets: versions and moments, comparison, trends of cells, files for viewers, roll-back.

The engine is imported by what computes: a process that is asked for lists alone never loads it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, Literal

from flask import Response
from pydantic import Field

from appliance.errors import Conflict
from appliance.plant.assets import find_asset
from appliance.twin import service
from appliance.twin.models import TwinVersion
from appliance.twin.repository import list_heads, list_versions
from appliance.twin.service import find_version, skin_of_version, twin_of
from web.api.contract import EDITORS, READERS, Area, Call
from web.api.downloads import file_answer
from web.api.forms import SORT, Body, Key, Model, Moment, Out, Page, PageQuery, Reason
from web.api.paging import page

if TYPE_CHECKING:
    from appliance.twin.comparing import Comparison
    from appliance.twin.degradation import DegradationMap
    from appliance.twin.pictures import Picture

_TWIN: Final = "/workspaces/{slug}/assets/{asset}/twin"
_VERSION: Final = "/workspaces/{slug}/twin-versions/{version_id}"
_BLOCK_BYTES: Final = 1 << 20
_MEDIA_TYPES: Final = {"ply": "application/octet-stream", "glb": "model/gltf-binary"}

twins = Area("twins", "Twins: what is known of the surface of each asset, version by version.")


class AsOfQuery(Model):
    """The twin as of a moment; both moments together say what was known then of how the part was at another time."""

    measured_until: Moment | None = Field(None, description="Leave out what was measured after this moment.")
    recorded_until: Moment | None = Field(None, description="Leave out what was recorded after this moment.")


class VersionPageQuery(PageQuery):
    """Which versions; filters are joined by 'and'."""

    sort: Literal["number", "-number", "measured_at", "-measured_at"] = Field("-number", description=SORT)
    counting: bool | None = Field(None, description="Versions that count, or those that were superseded.")
    measured_since: Moment | None = Field(None, description="Measured at this moment or later.")
    measured_until: Moment | None = Field(None, description="Measured before this moment.")


class AgainstQuery(Model):
    """What a version is compared with."""

    against: Key | None = Field(None, description="Id of another version of the part; else the head when it was made.")


class MapQuery(Model):
    """Which versions a map follows: those that count, on the cells of the last one."""

    since: Moment | None = Field(None, description="Measured at this moment or later: after a repair, say.")
    until: Moment | None = Field(None, description="Measured before this moment.")
    across_revisions: bool = Field(False, description="Follow the part through changes of its CAD, by projection.")


class RollBackIn(Body):
    """Back to which version, and why."""

    version: Key
    reason: Reason


class VersionOut(Out):
    """A version of a twin.

    ``parent_id`` was the head when it was made; ``amends_id`` and ``restores_id`` are the version that this one
    corrects, or repeats.  ``superseded_by`` is the version since which it counts no longer.
    """

    id: str
    asset_id: str
    number: int
    parent_id: str | None
    part_id: str
    cad_revision_id: str
    inspection_id: str
    verdict: str
    amends_id: str | None
    restores_id: str | None
    reason: str
    measured_at: str
    recorded_at: str
    recorded_by: str
    cells: int
    coverage: float
    field_sha256: str
    content_sha256: str
    superseded_by: str | None
    superseded_at: str | None


class ZoneChangeOut(Out):
    """What changed in a zone; lengths in mm, areas in mm2.

    Of ``cells``, ``compared`` are seen by both versions, ``unknown`` of them without a known uncertainty; the others
    are seen by one alone or by none.  ``lowest_mm`` and ``highest_mm`` are of cells that changed.
    """

    zone: str
    cells: int
    area_mm2: float
    compared: int
    unknown: int
    changed: int
    changed_area_mm2: float
    only_before: int
    only_after: int
    unseen: int
    coverage_before: float
    coverage_after: float
    mean_mm: float | None
    lowest_mm: float | None
    highest_mm: float | None


class ComparisonOut(Out):
    """Two versions compared.  A cell changed beyond ``k`` times the uncertainty of both, and is called at the rate of
    false discoveries; ``no_counterpart`` cells are not there on the CAD revision of the version before.
    """

    before: VersionOut
    after: VersionOut
    k: float
    false_discovery_rate: float
    no_counterpart: int
    zones: list[ZoneChangeOut]


class ZoneTrendOut(Out):
    """How a zone moves: cells that gain or lose material significantly, the fastest in mm a month."""

    zone: str
    cells: int
    followed: int
    rising: int
    falling: int
    changing_area_mm2: float
    fastest_rise: float | None
    fastest_fall: float | None


class MapOut(Out):
    """The degradation map of an asset, zone by zone."""

    versions: int
    first: VersionOut
    last: VersionOut
    false_discovery_rate: float
    zones: list[ZoneTrendOut]


@twins.route(
    "GET", "/workspaces/{slug}/twins", roles=READERS, query=PageQuery, answer=Page[VersionOut],
    summary="The newest state of every asset that has a twin",
)  # fmt: skip
def list_twins(call: Call) -> object:
    return page(call, lambda listing: list_heads(call.scope, listing))


@twins.route(
    "GET", _TWIN, roles=READERS, query=AsOfQuery, answer=VersionOut, errors=(409,),
    summary="A twin now, or as of a moment",
)  # fmt: skip
def get_twin(call: Call, asset: str) -> TwinVersion:
    """The version that counts and was measured last: a scan that came late changes history, not the present."""
    asked = call.query
    return twin_of(call.scope, asset, measured_until=asked.measured_until, recorded_until=asked.recorded_until)


@twins.route(
    "GET", f"{_TWIN}/versions", roles=READERS, query=VersionPageQuery, answer=Page[VersionOut],
    summary="The history of a twin",
)  # fmt: skip
def list_twin_versions(call: Call, asset: str) -> object:
    row, asked = find_asset(call.scope, asset), call.query
    within = {"measured_since": asked.measured_since, "measured_until": asked.measured_until}
    return page(
        call,
        lambda listing: list_versions(call.scope, listing, counting=asked.counting, asset_id=row.id, **within),
    )


@twins.route(
    "POST", f"{_TWIN}/rollback", roles=EDITORS, body=RollBackIn, answer=VersionOut, status=201, errors=(409,),
    once="workspace", summary="Roll a twin back",
)  # fmt: skip
def roll_back_twin(call: Call, asset: str) -> TwinVersion:
    """A new version repeats the named one; what was measured after it counts no longer.  Nothing is removed."""
    version = service.roll_back(call.scope, asset, call.body.version, call.body.reason)
    call.made(f"twin-versions/{version.id}")
    return version


@twins.route("GET", _VERSION, roles=READERS, answer=VersionOut, errors=(409,), summary="One version of a twin")
def get_twin_version(call: Call, version_id: str) -> TwinVersion:
    return find_version(call.scope, version_id)


@twins.route(
    "GET", f"{_VERSION}/comparison", roles=READERS, query=AgainstQuery, answer=ComparisonOut, errors=(409,),
    summary="What changed since another version",
)  # fmt: skip
def compare_twin_versions(call: Call, version_id: str) -> dict[str, Any]:
    from appliance.spc.false_discovery import DISCOVERY_RATE
    from appliance.twin.comparison import K_CHANGE

    return {**vars(_compared(call, version_id)), "k": K_CHANGE, "false_discovery_rate": DISCOVERY_RATE}


@twins.route(
    "GET", f"{_TWIN}/map", roles=READERS, query=MapQuery, answer=MapOut, errors=(409,),
    summary="How fast an asset changes, and where",
)  # fmt: skip
def get_degradation_map(call: Call, asset: str) -> dict[str, Any]:
    from appliance.spc.false_discovery import DISCOVERY_RATE

    found = _followed(call, asset)
    return {
        "versions": len(found.versions), "first": found.versions[0], "last": found.versions[-1],
        "false_discovery_rate": DISCOVERY_RATE, "zones": found.zones,
    }  # fmt: skip


def _field_picture(call: Call, version_id: str) -> Picture:
    from appliance.twin.pictures import picture_of_field

    version = find_version(call.scope, version_id)
    return picture_of_field(version, service.field_of(call.scope, version), skin_of_version(call.scope, version))


def _comparison_picture(call: Call, version_id: str) -> Picture:
    from appliance.twin.pictures import picture_of_change

    found = _compared(call, version_id)
    return picture_of_change(found, skin_of_version(call.scope, found.after))


def _map_picture(call: Call, asset: str) -> Picture:
    from appliance.twin.pictures import picture_of_map

    found = _followed(call, asset)
    return picture_of_map(found, skin_of_version(call.scope, found.versions[-1]))


def _compared(call: Call, version_id: str) -> Comparison:
    from appliance.twin.comparing import compare_versions

    after = find_version(call.scope, version_id)
    before = call.query.against or after.parent_id
    if before is None:
        raise Conflict("twin.first", "The first version of a twin has none before it.", "Say what to compare it with.")
    return compare_versions(call.scope, find_version(call.scope, before), after)


def _followed(call: Call, asset: str) -> DegradationMap:
    from appliance.twin.degradation import degradation_map

    asked = call.query
    within = {"since": asked.since, "until": asked.until}
    return degradation_map(call.scope, asset, across_revisions=asked.across_revisions, **within)


def _exported(name: str, picture: Any, path: str, query: type[Model] | None, summary: str) -> None:
    """Declare the downloads of one kind of picture, a file of each form."""
    for form, media_type in _MEDIA_TYPES.items():

        def view(call: Call, form: str = form, media_type: str = media_type, **named: str) -> Response:
            from appliance.twin import export

            data = (export.ply_of if form == "ply" else export.glb_of)(picture(call, **named))
            return file_answer(_blocks(data), f"{name}.{form}", media_type, len(data))

        view.__name__ = f"get_{name}_{form}"
        twins.route(
            "GET", f"{path}/{name}.{form}", roles=READERS, query=query, media_type=media_type, is_download=True,
            errors=(409,), summary=f"{summary} ({form.upper()})",
        )(view)  # fmt: skip


def _blocks(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), _BLOCK_BYTES):
        yield data[start : start + _BLOCK_BYTES]


_exported("field", _field_picture, _VERSION, None, "A version's deviation from CAD, in colours")
_exported("comparison", _comparison_picture, _VERSION, AgainstQuery, "What changed since another version, in colours")
_exported("map", _map_picture, _TWIN, MapQuery, "How fast an asset changes, in colours")
