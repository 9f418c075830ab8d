"""Scans as they were received: receipts, evidence, quarantine.

Written by ``make client`` from the OpenAPI document: change the route, never this file.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NotRequired, TypedDict

from appliance.client.calls import Calls, quoted


class Found(TypedDict):
    """What is here under one hash; `scan` is null where nothing is, or nothing that the caller may see."""

    sha256: str
    scan: str | None
    state: str | None


class FoundList(TypedDict):
    """One answer a hash, in the order of asking."""

    items: list[Found]


class InspectionBrief(TypedDict):
    """An inspection of a scan, as far as it is."""

    id: str
    state: str
    step: str
    progress: float
    verdict: str | None
    error_code: str | None
    error_message: str | None


class ManifestList(TypedDict):
    """All manifests of a scan, the first one first."""

    items: list[ManifestOut]


class ManifestOut(TypedDict):
    """One manifest that came with a scan's content; envelope and receipt are DSSE envelopes."""

    sha256: str
    added_at: str
    added_by: str
    manifest: dict[str, Any]
    manifest_envelope: dict[str, Any] | None
    receipt: dict[str, Any]


class ScanOut(TypedDict):
    """One scan; its inspections, the latest first, where one scan was asked for."""

    id: str
    state: str
    reason_code: str | None
    reason: str | None
    asset_id: str
    device_id: str | None
    format: str
    encoding: str
    sha256: str | None
    size_bytes: int | None
    stored_sha256: str
    stored_bytes: int
    captured_at: str
    received_at: str
    clock_skew_s: int | None
    suspect_since: str | None
    suspect_reason: str | None
    manifest: dict[str, Any]
    inspections: NotRequired[list[InspectionBrief] | None]


class Scans:
    """Scans as they were received: receipts, evidence, quarantine."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def get_scans(
        self,
        *,
        sort: Literal["id", "-id", "captured_at", "-captured_at", "stored_bytes", "-stored_bytes"] | None = None,
        asset: str | None = None,
        device: str | None = None,
        state: Literal["stored", "quarantined", "discarded"] | None = None,
        captured_since: str | None = None,
        captured_until: str | None = None,
        at_most: int | None = None,
    ) -> Iterator[ScanOut]:
        """Scans.

        Parameters
        ----------
        sort : order; '-' puts the greatest first, equal ones follow their making ('id')
        asset : id or name of the asset
        device : id or name of the device
        captured_since : captured at this moment or later
        captured_until : captured before this moment
        at_most : how many to take; None: all
        """
        return self._calls.pages(
            f"{self._calls.workspace}/scans",
            at_most=at_most,
            query={
                "sort": sort,
                "asset": asset,
                "device": device,
                "state": state,
                "captured_since": captured_since,
                "captured_until": captured_until,
            },
        )

    def lookup_scans(self, *, sha256: list[str]) -> FoundList:
        """Which of many files are here already.

        For a device that comes back to the network with a full disk: one request instead of one upload a scan.
        """
        record: FoundList = self._calls.act("POST", f"{self._calls.workspace}/scans/lookup", body={"sha256": sha256})
        return record

    def get_scan(self, scan_id: str, *, held: ScanOut | None = None) -> ScanOut:
        """One scan and its inspections.

        Parameters
        ----------
        held : what the caller holds already; given back where it is unchanged
        """
        record: ScanOut = self._calls.get(f"{self._calls.workspace}/scans/{quoted(scan_id)}", held)
        return record

    def get_receipt(self, scan_id: str) -> bytes:
        """Its custody receipt."""
        return self._calls.read(f"{self._calls.workspace}/scans/{quoted(scan_id)}/receipt")

    def get_manifests(self, scan_id: str, *, held: ManifestList | None = None) -> ManifestList:
        """All its manifests.

        Parameters
        ----------
        held : what the caller holds already; given back where it is unchanged
        """
        record: ManifestList = self._calls.get(f"{self._calls.workspace}/scans/{quoted(scan_id)}/manifests", held)
        return record

    def get_content(self, scan_id: str, to: Path) -> None:
        """The scan file itself.

        Parameters
        ----------
        to : file to write, whole or not at all
        """
        self._calls.keep(f"{self._calls.workspace}/scans/{quoted(scan_id)}/content", to)

    def retry_scan(self, scan_id: str, *, corrections: dict[str, Any] | None = None) -> ScanOut:
        """Examine it again."""
        record: ScanOut = self._calls.act(
            "POST", f"{self._calls.workspace}/scans/{quoted(scan_id)}/retry", body={"corrections": corrections}
        )
        return record

    def discard_scan(self, scan_id: str, *, reason: str) -> ScanOut:
        """Give it up, with a reason."""
        record: ScanOut = self._calls.act(
            "POST", f"{self._calls.workspace}/scans/{quoted(scan_id)}/discard", body={"reason": reason}
        )
        return record
