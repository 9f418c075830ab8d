"""Suspect instruments: a calibration ran out, and the instrument goes on measuring."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from appliance.alerts.records import Asked, Found, Look, RuleKind
from appliance.alerts.repository import measured_with, overdue_instruments
from appliance.core.clock import rfc3339_us
from appliance.plant.models import Instrument
from appliance.tenancy.scope import WorkspaceScope


def look(scope: WorkspaceScope, asked: Asked) -> Look:
    """Every revision of an instrument that measured after its calibration was due, and is the newest of its name.

    A newer statement ends the cause; what was measured meanwhile stays what it is.
    """
    today = asked.now.date() - timedelta(days=int(asked.settings["grace_days"]))
    due = overdue_instruments(today.isoformat())
    return Look([one for row in due if (one := _used(row, rfc3339_us(asked.now)))])


def _used(row: Instrument, now: str) -> Found | None:
    # due_on is the last good day: from the next midnight on
    count, first = measured_with(row.id, f"{row.due_on}T99", now)
    if not count:
        return None
    evidence = {"due_on": row.due_on, "measurements": count, "first_at": first, "certificate": row.certificate}
    title = f"{row.name} ({row.serial}) measured {count} values after its calibration was due on {row.due_on}"
    return Found(row.id, title, evidence, instrument_id=row.id)


KIND: Final = RuleKind(
    "suspect_instrument",
    "An instrument measures although its calibration ran out.",
    {"grace_days": 0},
    {"grace_days": (0, 3650)},
    look,
)
