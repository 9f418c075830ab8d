"""The one place that writes measurements: every measured characteristic, wherever it was measured, comes through here.

All functions join the caller's transaction, so that measurements, whatever is folded from them and the inspection
that they belong to are there together or not at all.  A row is never changed afterwards; an amendment supersedes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final, TypeVar

from appliance.core.clock import rfc3339_us, utc_now
from appliance.core.ids import new_id
from appliance.db.models import columns_of
from appliance.errors import Conflict, InvalidInput
from appliance.measurements.models import MeasuredCharacteristic, Measurement
from appliance.qc.decision import contradicts
from appliance.rollups.keeping import fold, take_out
from appliance.rollups.records import Counted
from appliance.tenancy.scope import WorkspaceScope

#: Rows that one statement writes or asks for: their values must be fewer than both backends allow in one (32,766).
_AT_ONCE: Final = 500

_COLUMNS: Final = columns_of(Measurement)
_OF_INSPECTION: Final = "UPDATE inspection SET instrument_id = ?, measured_at = ? WHERE id = ?"

Item = TypeVar("Item")


@dataclass(frozen=True)
class Occasion:
    """What the measurements of one inspection have in common.

    ``serial`` is the asset's; ``source`` is ``models.SCAN`` or ``models.IMPORT``; ``measured_at`` is RFC 3339 with
    microseconds (``rfc3339_us``), the moment at which the part was measured.
    """

    inspection_id: str
    part_id: str
    asset_id: str
    serial: str
    source: str
    measured_at: str
    cad_revision_id: str | None = None
    instrument_id: str | None = None
    operator_id: str | None = None


@dataclass(frozen=True)
class Finding:
    """One measured characteristic; ``value`` to ``upper`` in ``unit``, None where there is none.

    ``u`` is the standard uncertainty; ``source_decision`` the verdict of whoever measured it elsewhere.
    """

    key: str
    name: str
    zone: str
    quantity: str
    unit: str
    value: float | None
    u: float | None
    k: float | None
    lower: float | None
    upper: float | None
    decision: str
    coverage: float | None = None
    coverage_required: float | None = None
    conformance_probability: float | None = None
    source_decision: str | None = None

    @property
    def expanded(self) -> float | None:
        """Expanded uncertainty U = k u."""
        return None if self.u is None or self.k is None else self.k * self.u

    @property
    def disagrees(self) -> bool:
        """Whether the source's verdict and ours cannot both be right."""
        return contradicts(self.source_decision, self.decision, self.value, self.u, self.lower, self.upper)


_OF_FINDINGS: Final = (*(one.name for one in fields(Finding) if one.name != "key"), "expanded")


def key_of(name: str, zone: str, quantity: str) -> str:
    """The key of a characteristic that is computed from scans; no two of them share one, whatever signs they hold."""
    return f"{quantity}:{len(zone)}:{zone}:{name}"


def record_measurements(scope: WorkspaceScope, occasion: Occasion, findings: Sequence[Finding]) -> list[str]:
    """Write what one inspection measured, inside the open transaction; returns the characteristic of each finding.

    Its row then says with which instrument and when.

    Raises
    ------
    InvalidInput : two findings have one key
    Conflict : a characteristic is in another unit than before
    """
    with scope.transaction():
        known = _characteristics(scope, occasion.part_id, findings)
        ids = [known[one.key][0] for one in findings]
        scope.database.run(_OF_INSPECTION, occasion.instrument_id, occasion.measured_at, occasion.inspection_id)
        columns = _columns(occasion, ids, findings)
        written = [columns[name] for name in _COLUMNS]
        fold(
            scope,
            list(map(Counted, *(columns[name] for name in Counted._fields))),
            lambda: scope.database.write_columns("measurement", _COLUMNS, written),
        )
    return ids


def require_units(scope: WorkspaceScope, part_id: str, findings: Sequence[Finding]) -> None:
    """Return if the characteristics of a part that are known already are in the units of these findings.

    Raises
    ------
    Conflict : one of them is not
    """
    with scope:
        known = _known(scope, part_id, list({finding.key for finding in findings}))
    for finding in findings:
        if finding.key in known:
            _require_unit(known[finding.key][1], finding)


def supersede_measurements(scope: WorkspaceScope, inspection_ids: Sequence[str], by: str) -> list[Measurement]:
    """Note that the inspection ``by`` amends these: their measurements stay, and count no longer.

    Returns the rows that counted until now.  Joins the open transaction.
    """
    with scope.transaction():
        counted = Measurement.inspection_id.in_(list(inspection_ids)) & Measurement.superseded_by.is_null()
        rows = list(Measurement.select().where(counted))
        Measurement.update(superseded_by=by).where(counted).execute()
        take_out(scope, [_counted(row) for row in rows])
    return rows


def forget_measurements(scope: WorkspaceScope, inspection_ids: Sequence[str]) -> int:
    """Delete the measurements of inspections whose time to be kept has ended; returns how many there were.

    Roll-ups lose them as if they had never been.  Joins the open transaction.
    """
    with scope.transaction():
        theirs = Measurement.inspection_id.in_(list(inspection_ids))
        counted = list(Measurement.select().where(theirs & Measurement.superseded_by.is_null()))
        gone = int(Measurement.delete().where(theirs).execute())
        take_out(scope, [_counted(row) for row in counted])
    return gone


def _characteristics(scope: WorkspaceScope, part_id: str, findings: Sequence[Finding]) -> dict[str, tuple[str, str]]:
    """Id and unit of every finding's characteristic by its key; those that are new to the part are made."""
    wanted = {finding.key: finding for finding in findings}
    if len(wanted) != len(findings):
        raise InvalidInput("measurement.twice", "A characteristic is measured twice in one inspection.")
    known = _known(scope, part_id, list(wanted))
    missing = [finding for key, finding in wanted.items() if key not in known]
    for some in _portions(missing):
        MeasuredCharacteristic.insert_many([_identity(part_id, one) for one in some]).on_conflict_ignore().execute()
    if missing:
        known |= _known(scope, part_id, [finding.key for finding in missing])
    for key, finding in wanted.items():
        _require_unit(known[key][1], finding)
    return known


def _known(scope: WorkspaceScope, part_id: str, keys: Sequence[str]) -> dict[str, tuple[str, str]]:
    wanted = [[part_id] * len(keys), list(keys)] if keys else []
    rows = scope.database.read_rows("characteristic", {"part_id": "text", "key": "text"}, wanted, ("id", "unit"))
    return {key: (row_id, unit) for _, key, row_id, unit in rows}


def _identity(part_id: str, finding: Finding) -> dict[str, Any]:
    return {
        "id": new_id("cha"), "part_id": part_id, "key": finding.key, "name": finding.name, "zone": finding.zone,
        "quantity": finding.quantity, "unit": finding.unit, "created_at": rfc3339_us(utc_now()),
    }  # fmt: skip


def _require_unit(known: str, finding: Finding) -> None:
    if known != finding.unit:
        message = f"'{finding.name}' ({finding.key}) is in {finding.unit}; its earlier values are in {known}."
        raise Conflict("measurement.unit", message, "State the unit of its values, or give it another key.")


def _columns(
    occasion: Occasion, characteristics: Sequence[str], findings: Sequence[Finding]
) -> dict[str, Sequence[Any]]:
    """The columns of all rows: a model each would take as long to build as the database to write it."""
    count = len(findings)
    shared = {**vars(occasion), "recorded_at": rfc3339_us(utc_now()), "superseded_by": None}
    own = {name: [getattr(one, name) for one in findings] for name in _OF_FINDINGS}
    return {
        **{name: [value] * count for name, value in shared.items()},
        **own,
        "id": [new_id("mea") for _ in findings],
        "characteristic_id": characteristics,
        "position": range(count),
        "disagrees": [int(one.disagrees) for one in findings],
    }


def _counted(row: Measurement) -> Counted:
    return Counted(*(row.__data__[name] for name in Counted._fields))


def _portions(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), _AT_ONCE):
        yield items[start : start + _AT_ONCE]
