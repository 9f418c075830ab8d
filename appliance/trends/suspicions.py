"""Instruments that moved are put down, so that every verdict that depends on them says so (``measurements.suspicion``).

Looked for by the scheduler.  A revision of an instrument is suspect once, with the earliest moment that was found; a
look that is done again writes nothing new.  No look lifts anything: a drift is explained by somebody.
"""

from __future__ import annotations

from collections.abc import Sequence

from appliance.audit.recording import record
from appliance.core.canonical import canonical_bytes
from appliance.core.clock import rfc3339_us, utc_now
from appliance.core.ids import new_id
from appliance.measurements.models import InstrumentSuspicion
from appliance.queue.outbox import emit
from appliance.tenancy.scope import WorkspaceScope
from appliance.trends.instruments import Suspicion, suspicions_by_revision


def watch_instruments(scope: WorkspaceScope) -> int:
    """Put down every revision of an instrument that moved; returns how many are new or suspect since earlier.

    What was explained during the look is left to the next one: what was seen of it may be what was explained.
    """
    lifted = _lifted(scope)
    found = suspicions_by_revision(scope)
    if not found:
        return 0
    with scope.transaction():
        explained = {revision for _, revision in _lifted(scope) - lifted}
        return sum(_put_down(scope, one, seen) for one, seen in sorted(found.items()) if one not in explained)


def _lifted(scope: WorkspaceScope) -> set[tuple[str, str]]:
    """Suspicions that were explained, each with its revision."""
    with scope:
        return {(row.id, row.instrument_id) for row in InstrumentSuspicion.alike() if row.lifted_at is not None}


def _put_down(scope: WorkspaceScope, instrument_id: str, seen: Sequence[Suspicion]) -> bool:
    """Whether this revision was not suspect so far, or only since later."""
    since, now = min(one.last_good_at or "" for one in seen), rfc3339_us(utc_now())
    standing = InstrumentSuspicion.get_or_none(
        InstrumentSuspicion.instrument_id == instrument_id, InstrumentSuspicion.lifted_at.is_null()
    )
    if standing is not None and standing.since <= since:
        return False
    if standing is None:
        row_id = new_id("sus")
        InstrumentSuspicion.create(
            id=row_id, instrument_id=instrument_id, since=since, evidence=_evidence(seen), found_at=now
        )
    else:
        row_id = standing.id
        earlier = {"since": since, "evidence": _evidence(seen)}
        InstrumentSuspicion.update(**earlier).where(InstrumentSuspicion.id == row_id).execute()
    facts = {"suspicion": row_id, "instrument": instrument_id, "since": since, "why": seen[0].signal.reason}
    record(scope, "instrument.suspected", {}, facts)
    emit("instrument.suspected", {"suspicion": row_id, "instrument": instrument_id})
    return True


def _evidence(seen: Sequence[Suspicion]) -> str:
    told = [
        {
            "asset": one.asset, "asset_id": one.asset_id, "characteristic_id": one.characteristic_id,
            "measured_at": one.signal.measured_at, "why": one.signal.reason,
        }
        for one in seen
    ]  # fmt: skip
    return canonical_bytes(told).decode()
