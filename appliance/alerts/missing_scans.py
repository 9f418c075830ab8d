"""Missing scans: an asset that should have been scanned by now.

An asset's own interval stands in its metadata as ``scan_interval_days``; others have the rule's.  What counts is when
the appliance received a scan, whatever a device's clock said, and of an asset without one when it was made known.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Final

from appliance.alerts.records import Asked, Found, Look, RuleKind
from appliance.alerts.repository import latest_scans
from appliance.core.canonical import loads_strict
from appliance.core.clock import parse_rfc3339, rfc3339
from appliance.plant.models import Asset
from appliance.tenancy.scope import WorkspaceScope

#: The asset's own interval in its metadata.
INTERVAL: Final = "scan_interval_days"
_LONGEST_DAYS: Final = 36_500.0


def look(scope: WorkspaceScope, asked: Asked) -> Look:
    """Every asset whose latest scan is older than its interval and the grace."""
    latest = latest_scans()
    found = [
        one
        for asset in Asset.select(Asset.id, Asset.name, Asset.metadata, Asset.created_at).order_by(Asset.id)
        if (one := _overdue(asset, latest.get(asset.id), asked))
    ]
    return Look(found)


def _overdue(asset: Asset, received_at: str | None, asked: Asked) -> Found | None:
    days = interval_days(asset, float(asked.settings["interval_days"]))
    if not days:
        return None
    since = parse_rfc3339(received_at or asset.created_at)
    due = since + timedelta(days=days)
    if asked.now <= due + timedelta(days=float(asked.settings["grace_days"])):
        return None
    evidence = {"last_scan_at": received_at, "interval_days": days, "due_at": rfc3339(due)}
    return Found(asset.id, _words(asset.name, received_at, days, due), evidence, asset_id=asset.id)


def interval_days(asset: Asset, otherwise: float) -> float:
    """Days between scans: the asset's own where its metadata say a positive number, else ``otherwise``."""
    own = loads_strict(asset.metadata).get(INTERVAL)
    is_number = isinstance(own, int | float) and not isinstance(own, bool) and math.isfinite(own)
    return float(own) if is_number and 0 < own <= _LONGEST_DAYS else otherwise


def _words(name: str, received_at: str | None, days: float, due: datetime) -> str:
    last = f"since {received_at[:10]}" if received_at else "yet"
    return f"{name} was not scanned {last}; every {days:g} days are due, the last on {due:%Y-%m-%d}"


KIND: Final = RuleKind(
    "missing_scans",
    "An asset was not scanned within its interval.",
    {"interval_days": 0.0, "grace_days": 0.0},
    {"interval_days": (0.0, _LONGEST_DAYS), "grace_days": (0.0, _LONGEST_DAYS)},
    look,
)
