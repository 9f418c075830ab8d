"""A repair recorded, and the series of its asset cut there."""

from __future__ import annotations

from appliance.plant.events import record_repair
from appliance.plant.models import AssetEvent
from appliance.rollups.keeping import refold_lives
from appliance.tenancy.scope import WorkspaceScope


def repaired(scope: WorkspaceScope, asset: str, happened_at: str, reason: str) -> AssetEvent:
    """Note that an asset was repaired, and begin its life anew there; raises as ``record_repair``."""
    with scope.transaction():
        row = record_repair(scope, asset, happened_at, reason)
        refold_lives(scope, row.asset_id)
    return row
