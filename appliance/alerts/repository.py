"""Questions of the rules to other tables of the open scope that are answered by counting there."""

from __future__ import annotations

from typing import Any

from peewee import fn

from appliance.measurements.models import Measurement
from appliance.plant.models import Instrument
from appliance.scans.models import STORED, Scan


def latest_scans() -> dict[str, str]:
    """When the latest scan of each asset came, by the asset's id."""
    rows: Any = Scan.select(Scan.asset_id, fn.MAX(Scan.received_at)).where(Scan.state == STORED)
    return {str(asset): str(received) for asset, received in rows.group_by(Scan.asset_id).tuples()}


def overdue_instruments(before: str) -> list[Instrument]:
    """The newest revision of every instrument whose calibration was due ``before`` that day."""
    newer: Any = Instrument.alias()
    newest = newer.select(fn.MAX(newer.revision)).where(newer.name == Instrument.name)
    due = Instrument.select().where(Instrument.due_on < before, Instrument.revision == newest)
    return list(due.order_by(Instrument.id))


def measured_with(instrument_id: str, after: str, until: str) -> tuple[int, str | None]:
    """How many measurements an instrument made within a time, and when the first of them."""
    rows: Any = Measurement.select(fn.COUNT(Measurement.id), fn.MIN(Measurement.measured_at)).where(
        Measurement.instrument_id == instrument_id, Measurement.measured_at > after, Measurement.measured_at <= until
    )
    count, first = next(iter(rows.tuples()))
    return int(count), first
