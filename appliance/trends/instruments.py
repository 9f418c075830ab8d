"""Does the part move, or the sensor?  Reference artefacts do not change: what moves in them is the instrument.

Each characteristic of an artefact has a chart of its own for every instrument (by name), by the limits that were frozen
for that artefact, else by those of its first ``BASELINE`` values with this instrument.  An instrument
is *suspect* since the measurement before the first signal, the last one that vouched for it; its verdicts from then on
are too, until it is calibrated anew: values of an earlier revision of its statement say nothing of the newest.  What
somebody has explained (``measurements.suspicion``) is no signal any more.

Charts of artefacts hold the latest ``charts.MOST_POINTS`` values; limits stay those of the first.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Final

from appliance.audit.recording import record
from appliance.core.clock import rfc3339_us, utc_now
from appliance.errors import Conflict, InvalidInput
from appliance.measurements.models import InstrumentSuspicion
from appliance.plant.assets import find_asset
from appliance.plant.models import Asset, Instrument
from appliance.plant.repository import checked_text
from appliance.rollups.lines import characteristics_of
from appliance.spc.records import PhaseOne
from appliance.spc.rules import beyond, one_side, trend
from appliance.spc.variables import individuals_limits
from appliance.tenancy.scope import WorkspaceScope
from appliance.trends.charts import MOST_POINTS, Point, RuleSignal, limits_of, points_of, signals_of
from appliance.trends.models import ReferenceArtefact

#: What tells of a shift or a drift; all eight of Nelson's would suspect a good instrument every month.
RULES: Final = (beyond(), one_side(9), trend(6))
#: Values of an artefact that limits are made of where none were frozen.
BASELINE: Final = 20
_FIRST: Final = (
    "SELECT measured_at, value, inspection_id, instrument_id FROM measurement WHERE characteristic_id = ? AND "
    "asset_id = ? AND instrument_id = ? AND superseded_by IS NULL AND value IS NOT NULL AND measured_at >= COALESCE(("
    "SELECT MIN(first_at) FROM rollup_condition WHERE asset_id = ? AND instrument_id = ?), '') "
    "ORDER BY measured_at, id LIMIT ?"
)
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
    """Every instrument that has measured a reference artefact, by name: what is said of its newest revision."""
    with scope:
        found = _seen(scope)
        names = {one: Instrument.known(id=one).name for one in found}
        states = [_state(names[one], one, seen) for one, seen in found.items() if _newest(names[one]) == one]
    return tuple(sorted(states, key=lambda state: state.instrument))


def suspicions_by_revision(scope: WorkspaceScope) -> dict[str, list[Suspicion]]:
    """Every signal that nobody has explained, by the id of the revision of the instrument that moved."""
    with scope:
        found = {one: [each for _, each in seen if each is not None] for one, seen in _seen(scope).items()}
    return {one: signals for one, signals in found.items() if signals}


def _seen(scope: WorkspaceScope) -> dict[str, list[tuple[int, Suspicion | None]]]:
    """What every chart of an artefact says of every revision of an instrument, by the revision's id."""
    found: dict[str, list[tuple[int, Suspicion | None]]] = defaultdict(list)
    explained = _explained()
    for artefact in sorted(ReferenceArtefact.alike(), key=lambda one: one.asset_id):
        asset = Asset.known(id=artefact.asset_id)
        for characteristic in characteristics_of(scope.database, asset.id):
            frozen = limits_of(scope, characteristic, asset.id)
            latest = points_of(scope, characteristic, asset.id, "", "9999", MOST_POINTS)
            for revision, points in _by_revision(latest).items():
                first = _first_of(scope, characteristic, asset.id, revision) if len(latest) == MOST_POINTS else points
                seen = _judged(asset, characteristic, frozen, points, first, explained.get(revision, ""))
                found[revision].append(seen)
    return found


def _first_of(scope: WorkspaceScope, characteristic: str, asset: str, revision: str) -> list[Point]:
    """The first values of a revision, of which the chart may hold only later ones."""
    rows = scope.database.look_up(_FIRST, characteristic, asset, revision, asset, revision, BASELINE + 1)
    return [Point(*row) for row in rows]


def _explained() -> dict[str, str]:
    """Until when what an instrument showed is explained: the latest lifting of a suspicion, by revision."""
    lifted = [row for row in InstrumentSuspicion.alike() if row.lifted_at is not None]
    return {row.instrument_id: row.lifted_at for row in sorted(lifted, key=lambda row: row.lifted_at)}


def _by_revision(points: list[Point]) -> dict[str, list[Point]]:
    by_revision = defaultdict[str, list[Point]](list)
    for point in points:
        if point.instrument_id is not None:
            by_revision[point.instrument_id].append(point)
    return by_revision


def _judged(
    asset: Asset, characteristic: str, frozen: PhaseOne | None, points: list[Point], first: list[Point], explained: str
) -> tuple[int, Suspicion | None]:
    """How many values of one instrument were judged, and the first signal in those that nobody has explained.

    ``first`` are its first values, in ``points`` or before them: what came before the latest was judged when it came.
    """
    limits, judged = frozen, points
    if limits is None:
        limits, made_of = _baseline(first), {point.inspection_id for point in first[:BASELINE]}
        judged = [point for point in points if point.inspection_id not in made_of]
    if limits is None:
        return 0, None
    later = [point for point in judged if point.measured_at > explained]
    signals = signals_of(limits, later, RULES)
    if not signals:
        return len(judged), None
    before = points[: len(points) - len(later) + min(signals[0].points)]
    if not before and first[0] != points[0]:
        before = points[:1]
    last_good = before[-1].measured_at if before else None
    return len(judged), Suspicion(asset.id, asset.name, characteristic, signals[0], last_good)


def _baseline(first: list[Point]) -> PhaseOne | None:
    """Limits of the first values where none were frozen; None where these are too few or all alike."""
    if len(first) <= BASELINE:
        return None
    try:
        return individuals_limits([point.value for point in first[:BASELINE]])
    except InvalidInput:
        return None


def _newest(name: str) -> str:
    newest: str = Instrument.alike(newest_first="revision", name=name)[0].id
    return newest


def _state(name: str, newest: str, seen: list[tuple[int, Suspicion | None]]) -> InstrumentState:
    checked, suspicions = sum(count for count, _ in seen), [one for _, one in seen if one is not None]
    if not suspicions:
        return InstrumentState(name, newest, STEADY if checked else UNKNOWN, None, checked, ())
    since = min(one.last_good_at or "" for one in suspicions)
    return InstrumentState(name, newest, SUSPECT, since, checked, tuple(suspicions))
