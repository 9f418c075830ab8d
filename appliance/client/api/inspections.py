"""Inspections: the way of a scan to its verdict.

Written by ``make client`` from the OpenAPI document: change the route, never this file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NotRequired, TypedDict

from appliance.client.api.shared import SuspicionOut
from appliance.client.calls import Calls, quoted


class InspectionFull(TypedDict):
    """An inspection with what it pinned and what it measured; `suspicion` says why its instrument is suspect."""

    id: str
    scan_id: str | None
    asset_id: str
    part_id: str
    cad_revision_id: str | None
    characteristic_set_id: str | None
    results_file_id: str | None
    laboratory: str
    instrument_id: str | None
    measured_at: str | None
    instrument_is_suspect: bool
    state: str
    step: str
    progress: float
    verdict: str | None
    priority: str
    attempts: int
    amends_id: str | None
    reason: str
    created_at: str
    created_by: str
    started_at: str | None
    finished_at: str | None
    engine: str | None
    report_number: str | None
    issued_at: str | None
    log_index: int | None
    envelope_sha256: str | None
    error_code: str | None
    error_message: str | None
    error_hint: str | None
    context: dict[str, Any]
    parameters: dict[str, Any]
    suspicion: SuspicionOut | None
    measurements: list[MeasurementOut]


class InspectionOut(TypedDict):
    """Where an inspection stands; `progress` is 1 at its end.

    It rests on a scan, or on a file of results.  `instrument_is_suspect`: reference artefacts say that its instrument
    moved before it was measured.
    """

    id: str
    scan_id: str | None
    asset_id: str
    part_id: str
    cad_revision_id: str | None
    characteristic_set_id: str | None
    results_file_id: str | None
    laboratory: str
    instrument_id: str | None
    measured_at: str | None
    instrument_is_suspect: bool
    state: str
    step: str
    progress: float
    verdict: str | None
    priority: str
    attempts: int
    amends_id: str | None
    reason: str
    created_at: str
    created_by: str
    started_at: str | None
    finished_at: str | None
    engine: str | None
    report_number: str | None
    issued_at: str | None
    log_index: int | None
    envelope_sha256: str | None
    error_code: str | None
    error_message: str | None
    error_hint: str | None


class MeasurementOut(TypedDict):
    """One characteristic as it was measured: `value` to `upper` in `unit`, `expanded` = k u.  `value_mm` to `upper_mm`
    are the same of a length, and null of everything else.

     `source_decision` is the verdict of whoever measured, where a result was imported; `disagrees`: it and `decision`
    cannot both be right.
    """

    name: str
    zone: str
    quantity: str
    unit: str
    value: float | None
    u: float | None
    expanded: float | None
    k: float | None
    lower: float | None
    upper: float | None
    value_mm: float | None
    u_mm: float | None
    expanded_mm: float | None
    lower_mm: float | None
    upper_mm: float | None
    coverage: float | None
    coverage_required: float | None
    conformance_probability: float | None
    decision: str
    source_decision: str | None
    disagrees: bool


class MeasurementRecord(TypedDict):
    """One measured characteristic, and where it comes from.  `superseded_by` is the inspection that amended this one:
    the measurement stays, and counts no longer.
    """

    name: str
    zone: str
    quantity: str
    unit: str
    value: float | None
    u: float | None
    expanded: float | None
    k: float | None
    lower: float | None
    upper: float | None
    value_mm: float | None
    u_mm: float | None
    expanded_mm: float | None
    lower_mm: float | None
    upper_mm: float | None
    coverage: float | None
    coverage_required: float | None
    conformance_probability: float | None
    decision: str
    source_decision: str | None
    disagrees: bool
    id: str
    inspection_id: str
    characteristic_id: str
    part_id: str
    asset_id: str
    serial: str
    cad_revision_id: str | None
    instrument_id: str | None
    operator_id: str | None
    source: str
    instrument_is_suspect: bool
    measured_at: str
    recorded_at: str
    superseded_by: str | None


class Parameters(TypedDict):
    """What an inspection does differently from its plan."""

    fit: NotRequired[bool | None]
    scan_unit: NotRequired[Literal["mm", "m", "in", "ft", "cm", "um"] | None]


class ReplayOut(TypedDict):
    """A verdict computed again: `reproduced` says whether every figure is the same, bit for bit."""

    id: str
    inspection_id: str
    state: str
    requested_at: str
    requested_by: str
    finished_at: str | None
    reproduced: bool | None
    same_engine: bool | None
    engine: str | None
    differences: dict[str, Any] | None
    error_code: str | None
    error_message: str | None


class Inspections:
    """Inspections: the way of a scan to its verdict."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def list_inspections(
        self,
        *,
        sort: Literal["id", "-id"] | None = None,
        asset: str | None = None,
        part: str | None = None,
        scan: str | None = None,
        laboratory: str | None = None,
        state: Literal["stored", "decoded", "aligned", "compared", "judged", "recorded", "failed", "cancelled"]
        | None = None,
        verdict: Literal["pass", "fail", "inconclusive", "not_measured"] | None = None,
        instrument_is_suspect: bool | None = None,
        created_since: str | None = None,
        created_until: str | None = None,
        at_most: int | None = None,
    ) -> Iterator[InspectionOut]:
        """Inspections.

        Parameters
        ----------
        sort : order; '-' puts the greatest first, equal ones follow their making ('id')
        asset : id or name of the asset
        part : id or name of the part
        scan : id of the scan
        laboratory : who measured what was imported
        instrument_is_suspect : measured after its instrument moved, or not
        created_since : asked for at this moment or later
        created_until : asked for before this moment
        at_most : how many to take; None: all
        """
        return self._calls.pages(
            f"{self._calls.workspace}/inspections",
            at_most=at_most,
            query={
                "sort": sort,
                "asset": asset,
                "part": part,
                "scan": scan,
                "laboratory": laboratory,
                "state": state,
                "verdict": verdict,
                "instrument_is_suspect": instrument_is_suspect,
                "created_since": created_since,
                "created_until": created_until,
            },
        )

    def create_inspection(
        self,
        *,
        scan: str,
        cad_revision: str | None = None,
        characteristic_set: str | None = None,
        instrument: str | None = None,
        parameters: Parameters | None = None,
        priority: Literal["high", "normal", "low"] | None = None,
        idempotency_key: str | None = None,
    ) -> InspectionOut:
        """Ask for an inspection.

        Parameters
        ----------
        instrument : id or name of an instrument
        idempotency_key : whoever repeats the call under its key gets the same answer; None: a new one
        """
        record: InspectionOut = self._calls.once(
            f"{self._calls.workspace}/inspections",
            idempotency_key,
            body={
                "scan": scan,
                "cad_revision": cad_revision,
                "characteristic_set": characteristic_set,
                "instrument": instrument,
                "parameters": parameters,
                "priority": priority,
            },
        )
        return record

    def list_measurements(
        self,
        *,
        sort: Literal["id", "-id", "measured_at", "-measured_at"] | None = None,
        asset: str | None = None,
        inspection: str | None = None,
        name: str | None = None,
        zone: str | None = None,
        quantity: str | None = None,
        decision: Literal["pass", "fail", "inconclusive", "not_measured"] | None = None,
        characteristic: str | None = None,
        source: Literal["scan", "import"] | None = None,
        disagrees: bool | None = None,
        instrument_is_suspect: bool | None = None,
        measured_since: str | None = None,
        measured_until: str | None = None,
        at_most: int | None = None,
    ) -> Iterator[MeasurementRecord]:
        """Measurements of all inspections.

        For whoever analyses: one characteristic of an asset over time, or all that failed, without asking inspection by
        inspection.

        Parameters
        ----------
        sort : order; '-' puts the greatest first, equal ones follow their making ('id')
        asset : id or name of the asset
        inspection : id of the inspection
        name : the characteristic
        characteristic : id of the characteristic
        disagrees : the source's verdict and ours cannot both be right
        instrument_is_suspect : measured after its instrument moved, or not
        measured_since : measured at this moment or later
        measured_until : measured before this moment
        at_most : how many to take; None: all
        """
        return self._calls.pages(
            f"{self._calls.workspace}/measurements",
            at_most=at_most,
            query={
                "sort": sort,
                "asset": asset,
                "inspection": inspection,
                "name": name,
                "zone": zone,
                "quantity": quantity,
                "decision": decision,
                "characteristic": characteristic,
                "source": source,
                "disagrees": disagrees,
                "instrument_is_suspect": instrument_is_suspect,
                "measured_since": measured_since,
                "measured_until": measured_until,
            },
        )

    def get_inspection(self, inspection_id: str, *, held: InspectionFull | None = None) -> InspectionFull:
        """One inspection and its measurements.

        Parameters
        ----------
        held : what the caller holds already; given back where it is unchanged
        """
        record: InspectionFull = self._calls.get(f"{self._calls.workspace}/inspections/{quoted(inspection_id)}", held)
        return record

    def cancel_inspection(self, inspection_id: str, *, reason: str | None = None) -> InspectionOut:
        """Stop an inspection. One that a worker carries stops at its next step."""
        record: InspectionOut = self._calls.act(
            "POST", f"{self._calls.workspace}/inspections/{quoted(inspection_id)}/cancel", body={"reason": reason}
        )
        return record

    def retry_inspection(self, inspection_id: str) -> InspectionOut:
        """Take a failed or cancelled inspection up again."""
        record: InspectionOut = self._calls.act(
            "POST", f"{self._calls.workspace}/inspections/{quoted(inspection_id)}/retry"
        )
        return record

    def amend_inspection(
        self,
        inspection_id: str,
        *,
        reason: str,
        cad_revision: str | None = None,
        characteristic_set: str | None = None,
        instrument: str | None = None,
        parameters: Parameters | None = None,
        idempotency_key: str | None = None,
    ) -> InspectionOut:
        """Amend an issued report by a new one.

        The new report names the original and the reason; the original stays as it is (ISO/IEC 17025, 7.8.8).

        Parameters
        ----------
        idempotency_key : whoever repeats the call under its key gets the same answer; None: a new one
        """
        record: InspectionOut = self._calls.once(
            f"{self._calls.workspace}/inspections/{quoted(inspection_id)}/amend",
            idempotency_key,
            body={
                "reason": reason,
                "cad_revision": cad_revision,
                "characteristic_set": characteristic_set,
                "instrument": instrument,
                "parameters": parameters,
            },
        )
        return record

    def replay_inspection(self, inspection_id: str, *, idempotency_key: str | None = None) -> ReplayOut:
        """Compute the verdict again from its evidence.

        Parameters
        ----------
        idempotency_key : whoever repeats the call under its key gets the same answer; None: a new one
        """
        record: ReplayOut = self._calls.once(
            f"{self._calls.workspace}/inspections/{quoted(inspection_id)}/replays", idempotency_key
        )
        return record

    def list_inspection_replays(self, inspection_id: str, *, at_most: int | None = None) -> Iterator[ReplayOut]:
        """Replays of an inspection.

        Parameters
        ----------
        at_most : how many to take; None: all
        """
        return self._calls.pages(
            f"{self._calls.workspace}/inspections/{quoted(inspection_id)}/replays", at_most=at_most
        )

    def get_inspection_replay(self, inspection_id: str, replay_id: str, *, held: ReplayOut | None = None) -> ReplayOut:
        """One replay.

        Parameters
        ----------
        held : what the caller holds already; given back where it is unchanged
        """
        record: ReplayOut = self._calls.get(
            f"{self._calls.workspace}/inspections/{quoted(inspection_id)}/replays/{quoted(replay_id)}", held
        )
        return record
