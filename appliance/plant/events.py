"""Repairs: from one on an asset begins another life, and its trends begin anew."""

from __future__ import annotations

from appliance.audit.recording import record
from appliance.core.clock import rfc3339_us, utc_now
from appliance.core.ids import new_id
from appliance.errors import InvalidInput
from appliance.plant.assets import find_asset
from appliance.plant.models import AssetEvent
from appliance.plant.repository import checked_text
from appliance.queue.outbox import emit
from appliance.tenancy.scope import WorkspaceScope


def record_repair(scope: WorkspaceScope, asset: str, happened_at: str, reason: str) -> AssetEvent:
    """Note, in the open transaction or one of its own, that an asset (id or name) was repaired; whoever calls cuts its
    roll-ups into lives anew (``rollups.keeping.refold_lives``).

    ``happened_at`` is RFC 3339 with microseconds.

    Raises
    ------
    NotFound : there is no such asset
    InvalidInput : it lies in the future, or there is no reason
    """
    known, why, now = find_asset(scope, asset), checked_text(reason, "reason"), rfc3339_us(utc_now())
    if happened_at > now:
        raise InvalidInput("repair.future", "A repair is recorded when it has happened.")
    with scope.transaction():
        row: AssetEvent = AssetEvent.create(
            id=new_id("evt"), asset_id=known.id, kind="repair", happened_at=happened_at, reason=why, created_at=now,
            created_by=scope.principal.id,
        )  # fmt: skip
        record(scope, "asset.repaired", {}, {"asset": known.id, "happened_at": happened_at, "reason": why})
        emit("asset.repaired", {"asset": known.id, "name": known.name})
    return row


def list_repairs(scope: WorkspaceScope, asset: str) -> list[AssetEvent]:
    """The repairs of an asset (id or name), the latest first."""
    known = find_asset(scope, asset)
    with scope:
        return AssetEvent.alike(newest_first="happened_at", asset_id=known.id, kind="repair")
