"""Questions to the tables of inspections: lists newest first, the latest of an asset, counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeVar

from peewee import SQL, fn

from appliance.db.listing import NEWEST, WHOLE, Listing, between, equal
from appliance.errors import NotFound
from appliance.inspections.models import InspectionRow, Replay
from appliance.inspections.suspects import SuspectPage
from appliance.measurements.models import Measurement
from appliance.measurements.suspicion import marked, marks
from appliance.plant.models import Asset
from appliance.plant.repository import page
from appliance.scans.models import Scan
from appliance.scans.service import unknown_scan
from appliance.tenancy.scope import WorkspaceScope

Row = TypeVar("Row", InspectionRow, Measurement)

#: States of an inspection that a worker carries, or will.
_UNDER_WAY: Final = ("stored", "decoded", "aligned", "compared", "judged")


def list_inspections(
    scope: WorkspaceScope,
    listing: Listing = NEWEST,
    *,
    created_since: str | None = None,
    created_until: str | None = None,
    suspect: bool | None = None,
    **equals: str | None,
) -> list[InspectionRow]:
    """Inspections whose columns are ``equals`` (None: whatever they are), asked for within a time (``rfc3339_us``).

    ``suspect``: those that depend on an instrument which moved, or those that do not.
    """
    conditions = [*equal(InspectionRow, **equals), *between(InspectionRow.created_at, created_since, created_until)]
    return _page(scope, InspectionRow, listing, conditions, suspect)


def scan_with_inspections(
    scope: WorkspaceScope, scan_id: str, of_scan: tuple[str, ...], of_inspections: tuple[str, ...]
) -> tuple[Any, list[Any]]:
    """Columns of a scan and of its inspections, the latest first.

    Raises
    ------
    NotFound : there is none in this workspace
    """
    with scope:
        found = Scan.known_with(of_scan, InspectionRow, of_inspections, "scan_id", scan_id)
    if found is None:
        raise unknown_scan(scan_id)
    return found


def list_measurements(
    scope: WorkspaceScope,
    listing: Listing = NEWEST,
    *,
    measured_since: str | None = None,
    measured_until: str | None = None,
    suspect: bool | None = None,
    **equals: str | int | None,
) -> list[Measurement]:
    """Measurements of all inspections whose columns are ``equals``, measured within a time (``rfc3339_us``).

    ``suspect`` as of ``list_inspections``.
    """
    conditions = [*measurements_that(**equals), *between(Measurement.measured_at, measured_since, measured_until)]
    return _page(scope, Measurement, listing, conditions, suspect)


def measurements_that(*, disagrees: str | int | None = None, **equals: str | int | None) -> list[Any]:
    """Conditions on measurements; that one disagrees is said as its index says it, which holds no others."""
    said = [] if disagrees is None else [Measurement.disagrees == SQL("1" if disagrees else "0")]
    return equal(Measurement, **equals) + said


def _page(
    scope: WorkspaceScope, model: type[Row], listing: Listing, conditions: list[Any], suspect: bool | None
) -> list[Row]:
    standing = marks(scope)
    if suspect is None or (not standing.standing and not suspect):
        return marked(page(scope, model, listing, *conditions), standing)
    asked = SuspectPage(scope, model, listing, conditions, standing)
    return marked(asked.suspect() if suspect else asked.clear(), standing)


def latest_of_assets(scope: WorkspaceScope, asset_ids: Sequence[str]) -> dict[str, InspectionRow]:
    """The newest inspection of each asset that has one, by the asset's id."""
    newer: Any = InspectionRow.alias()
    newest = newer.select(fn.MAX(newer.id)).where(newer.asset_id == Asset.id)
    with scope:
        rows = InspectionRow.select().where(
            InspectionRow.id.in_(Asset.select(newest).where(Asset.id.in_(list(asset_ids))))
        )
        return {row.asset_id: row for row in rows}


def recorded_of_one(scope: WorkspaceScope, row: InspectionRow) -> list[str]:
    """Ids of all recorded verdicts on what ``row`` is about, the oldest first: an original and all its amendments.

    What was imported counts as soon as it is judged.
    """
    with scope:
        root = row
        while root.amends_id:
            root = InspectionRow.get_by_id(root.amends_id)
        family, newest = [root], [root]
        while newest:
            amending = InspectionRow.amends_id.in_([one.id for one in newest])
            newest = list(InspectionRow.select().where(amending))
            family += newest
    counting = ("judged", "recorded") if row.results_file_id else ("recorded",)
    return sorted(one.id for one in family if one.state in counting)


def under_way(scope: WorkspaceScope) -> list[InspectionRow]:
    """Inspections that have not come to their end."""
    with scope:
        return list(InspectionRow.select().where(InspectionRow.state.in_(_UNDER_WAY)).order_by(InspectionRow.id))


def count_by_state(scope: WorkspaceScope) -> dict[str, int]:
    """How many inspections are in each state."""
    with scope:
        counted: Any = InspectionRow.select(InspectionRow.state, fn.COUNT(InspectionRow.id))
        return {str(state): int(count) for state, count in counted.group_by(InspectionRow.state).tuples()}


def list_replays(scope: WorkspaceScope, inspection_id: str, listing: Listing = WHOLE) -> list[Replay]:
    """Replays of an inspection in the order of their asking."""
    return page(scope, Replay, listing, Replay.inspection_id == inspection_id)


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
