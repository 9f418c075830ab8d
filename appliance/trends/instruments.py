"""Does the part move, or the sensor?  Reference artefacts do not change: what moves in them is the instrument.

Each characteristic of an artefact has a chart of its own for every instrument (by name), by the limits that were frozen
for that artefact, else by those of its first ``BASELINE`` values with this instrument.  An instrument
is *suspect* since the measurement before the first signal, the last one that vouched for it; its verdicts from then on
are too, until it is calibrated anew: values of an earlier revision of its statement say nothing of the newest.

Charts of artefacts hold the latest ``charts.MOST_POINTS`` values.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Final

from appliance.audit.recording import record
from appliance.core.clock import rfc3339_us, utc_now
from appliance.errors import Conflict, InvalidInput
from appliance.plant.assets import find_asset
from appliance.plant.models import Asset, Instrument
from appliance.plant.repository import checked_text
from appliance.rollups.lines import characteristics_of
from appliance.spc.records import PhaseOne
from appliance.spc.rules import beyond, one_side, trend
from appliance.spc.variables import individuals_limits
from appliance.tenancy.scope import WorkspaceScope
from appliance.trends.charts import Point, RuleSignal, limits_of, points_of, signals_of
from appliance.trends.models import ReferenceArtefact

#: What tells of a shift or a drift; all eight of Nelson's would suspect a good instrument every month.
RULES: Final = (beyond(), one_side(9), trend(6))
#: Values of an artefact that limits are made of where none were frozen.
BASELINE: Final = 20
STEADY: Final = "steady"
SUSPECT: Final = "suspect"
UNKNOWN: Final = "unknown"


@dataclass(frozen=True)
class Suspicion:
    """A signal in the chart of an artefact."""

    asset_id: str
    asset: str
    characteristic_id: str
    signal: RuleSignal
    last_good_at: str | None


@dataclass(frozen=True)
class InstrumentState:
    """``state`` is steady, suspect or unknown: its artefacts have too few values; ``suspect_since`` the last good one.

    Where no value was good before, everything since its calibration is suspect (``suspect_since`` is empty).
    """

    instrument: str
    instrument_id: str
    state: str
    suspect_since: str | None
    checked: int
    suspicions: tuple[Suspicion, ...]


def declare_reference(scope: WorkspaceScope, asset: str, reason: str) -> ReferenceArtefact:
    """Say that an asset (id or name) is an artefact that does not change.

    Raises
    ------
    NotFound : there is no such asset
    Conflict : it is one already
    """
    known, why, now = find_asset(scope, asset), checked_text(reason, "reason"), rfc3339_us(utc_now())
    with scope.transaction():
        if ReferenceArtefact.known(asset_id=known.id) is not None:
            raise Conflict("reference.known", f"'{known.name}' is a reference artefact already.")
        row: ReferenceArtefact = ReferenceArtefact.create(
            asset_id=known.id, reason=why, created_at=now, created_by=scope.principal.id
        )
        record(scope, "reference.declared", {}, {"asset": known.id, "reason": why})
    return row


def instrument_states(scope: WorkspaceScope) -> tuple[InstrumentState, ...]:
    """Every instrument that has measured a reference artefact, by name."""
    with scope:
        found: dict[str, list[tuple[int, Suspicion | None]]] = defaultdict(list)
        for artefact in ReferenceArtefact.select().order_by(ReferenceArtefact.asset_id):
            asset = Asset.known(id=artefact.asset_id)
            for characteristic in characteristics_of(scope.database, asset.id):
                for name, seen in _checked(scope, asset, characteristic).items():
                    found[name].append(seen)
        return tuple(_state(name, seen) for name, seen in sorted(found.items()))


def _checked(scope: WorkspaceScope, asset: Asset, characteristic: str) -> dict[str, tuple[int, Suspicion | None]]:
    """Of each instrument: how many values were judged, and the first signal in them."""
    frozen, by_name = limits_of(scope, characteristic, asset.id), defaultdict[str, list[Point]](list)
    for point in points_of(scope, characteristic, asset.id, "", "9999"):
        if point.instrument_id is not None and _is_newest(point.instrument_id):
            by_name[Instrument.known(id=point.instrument_id).name].append(point)
    return {name: _judged(asset, characteristic, frozen, points) for name, points in by_name.items()}


def _judged(
    asset: Asset, characteristic: str, frozen: PhaseOne | None, points: list[Point]
) -> tuple[int, Suspicion | None]:
    limits, later = frozen, points
    if limits is None:
        try:
            limits = (
                individuals_limits([point.value for point in points[:BASELINE]]) if len(points) > BASELINE else None
            )
        except InvalidInput:  # all alike: nothing can be told of them
            limits = None
        later = points[BASELINE:]
    if limits is None:
        return 0, None
    signals = signals_of(limits, later, RULES)
    if not signals:
        return len(later), None
    first = min(signals[0].points)
    before = [point.measured_at for point in (*points[: len(points) - len(later)], *later[:first])]
    return len(later), Suspicion(asset.id, asset.name, characteristic, signals[0], before[-1] if before else None)


def _is_newest(instrument_id: str) -> bool:
    row = Instrument.known(id=instrument_id)
    return bool(Instrument.alike(newest_first="revision", name=row.name)[0].id == instrument_id)


def _state(name: str, seen: list[tuple[int, Suspicion | None]]) -> InstrumentState:
    checked, suspicions = sum(count for count, _ in seen), [one for _, one in seen if one is not None]
    newest = Instrument.alike(newest_first="revision", name=name)[0].id
    if not suspicions:
        return InstrumentState(name, newest, STEADY if checked else UNKNOWN, None, checked, ())
    since = min(one.last_good_at or "" for one in suspicions)
    return InstrumentState(name, newest, SUSPECT, since, checked, tuple(suspicions))
