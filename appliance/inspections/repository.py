"""Questions to the tables of inspections: lists newest first, the latest of an asset, counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from peewee import fn

from appliance.errors import NotFound
from appliance.inspections.models import InspectionRow, Replay
from appliance.plant.models import Asset
from appliance.plant.repository import PAGE
from appliance.tenancy.scope import WorkspaceScope

#: States of an inspection that a worker carries, or will.
_UNDER_WAY: Final = ("stored", "decoded", "aligned", "compared", "judged")


def list_inspections(
    scope: WorkspaceScope,
    *,
    asset_id: str | None = None,
    scan_id: str | None = None,
    state: str | None = None,
    verdict: str | None = None,
    before: str = "",
    limit: int = PAGE,
) -> list[InspectionRow]:
    """Inspections, the newest first, from behind the id ``before`` on."""
    filters = {"asset_id": asset_id, "scan_id": scan_id, "state": state, "verdict": verdict}
    conditions = [getattr(InspectionRow, name) == value for name, value in filters.items() if value is not None]
    if before:
        conditions.append(InspectionRow.id < before)
    with scope:
        query = InspectionRow.select().order_by(InspectionRow.id.desc()).limit(limit)
        return list(query.where(*conditions) if conditions else query)


def latest_of_assets(scope: WorkspaceScope, asset_ids: Sequence[str]) -> dict[str, InspectionRow]:
    """The newest inspection of each asset that has one, by the asset's id."""
    newer: Any = InspectionRow.alias()
    newest = newer.select(fn.MAX(newer.id)).where(newer.asset_id == Asset.id)
    with scope:
        rows = InspectionRow.select().where(
            InspectionRow.id.in_(Asset.select(newest).where(Asset.id.in_(list(asset_ids))))
        )
        return {row.asset_id: row for row in rows}


def under_way(scope: WorkspaceScope) -> list[InspectionRow]:
    """Inspections that have not come to their end."""
    with scope:
        return list(InspectionRow.select().where(InspectionRow.state.in_(_UNDER_WAY)).order_by(InspectionRow.id))


def count_by_state(scope: WorkspaceScope) -> dict[str, int]:
    """How many inspections are in each state."""
    with scope:
        counted: Any = InspectionRow.select(InspectionRow.state, fn.COUNT(InspectionRow.id))
        return {str(state): int(count) for state, count in counted.group_by(InspectionRow.state).tuples()}


def list_replays(scope: WorkspaceScope, inspection_id: str, *, after: str = "", limit: int = PAGE) -> list[Replay]:
    """Replays of an inspection in the order of their asking, behind the id ``after``."""
    with scope:
        found = Replay.select().where(Replay.inspection_id == inspection_id, Replay.id > after)
        return list(found.order_by(Replay.id).limit(limit))


def get_replay(scope: WorkspaceScope, inspection_id: str, replay_id: str) -> Replay:
    """One replay of an inspection.

    Raises
    ------
    NotFound : there is none of that id
    """
    with scope:
        row: Replay | None = Replay.get_or_none(Replay.id == replay_id, Replay.inspection_id == inspection_id)
    if row is None:
        raise NotFound("replay.unknown", f"There is no replay '{replay_id[:40]}' of this inspection.")
    return row
