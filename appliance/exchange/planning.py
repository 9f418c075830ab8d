"""What recording a file would do, found out before anything is written: items, verdicts, contradictions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from appliance.core.clock import parse_rfc3339, rfc3339_us, utc_now
from appliance.errors import Conflict, InvalidInput
from appliance.exchange.items import Item, find_item
from appliance.exchange.judging import JudgedInspection, judge_inspection
from appliance.exchange.records import Reading, ReportedInspection
from appliance.measurements.recording import Finding, require_units
from appliance.tenancy.scope import WorkspaceScope

NO_TIME: Final = "The file does not say when it was measured; the time of its arrival was taken"
#: A measurement may lie ahead of our clock by a wrong time zone, and by no more.
_MOST_AHEAD: Final = timedelta(days=1)


@dataclass(frozen=True)
class Planned:
    """One inspection of a file: the item that it is about, and how it was judged."""

    item: Item
    judged: JudgedInspection


@dataclass(frozen=True)
class Plan:
    """All inspections of a file, in its order, and what it left open."""

    format: str
    laboratory: str
    inspections: tuple[Planned, ...]
    notes: tuple[str, ...]


def planned(scope: WorkspaceScope, reading: Reading, *, create: bool, received_at: str) -> Plan:
    """Judge every inspection of a file and find its item; nothing is written.

    Raises
    ------
    InvalidInput, NotFound, Conflict : an item cannot be found or made, a time lies ahead, a unit is another than before
    """
    known: dict[tuple[str, str, str], Item] = {}
    found, notes = [], list(reading.notes)
    for number, one in enumerate(reading.inspections, 1):
        names = (one.part, one.asset, one.serial)
        item = known.get(names) or known.setdefault(names, find_item(scope, one, create=create))
        if not one.measured_at and NO_TIME not in notes:
            notes.append(NO_TIME)
        timed = replace(one, measured_at=one.measured_at or received_at)
        _refuse_ahead(timed, number)
        found.append(Planned(item, judge_inspection(timed)))
    _require_units(scope, found)
    return Plan(reading.format, reading.laboratory, tuple(found), tuple(notes))


def _refuse_ahead(one: ReportedInspection, number: int) -> None:
    if parse_rfc3339(one.measured_at) > utc_now() + _MOST_AHEAD:
        message = f"Inspection {number} was measured at {one.measured_at[:19]}, which is still to come."
        raise InvalidInput("results.time", message, f"Now is {rfc3339_us(utc_now())[:19]} UTC.")


def _require_units(scope: WorkspaceScope, found: Sequence[Planned]) -> None:
    """Each characteristic of a part is in one unit, in this file and in whatever came before."""
    of_part: dict[str, dict[str, Finding]] = defaultdict(dict)
    for one in found:
        for row in one.judged.rows:
            finding = row.finding
            first = of_part[one.item.part].setdefault(finding.key, finding)
            if first.unit != finding.unit:
                message = f"'{finding.name}' ({finding.key}) is in {first.unit} and in {finding.unit}."
                raise Conflict("measurement.unit", message, "Give them different keys.")
    ids = {one.item.part: one.item.part_id for one in found}
    for part, findings in of_part.items():
        if part_id := ids[part]:
            require_units(scope, part_id, list(findings.values()))
