"""Recall: every verdict and report that depends on an instrument, a revision, an operator, a time.

All measurements of an inspection were made on one occasion, so one of them is asked.  Verdicts that were amended are
told with what amended them.  Reads the inspections of an instrument or an asset in their order, page by page; where
neither is named, all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from appliance.db.listing import LARGEST_PAGE
from appliance.measurements.suspicion import Marks, marks
from appliance.tenancy.scope import WorkspaceScope
from appliance.trends.unchanged import Unchanged

_ONE: Final = (
    "SELECT i.id, i.asset_id, i.verdict, i.report_number, i.issued_at, i.state, i.measured_at, i.instrument_id, "
    "m.cad_revision_id, m.operator_id, m.superseded_by FROM inspection i JOIN measurement m ON m.id = "
    "(SELECT n.id FROM measurement n WHERE n.inspection_id = i.id LIMIT 1) WHERE i.id > ? "
    "AND i.measured_at >= ? AND i.measured_at < ? "
    "AND (? = '' OR m.cad_revision_id = ?) AND (? = '' OR m.operator_id = ?)"
)
_PAGE: Final = "ORDER BY i.id LIMIT ?"
#: What is named leads to its inspections by their index, in their order.
_ANY: Final = f"{_ONE} {_PAGE}"
_OF_ASSET: Final = f"{_ONE} AND i.asset_id = ? {_PAGE}"
_OF_INSTRUMENT: Final = f"{_ONE} AND i.instrument_id = ? {_PAGE}"
_OF_BOTH: Final = f"{_ONE} AND i.instrument_id = ? AND i.asset_id = ? {_PAGE}"
_unchanged: Final = Unchanged[tuple["Dependent", ...]](64)
_REVISIONS: Final = "SELECT id FROM instrument WHERE name = ? OR id = ?"


@dataclass(frozen=True)
class Dependent:
    """One inspection that depends on what was asked for; ``instrument_is_suspect``: it was measured after it moved."""

    id: str
    asset_id: str
    verdict: str | None
    report_number: str | None
    issued_at: str | None
    state: str
    measured_at: str
    instrument_id: str | None
    cad_revision_id: str | None
    operator_id: str | None
    superseded_by: str | None
    instrument_is_suspect: bool


def recalled(
    scope: WorkspaceScope,
    *,
    instrument: str | None = None,
    cad_revision: str | None = None,
    operator: str | None = None,
    asset: str | None = None,
    since: str = "",
    until: str = "9999",
    after: str = "",
    limit: int = LARGEST_PAGE,
) -> tuple[Dependent, ...]:
    """The dependent inspections behind the id ``after``, in the order of their ids; what is not named may be anything.

    ``instrument`` is the id of one revision of a statement, or a name: that of all of its revisions.
    Remembered while nothing is changed (``trends.unchanged``): 30 kB for a page of 100.
    """
    question = instrument, cad_revision, operator, asset, since, until, after, limit
    return _unchanged.get(scope, question, lambda: _recalled(scope, *question))


def _recalled(
    scope: WorkspaceScope, instrument: str | None, cad_revision: str | None, operator: str | None, asset: str | None,
    since: str, until: str, after: str, limit: int,
) -> tuple[Dependent, ...]:  # fmt: skip
    asked: list[Any] = [after, since, until]
    for one in (cad_revision, operator):
        asked += [one or "", one or ""]
    of_asset = [asset] if asset else []
    with scope:
        if instrument is None:
            rows = scope.database.look_up(_OF_ASSET if asset else _ANY, *asked, *of_asset, limit)
        else:
            question, rows = _OF_BOTH if asset else _OF_INSTRUMENT, []
            for revision in scope.database.look_up(_REVISIONS, instrument, instrument):
                rows += scope.database.look_up(question, *asked, *revision, *of_asset, limit)
            rows = sorted(rows)[:limit]
    standing = marks(scope)
    return tuple(_dependent(row, standing) for row in rows)


def _dependent(row: tuple[Any, ...], standing: Marks) -> Dependent:
    measured_at, instrument_id = row[6], row[7]
    values: tuple[Any, ...] = (*row, standing.of(instrument_id, measured_at) is not None)
    return Dependent(*values)
