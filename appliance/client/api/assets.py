"""Assets: the things that are scanned.

Written by ``make client`` from the OpenAPI document: change the route, never this file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypedDict

from appliance.client.calls import Calls, Null, quoted


class AssetOut(TypedDict):
    """An asset."""

    id: str
    name: str
    part_id: str | None
    serial: str
    location: str
    metadata: dict[str, Any]
    created_at: str
    created_by: str
    updated_at: str


class AssetStanding(TypedDict):
    """An asset and its newest inspection."""

    id: str
    name: str
    part_id: str | None
    serial: str
    location: str
    metadata: dict[str, Any]
    created_at: str
    created_by: str
    updated_at: str
    latest: Standing | None


class Standing(TypedDict):
    """How an asset's newest inspection stands."""

    id: str
    state: str
    verdict: str | None
    progress: float
    created_at: str
    finished_at: str | None


class Assets:
    """Assets: the things that are scanned."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def list_assets(
        self,
        *,
        search: str | None = None,
        sort: Literal["id", "-id", "name", "-name", "serial", "-serial", "updated_at", "-updated_at"] | None = None,
        part: str | None = None,
        serial: str | None = None,
        location: str | None = None,
        at_most: int | None = None,
    ) -> Iterator[AssetOut]:
        """Assets.

        Parameters
        ----------
        search : a piece of the name; ASCII letters of either case
        sort : order; '-' puts the greatest first, equal ones follow their making ('id')
        part : id or name of the part
        at_most : how many to take; None: all
        """
        return self._calls.pages(
            f"{self._calls.workspace}/assets",
            at_most=at_most,
            query={"search": search, "sort": sort, "part": part, "serial": serial, "location": location},
        )

    def create_asset(
        self,
        *,
        name: str,
        part: str | None = None,
        serial: str | None = None,
        location: str | None = None,
        metadata: dict[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> AssetOut:
        """Make an asset.

        Parameters
        ----------
        part : id or name of its part
        metadata : of the plant's own
        idempotency_key : whoever repeats the call under its key gets the same answer; None: a new one
        """
        record: AssetOut = self._calls.once(
            f"{self._calls.workspace}/assets",
            idempotency_key,
            body={"name": name, "part": part, "serial": serial, "location": location, "metadata": metadata},
        )
        return record

    def get_asset(self, asset: str, *, held: AssetStanding | None = None) -> AssetStanding:
        """One asset and its newest inspection.

        Parameters
        ----------
        asset : id or name of an asset
        held : what the caller holds already; given back where it is unchanged
        """
        record: AssetStanding = self._calls.get(f"{self._calls.workspace}/assets/{quoted(asset)}", held)
        return record

    def change_asset(
        self,
        asset: str,
        seen: Mapping[str, object] | None,
        *,
        part: str | Null | None = None,
        serial: str | None = None,
        location: str | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> AssetStanding:
        """Change an asset.

        Parameters
        ----------
        asset : id or name of an asset
        seen : what the change is meant for, as the appliance gave it; None: whatever is there
        """
        record: AssetStanding = self._calls.change(
            f"{self._calls.workspace}/assets/{quoted(asset)}",
            seen,
            body={"part": part, "serial": serial, "location": location, "metadata": metadata},
        )
        return record
