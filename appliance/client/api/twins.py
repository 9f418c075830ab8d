"""Twins: what is known of the surface of each asset, version by version.

Written by ``make client`` from the OpenAPI document: change the route, never this file.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, TypedDict

from appliance.client.calls import Calls, quoted


class MapOut(TypedDict):
    """The degradation map of an asset, zone by zone."""

    versions: int
    first: VersionOut
    last: VersionOut
    false_discovery_rate: float
    zones: list[ZoneTrendOut]


class VersionOut(TypedDict):
    """A version of a twin.  `parent_id` was the head when it was made; `amends_id` and `restores_id` are the version
    that this one corrects, or repeats.

     `superseded_by` is the version since which it counts no longer.
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


class ZoneChangeOut(TypedDict):
    """What changed in a zone; lengths in mm, areas in mm2.  Of `cells`, `compared` are seen by both versions, `unknown`
    of them without a known uncertainty; the others are seen by one alone or by none.

     `lowest_mm` and `highest_mm` are of cells that changed.
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


class ZoneTrendOut(TypedDict):
    """How a zone moves: cells that gain or lose material significantly, the fastest in mm a month."""

    zone: str
    cells: int
    followed: int
    rising: int
    falling: int
    changing_area_mm2: float
    fastest_rise: float | None
    fastest_fall: float | None


class web__api__v1__twins__ComparisonOut(TypedDict):
    """Two versions compared.

     A cell changed beyond `k` times the uncertainty of both, and is called at the rate of false discoveries;
    `no_counterpart` cells are not there on the CAD revision of the version before.
    """

    before: VersionOut
    after: VersionOut
    k: float
    false_discovery_rate: float
    no_counterpart: int
    zones: list[ZoneChangeOut]


class Twins:
    """Twins: what is known of the surface of each asset, version by version."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def list_twins(self, *, at_most: int | None = None) -> Iterator[VersionOut]:
        """The newest state of every asset that has a twin.

        Parameters
        ----------
        at_most : how many to take; None: all
        """
        return self._calls.pages(f"{self._calls.workspace}/twins", at_most=at_most)

    def get_twin(
        self,
        asset: str,
        *,
        measured_until: str | None = None,
        recorded_until: str | None = None,
        held: VersionOut | None = None,
    ) -> VersionOut:
        """A twin now, or as of a moment.

        The version that counts and was measured last: a scan that came late changes history, not the present.

        Parameters
        ----------
        asset : id or name of an asset
        measured_until : leave out what was measured after this moment
        recorded_until : leave out what was recorded after this moment
        held : what the caller holds already; given back where it is unchanged
        """
        record: VersionOut = self._calls.get(
            f"{self._calls.workspace}/assets/{quoted(asset)}/twin",
            held,
            query={"measured_until": measured_until, "recorded_until": recorded_until},
        )
        return record

    def list_twin_versions(
        self,
        asset: str,
        *,
        sort: Literal["number", "-number", "measured_at", "-measured_at"] | None = None,
        counting: bool | None = None,
        measured_since: str | None = None,
        measured_until: str | None = None,
        at_most: int | None = None,
    ) -> Iterator[VersionOut]:
        """The history of a twin.

        Parameters
        ----------
        asset : id or name of an asset
        sort : order; '-' puts the greatest first, equal ones follow their making ('id')
        counting : versions that count, or those that were superseded
        measured_since : measured at this moment or later
        measured_until : measured before this moment
        at_most : how many to take; None: all
        """
        return self._calls.pages(
            f"{self._calls.workspace}/assets/{quoted(asset)}/twin/versions",
            at_most=at_most,
            query={
                "sort": sort,
                "counting": counting,
                "measured_since": measured_since,
                "measured_until": measured_until,
            },
        )

    def roll_back_twin(
        self, asset: str, *, version: str, reason: str, idempotency_key: str | None = None
    ) -> VersionOut:
        """Roll a twin back.

        A new version repeats the named one; what was measured after it counts no longer. Nothing is removed.

        Parameters
        ----------
        asset : id or name of an asset
        idempotency_key : whoever repeats the call under its key gets the same answer; None: a new one
        """
        record: VersionOut = self._calls.once(
            f"{self._calls.workspace}/assets/{quoted(asset)}/twin/rollback",
            idempotency_key,
            body={"version": version, "reason": reason},
        )
        return record

    def get_twin_version(self, version_id: str, *, held: VersionOut | None = None) -> VersionOut:
        """One version of a twin.

        Parameters
        ----------
        held : what the caller holds already; given back where it is unchanged
        """
        record: VersionOut = self._calls.get(f"{self._calls.workspace}/twin-versions/{quoted(version_id)}", held)
        return record

    def compare_twin_versions(
        self, version_id: str, *, against: str | None = None, held: web__api__v1__twins__ComparisonOut | None = None
    ) -> web__api__v1__twins__ComparisonOut:
        """What changed since another version.

        Parameters
        ----------
        against : id of another version of the part; else the head when it was made
        held : what the caller holds already; given back where it is unchanged
        """
        record: web__api__v1__twins__ComparisonOut = self._calls.get(
            f"{self._calls.workspace}/twin-versions/{quoted(version_id)}/comparison", held, query={"against": against}
        )
        return record

    def get_degradation_map(
        self,
        asset: str,
        *,
        since: str | None = None,
        until: str | None = None,
        across_revisions: bool | None = None,
        held: MapOut | None = None,
    ) -> MapOut:
        """How fast an asset changes, and where.

        Parameters
        ----------
        asset : id or name of an asset
        since : measured at this moment or later: after a repair, say
        until : measured before this moment
        across_revisions : follow the part through changes of its CAD, by projection
        held : what the caller holds already; given back where it is unchanged
        """
        record: MapOut = self._calls.get(
            f"{self._calls.workspace}/assets/{quoted(asset)}/twin/map",
            held,
            query={"since": since, "until": until, "across_revisions": across_revisions},
        )
        return record

    def get_field_ply(self, version_id: str, to: Path) -> None:
        """A version's deviation from CAD, in colours (PLY).

        Parameters
        ----------
        to : file to write, whole or not at all
        """
        self._calls.keep(f"{self._calls.workspace}/twin-versions/{quoted(version_id)}/field.ply", to)

    def get_field_glb(self, version_id: str, to: Path) -> None:
        """A version's deviation from CAD, in colours (GLB).

        Parameters
        ----------
        to : file to write, whole or not at all
        """
        self._calls.keep(f"{self._calls.workspace}/twin-versions/{quoted(version_id)}/field.glb", to)

    def get_comparison_ply(self, version_id: str, to: Path, *, against: str | None = None) -> None:
        """What changed since another version, in colours (PLY).

        Parameters
        ----------
        against : id of another version of the part; else the head when it was made
        to : file to write, whole or not at all
        """
        self._calls.keep(
            f"{self._calls.workspace}/twin-versions/{quoted(version_id)}/comparison.ply", to, query={"against": against}
        )

    def get_comparison_glb(self, version_id: str, to: Path, *, against: str | None = None) -> None:
        """What changed since another version, in colours (GLB).

        Parameters
        ----------
        against : id of another version of the part; else the head when it was made
        to : file to write, whole or not at all
        """
        self._calls.keep(
            f"{self._calls.workspace}/twin-versions/{quoted(version_id)}/comparison.glb", to, query={"against": against}
        )

    def get_map_ply(
        self,
        asset: str,
        to: Path,
        *,
        since: str | None = None,
        until: str | None = None,
        across_revisions: bool | None = None,
    ) -> None:
        """How fast an asset changes, in colours (PLY).

        Parameters
        ----------
        asset : id or name of an asset
        since : measured at this moment or later: after a repair, say
        until : measured before this moment
        across_revisions : follow the part through changes of its CAD, by projection
        to : file to write, whole or not at all
        """
        self._calls.keep(
            f"{self._calls.workspace}/assets/{quoted(asset)}/twin/map.ply",
            to,
            query={"since": since, "until": until, "across_revisions": across_revisions},
        )

    def get_map_glb(
        self,
        asset: str,
        to: Path,
        *,
        since: str | None = None,
        until: str | None = None,
        across_revisions: bool | None = None,
    ) -> None:
        """How fast an asset changes, in colours (GLB).

        Parameters
        ----------
        asset : id or name of an asset
        since : measured at this moment or later: after a repair, say
        until : measured before this moment
        across_revisions : follow the part through changes of its CAD, by projection
        to : file to write, whole or not at all
        """
        self._calls.keep(
            f"{self._calls.workspace}/assets/{quoted(asset)}/twin/map.glb",
            to,
            query={"since": since, "until": until, "across_revisions": across_revisions},
        )
