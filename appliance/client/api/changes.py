"""Changes: what differs between two scans of an asset, and how sure (docs/change.md).

Written by ``make client`` from the OpenAPI document: change the route, never this file.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, TypedDict

from appliance.client.calls import Calls, quoted


class ScanChangeOut(TypedDict):
    """Where the computing of a change stands, and in figures what was found; `result_sha256` stands in the log."""

    id: str
    asset_id: str
    first_scan_id: str
    second_scan_id: str
    parameters: dict[str, Any]
    state: str
    step: str
    progress: float
    requested_at: str
    requested_by: str
    attempts: int
    finished_at: str | None
    engine: str | None
    summary: dict[str, Any] | None
    result_sha256: str | None
    error_code: str | None
    error_message: str | None
    error_hint: str | None


class Changes:
    """Changes: what differs between two scans of an asset, and how sure (docs/change.md)."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def list_scan_changes(
        self,
        *,
        sort: Literal["id", "-id"] | None = None,
        asset: str | None = None,
        state: Literal["requested", "done", "failed", "cancelled"] | None = None,
        at_most: int | None = None,
    ) -> Iterator[ScanChangeOut]:
        """Changes.

        Parameters
        ----------
        sort : order; '-' puts the greatest first, equal ones follow their making ('id')
        asset : id or name of the asset
        at_most : how many to take; None: all
        """
        return self._calls.pages(
            f"{self._calls.workspace}/changes", at_most=at_most, query={"sort": sort, "asset": asset, "state": state}
        )

    def request_scan_change(
        self,
        *,
        first: str,
        second: str,
        cores_mm: float | None = None,
        scales_mm: list[float] | None = None,
        radius_mm: float | None = None,
        depth_mm: float | None = None,
        registration_mm: float | None = None,
        align: bool | None = None,
        robust: bool | None = None,
        upwards: bool | None = None,
        scan_unit: Literal["mm", "m", "in", "ft", "cm", "um"] | None = None,
        idempotency_key: str | None = None,
    ) -> ScanChangeOut:
        """Ask what changed between two scans.

        M3C2 (Lague, Brodu & Leroux 2013) in the background; `state` says what became of it.

        Parameters
        ----------
        first : id of the scan before
        second : id of the scan after
        cores_mm : distance between core points
        scales_mm : diameters that normals are found in
        radius_mm : radius of the cylinder whose points are averaged
        depth_mm : how far a change is sought to either side
        registration_mm : added to the level of detection
        align : fit the second scan to the first; the residual is added too
        robust : median and interquartile range instead of mean and deviation
        upwards : change is positive upwards, wherever the scanner stood
        scan_unit : unit of scans whose format states none; E57 is in metres
        idempotency_key : whoever repeats the call under its key gets the same answer; None: a new one
        """
        record: ScanChangeOut = self._calls.once(
            f"{self._calls.workspace}/changes",
            idempotency_key,
            body={
                "first": first,
                "second": second,
                "cores_mm": cores_mm,
                "scales_mm": scales_mm,
                "radius_mm": radius_mm,
                "depth_mm": depth_mm,
                "registration_mm": registration_mm,
                "align": align,
                "robust": robust,
                "upwards": upwards,
                "scan_unit": scan_unit,
            },
        )
        return record

    def get_scan_change(self, change_id: str, *, held: ScanChangeOut | None = None) -> ScanChangeOut:
        """One change.

        Parameters
        ----------
        held : what the caller holds already; given back where it is unchanged
        """
        record: ScanChangeOut = self._calls.get(f"{self._calls.workspace}/changes/{quoted(change_id)}", held)
        return record

    def cancel_scan_change(self, change_id: str) -> ScanChangeOut:
        """Stop computing a change. One that a worker carries stops at its next step."""
        record: ScanChangeOut = self._calls.act("POST", f"{self._calls.workspace}/changes/{quoted(change_id)}/cancel")
        return record

    def retry_scan_change(self, change_id: str) -> ScanChangeOut:
        """Take a failed or cancelled change up again."""
        record: ScanChangeOut = self._calls.act("POST", f"{self._calls.workspace}/changes/{quoted(change_id)}/retry")
        return record

    def get_change_result_json(self, change_id: str, to: Path) -> None:
        """Scales, registration, counts, percentiles.

        Parameters
        ----------
        to : file to write, whole or not at all
        """
        self._calls.keep(f"{self._calls.workspace}/changes/{quoted(change_id)}/result.json", to)

    def get_change_laz(self, change_id: str, to: Path) -> None:
        """The core points with their change (LAZ).

        Parameters
        ----------
        to : file to write, whole or not at all
        """
        self._calls.keep(f"{self._calls.workspace}/changes/{quoted(change_id)}/change.laz", to)

    def get_change_ply(self, change_id: str, to: Path) -> None:
        """The core points with their change (PLY).

        Parameters
        ----------
        to : file to write, whole or not at all
        """
        self._calls.keep(f"{self._calls.workspace}/changes/{quoted(change_id)}/change.ply", to)

    def get_change_npz(self, change_id: str, to: Path) -> None:
        """Everything of each core point (NumPy).

        Parameters
        ----------
        to : file to write, whole or not at all
        """
        self._calls.keep(f"{self._calls.workspace}/changes/{quoted(change_id)}/change.npz", to)
