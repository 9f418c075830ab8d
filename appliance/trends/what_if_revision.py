"""What if another CAD revision's limits had counted: values of a part judged by its plan, and nothing written.

Values are those measured against the revisions of their time; only limits are the other revision's.  Where geometry
differs, a scan compared with the other revision would have given other values, and the answer says so.  Characteristics
are the same where name, zone, quantity and unit are; what cannot be compared is named, with the reason.

The plan of a revision is the one asked for, else that of the latest inspection against it, else the part's current one.
Reads at most ``what_if.MOST_VALUES`` values, the latest ones of each characteristic.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from appliance.cad.models import CadRevision
from appliance.cad.revisions import get_revision
from appliance.errors import Conflict, InvalidInput
from appliance.measurements.models import CharacteristicSetRow, MeasuredCharacteristic
from appliance.measurements.plan import read_plan
from appliance.measurements.sets import get_set
from appliance.objects.sealed import ObjectStore
from appliance.plant.models import Part
from appliance.qc.records import Characteristic
from appliance.tenancy.scope import WorkspaceScope
from appliance.trends.characteristics import find_characteristic
from appliance.trends.what_if import MOST_VALUES, Rejudged, rejudged

#: Characteristics of a part that one question compares.
MOST_CHARACTERISTICS: Final = 1_000
MISSING: Final = "missing"
UNIT: Final = "unit"
QUANTITY: Final = "quantity"
ZONE: Final = "zone"
#: Unit of the limits of every plan.
_PLAN_UNIT: Final = "mm"
_VALUES: Final = (
    "SELECT inspection_id, value, u, decision, cad_revision_id FROM measurement "
    "WHERE characteristic_id = ? AND superseded_by IS NULL AND value IS NOT NULL AND measured_at >= ? "
    "AND measured_at < ? AND (? = '' OR asset_id = ?) AND (? = '' OR cad_revision_id = ?) "
    "AND (cad_revision_id IS NULL OR cad_revision_id <> ?) ORDER BY measured_at DESC, id DESC LIMIT ?"
)
_LATEST_PLAN: Final = (
    "SELECT characteristic_set_id FROM inspection WHERE part_id = ? AND cad_revision_id = ? "
    "AND characteristic_set_id IS NOT NULL ORDER BY id DESC LIMIT 1"
)


@dataclass(frozen=True)
class JudgedCharacteristic:
    """One characteristic by the limits of the revision; ``zone`` and ``unit`` are the same in both."""

    characteristic_id: str
    name: str
    zone: str
    unit: str
    found: Rejudged


@dataclass(frozen=True)
class NotCompared:
    """A measured characteristic that the revision's plan says nothing comparable of; ``reason`` is one of the words."""

    characteristic_id: str
    name: str
    zone: str
    reason: str
    message: str


@dataclass(frozen=True)
class MeasuredAgainst:
    """Where values come from: a revision, or none (imported); ``is_same_geometry`` compares CAD files and units."""

    cad_revision_id: str | None
    label: str
    values: int
    is_same_geometry: bool


@dataclass(frozen=True)
class RejudgedByRevision:
    """History by the limits of a revision; ``plan_is`` says why by this plan, ``note`` what the values are."""

    cad_revision_id: str
    label: str
    characteristic_set_id: str
    plan_version: int
    plan_is: str
    note: str
    measured_against: tuple[MeasuredAgainst, ...]
    characteristics: tuple[JudgedCharacteristic, ...]
    not_compared: tuple[NotCompared, ...]


@dataclass
class _Question:
    """What is asked of every characteristic, and whence the values came that were read."""

    revision: CadRevision
    asset: str
    against: str
    since: str
    until: str
    most: int
    sources: Counter[str | None] = field(default_factory=Counter)

    def judge(self, scope: WorkspaceScope, known: MeasuredCharacteristic, planned: Characteristic) -> Rejudged:
        wanted = (known.id, self.since, self.until, self.asset, self.asset, self.against, self.against)
        rows = scope.database.look_up(_VALUES, *wanted, self.revision.id, self.most + 1)
        self.sources.update(row[4] for row in rows[: self.most])
        return rejudged([row[:4] for row in rows], planned.lower_mm, planned.upper_mm, self.most)


def judged_by_revision(
    scope: WorkspaceScope,
    cad_revision: str,
    *,
    characteristic_set: str | None = None,
    against: str | None = None,
    characteristic: str | None = None,
    asset: str | None = None,
    since: str = "",
    until: str = "9999",
) -> RejudgedByRevision:
    """What was measured on the revision's part against others (or against one of them), by this revision's limits.

    Raises
    ------
    NotFound : there is no such revision, plan or characteristic
    InvalidInput : the plan, the revision ``against`` or the characteristic is another part's, or it has too many
    Conflict : the revision has no plan, or several characteristics have the name
    """
    revision = get_revision(scope, cad_revision)
    if against is not None:
        _require_part(revision, get_revision(scope, against).part_id, "revision")
    row, why = _plan_of(scope, revision, characteristic_set)
    planned = read_plan(ObjectStore.of(scope).read(row.object), diagonal_mm=revision.diagonal_mm).characteristics
    by_name = {one.name: one for one in planned.characteristics}
    measured = _measured(scope, revision, characteristic)
    comparable = [one for one in measured if _difference(one, by_name.get(one.name)) is None]
    most = max(1, MOST_VALUES // max(1, len(comparable)))
    question = _Question(revision, asset or "", against or "", since, until, most)
    with scope:
        judged = tuple(
            JudgedCharacteristic(one.id, one.name, one.zone, one.unit, question.judge(scope, one, by_name[one.name]))
            for one in comparable
        )
        sources = _sources(revision, question.sources)
    left_out = tuple(one for one in (_not_compared(one, by_name.get(one.name)) for one in measured) if one is not None)
    return RejudgedByRevision(
        revision.id, revision.label, row.id, row.version, why, _note(revision, sources), sources, judged, left_out
    )


def _plan_of(scope: WorkspaceScope, revision: CadRevision, asked: str | None) -> tuple[CharacteristicSetRow, str]:
    if asked is not None:
        row = get_set(scope, asked)
        _require_part(revision, row.part_id, "characteristic set")
        return row, "asked for"
    with scope:
        latest = scope.database.look_up(_LATEST_PLAN, revision.part_id, revision.id)
        current = Part.known(id=revision.part_id).current_characteristic_set_id
    if latest:
        return get_set(scope, latest[0][0]), "of the latest inspection against the revision"
    if current is None:
        raise Conflict("inspection.no_plan", f"The part of revision '{revision.label}' has no characteristics.")
    return get_set(scope, current), "the part's current one: nothing was inspected against the revision yet"


def _require_part(revision: CadRevision, part_id: str, what: str) -> None:
    if part_id != revision.part_id:
        raise InvalidInput("what_if.part", f"The {what} is another part's than revision '{revision.label}'.")


def _measured(scope: WorkspaceScope, revision: CadRevision, asked: str | None) -> list[MeasuredCharacteristic]:
    if asked is not None:
        one = find_characteristic(scope, asked)
        _require_part(revision, one.part_id, "characteristic")
        return [one]
    with scope:
        found = list(MeasuredCharacteristic.alike(newest_first="id", part_id=revision.part_id))
    if len(found) > MOST_CHARACTERISTICS:
        message = f"The part has {len(found)} characteristics; at most {MOST_CHARACTERISTICS} are judged at once."
        raise InvalidInput("what_if.many", message, "Name one characteristic.")
    return sorted(found, key=lambda one: (one.name, one.id))


def _difference(known: MeasuredCharacteristic, planned: Characteristic | None) -> tuple[str, str] | None:
    """Why the limits of the plan say nothing of these values: a word and a sentence; None where they do."""
    if planned is None:
        return MISSING, "The revision's plan has no characteristic of this name."
    if known.unit != _PLAN_UNIT:
        return UNIT, f"Its values are in {known.unit}, the limits of the revision's plan in {_PLAN_UNIT}."
    if known.quantity != planned.quantity:
        return QUANTITY, f"It is a {known.quantity}; the revision's plan means a {planned.quantity}."
    if known.zone != planned.zone:
        return ZONE, f"It was measured in the zone '{known.zone}'; the revision's plan means '{planned.zone}'."
    return None


def _not_compared(known: MeasuredCharacteristic, planned: Characteristic | None) -> NotCompared | None:
    why = _difference(known, planned)
    return None if why is None else NotCompared(known.id, known.name, known.zone, *why)


def _sources(revision: CadRevision, counted: Counter[str | None]) -> tuple[MeasuredAgainst, ...]:
    """The revisions that the values were measured against, the most values first."""
    found = []
    for revision_id, values in counted.most_common():
        other: Any = CadRevision.known(id=revision_id) if revision_id else None
        same = other is not None and (other.sha256, other.unit) == (revision.sha256, revision.unit)
        found.append(MeasuredAgainst(revision_id, other.label if other else "", values, same))
    return tuple(found)


def _note(revision: CadRevision, sources: Sequence[MeasuredAgainst]) -> str:
    changed = [one.label or "none (imported)" for one in sources if not one.is_same_geometry]
    said = f"Values are as they were measured; only the limits are those of revision '{revision.label}'."
    if not changed:
        return said
    others = ", ".join(changed)
    return f"{said} Nominal geometry is not known to be the same as in: {others}. Against it, values would be others."
