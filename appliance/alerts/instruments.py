"""Suspect instruments: one measures on after its calibration ran out, or what it sees of a reference artefact moves."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from appliance.alerts.records import Asked, Found, Look, RuleKind
from appliance.alerts.repository import measured_with, overdue_instruments
from appliance.core.clock import rfc3339_us
from appliance.plant.models import Instrument
from appliance.tenancy.scope import WorkspaceScope
from appliance.trends.instruments import SUSPECT, InstrumentState, instrument_states


def look(scope: WorkspaceScope, asked: Asked) -> Look:
    """Every newest revision of an instrument that measured after its calibration was due, or that moved.

    A newer statement ends the cause; what was measured meanwhile stays what it is.
    """
    today = asked.now.date() - timedelta(days=int(asked.settings["grace_days"]))
    due = overdue_instruments(today.isoformat())
    overdue = [one for row in due if (one := _used(row, rfc3339_us(asked.now)))]
    return Look([*overdue, *(_moving(one) for one in instrument_states(scope) if one.state == SUSPECT)])


def _used(row: Instrument, now: str) -> Found | None:
    # due_on is the last good day: from the next midnight on
    count, first = measured_with(row.id, f"{row.due_on}T99", now)
    if not count:
        return None
    evidence = {"due_on": row.due_on, "measurements": count, "first_at": first, "certificate": row.certificate}
    title = f"{row.name} ({row.serial}) measured {count} values after its calibration was due on {row.due_on}"
    return Found(row.id, title, evidence, instrument_id=row.id)


def _moving(state: InstrumentState) -> Found:
    """An instrument whose reference artefacts say that it moved."""
    since = f"since {state.suspect_since[:10]}" if state.suspect_since else "since its calibration"
    evidence = {
        "suspect_since": state.suspect_since,
        "artefacts": [
            {"asset": one.asset, "characteristic": one.characteristic_id, "why": one.signal.reason}
            for one in state.suspicions
        ],
    }
    title = f"{state.instrument} is suspect {since}: its reference artefacts moved"
    return Found(f"{state.instrument_id} artefact", title, evidence, instrument_id=state.instrument_id)


KIND: Final = RuleKind(
    "suspect_instrument",
    "An instrument measures although its calibration ran out, or its reference artefacts move.",
    {"grace_days": 0},
    {"grace_days": (0, 3650)},
    look,
)
