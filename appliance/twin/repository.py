"""Questions to the table of twin versions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from peewee import fn

from appliance.db.listing import NEWEST, Listing, between, equal
from appliance.errors import NotFound
from appliance.plant.repository import page
from appliance.tenancy.scope import WorkspaceScope
from appliance.twin.models import TwinVersion

#: Behind every moment that is written as ``rfc3339_us``.
_EVER: Final = "9999"


def version_as_of(
    scope: WorkspaceScope, asset_id: str, measured_until: str | None = None, recorded_until: str | None = None
) -> TwinVersion | None:
    """The version that was measured last, of those that counted: the head, or what it was or would have been.

    Parameters
    ----------
    measured_until : leave out what was measured after this moment (``rfc3339_us``): how the part was then
    recorded_until : leave out what was recorded after this moment, replacements too: what was known then
    """
    known = recorded_until or _EVER
    version: Any = TwinVersion
    conditions = (version.asset_id == asset_id) & (version.measured_at <= (measured_until or _EVER))
    conditions &= version.recorded_at <= known
    conditions &= version.superseded_at.is_null() | (version.superseded_at > known)
    with scope:
        found: TwinVersion | None = (
            version.select().where(conditions).order_by(version.measured_at.desc(), version.number.desc()).first()
        )
    return found


def get_version(scope: WorkspaceScope, version_id: str) -> TwinVersion:
    """One version.

    Raises
    ------
    NotFound : there is none of that id in this workspace
    """
    with scope:
        row: TwinVersion | None = TwinVersion.known(id=version_id)
    if row is None:
        raise NotFound("twin.unknown", f"There is no version '{version_id[:40]}' of a twin.")
    return row


def list_versions(
    scope: WorkspaceScope,
    listing: Listing = NEWEST,
    *,
    measured_since: str | None = None,
    measured_until: str | None = None,
    counting: bool | None = None,
    **equals: str | None,
) -> list[TwinVersion]:
    """Versions whose columns are ``equals``, measured within a time; ``counting``: not superseded, or else."""
    measured = between(TwinVersion.measured_at, measured_since, measured_until)
    counts = [] if counting is None else [TwinVersion.superseded_by.is_null(counting)]
    return page(scope, TwinVersion, listing, *equal(TwinVersion, **equals), *measured, *counts)


def list_heads(scope: WorkspaceScope, listing: Listing = NEWEST) -> list[TwinVersion]:
    """The head of every asset that has a twin."""
    later: Any = TwinVersion.alias()
    behind = (later.measured_at > TwinVersion.measured_at) | (
        (later.measured_at == TwinVersion.measured_at) & (later.number > TwinVersion.number)
    )
    newer = later.select(later.id).where(later.asset_id == TwinVersion.asset_id, later.superseded_by.is_null(), behind)
    return page(scope, TwinVersion, listing, TwinVersion.superseded_by.is_null(), ~fn.EXISTS(newer))


def counting_versions(scope: WorkspaceScope, asset_id: str, since: str | None = None) -> list[TwinVersion]:
    """Versions of an asset that count, in the order of measuring, from a moment on."""
    with scope:
        found = TwinVersion.select().where(
            TwinVersion.asset_id == asset_id, TwinVersion.superseded_by.is_null(),
            *between(TwinVersion.measured_at, since),
        )  # fmt: skip
        return list(found.order_by(TwinVersion.measured_at, TwinVersion.number))


def versions_of_inspections(scope: WorkspaceScope, inspection_ids: Sequence[str]) -> list[TwinVersion]:
    """Versions with the fields of these inspections, repetitions among them, oldest first."""
    with scope:
        made = TwinVersion.inspection_id.in_(list(inspection_ids))
        return list(TwinVersion.select().where(made).order_by(TwinVersion.number))


def skin_for(scope: WorkspaceScope, cells_sha256: str, zones_sha256: str) -> TwinVersion | None:
    """A version on the same cells with the same zones, whose skin serves again."""
    with scope:
        alike: list[TwinVersion] = list(
            TwinVersion.select()
            .where(TwinVersion.cells_sha256 == cells_sha256, TwinVersion.zones_sha256 == zones_sha256)
            .limit(1)
        )
    return alike[0] if alike else None


def next_number(asset_id: str) -> int:
    """The number of an asset's next version, in the open transaction."""
    query: Any = TwinVersion.select(fn.MAX(TwinVersion.number)).where(TwinVersion.asset_id == asset_id)
    return int(query.scalar() or 0) + 1


def supersede(version_ids: Sequence[str], by: str, at: str) -> None:
    """Note, once, that the version ``by`` made these count no longer, in the open transaction."""
    TwinVersion.update(superseded_by=by, superseded_at=at).where(
        TwinVersion.id.in_(list(version_ids)), TwinVersion.superseded_by.is_null()
    ).execute()
