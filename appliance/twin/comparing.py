"""Compare any two versions of the twins of a part: also of two assets, and across CAD revisions."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.tenancy.scope import WorkspaceScope
from appliance.twin.comparison import Change, ZoneChange, change_between, zone_changes
from appliance.twin.models import TwinVersion
from appliance.twin.projecting import projection_between
from appliance.twin.projection import projected
from appliance.twin.records import Skin, TwinField
from appliance.twin.service import field_of, skin_of_version


@dataclass(frozen=True)
class Comparison:
    """Two versions compared, on the cells of ``after``.

    ``no_counterpart`` : cells that the CAD revision of ``before`` does not have; they count as not seen before
    """

    before: TwinVersion
    after: TwinVersion
    change: Change
    zones: list[ZoneChange]
    no_counterpart: int


def compare_versions(scope: WorkspaceScope, before: TwinVersion, after: TwinVersion) -> Comparison:
    """What changed from ``before`` to ``after``.  Memory: 45 bytes a cell.

    Raises
    ------
    InvalidInput : they are of different parts
    Modified : a stored field is not what its version names
    """
    first, lost = field_on(scope, before, after)
    change = change_between(first, field_of(scope, after))
    skin: Skin = skin_of_version(scope, after, whole=False)
    return Comparison(before, after, change, zone_changes(change, skin), lost)


def field_on(scope: WorkspaceScope, version: TwinVersion, surface: TwinVersion) -> tuple[TwinField, int]:
    """The field of a version on the cells of another one, and how many of these have no counterpart."""
    field, projection = field_of(scope, version), projection_between(scope, version, surface)
    if projection is None:
        return field, 0
    return projected(field, projection), int((projection.source < 0).sum())
