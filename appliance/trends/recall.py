"""Recall: every verdict and report that depends on an instrument, a revision, an operator, a time.

All measurements of an inspection were made on one occasion, so one of them is asked.  Verdicts that were amended are
told with what amended them.  Reads the inspections in their order, page by page: cost grows with inspections.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from appliance.db.listing import LARGEST_PAGE
from appliance.measurements.suspicion import Marks, marks
from appliance.tenancy.scope import WorkspaceScope

_ONE: Final = (
    "SELECT i.id, i.asset_id, i.verdict, i.report_number, i.issued_at, i.state, m.measured_at, m.instrument_id, "
    "m.cad_revision_id, m.operator_id, m.superseded_by FROM inspection i JOIN measurement m ON m.id = "
    "(SELECT n.id FROM measurement n WHERE n.inspection_id = i.id LIMIT 1) WHERE i.id > ? "
)
_DEPENDS: Final = (
    "AND (? = '' OR m.cad_revision_id = ?) AND (? = '' OR m.operator_id = ?) AND (? = '' OR m.asset_id = ?) "
    "AND m.measured_at >= ? AND m.measured_at < ? "
)
_PAGE: Final = "ORDER BY i.id LIMIT ?"
_ANY: Final = f"{_ONE} {_DEPENDS} {_PAGE}"
#: ``COALESCE`` keeps SQLite from making an index of all that these instruments ever measured, for one page.
_OF_NAME: Final = "AND COALESCE(m.instrument_id, '') IN (SELECT id FROM instrument WHERE name = ? OR id = ?)"
_BY_NAME: Final = f"{_ONE} {_OF_NAME} {_DEPENDS} {_PAGE}"


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
) -> list[Dependent]:
    """The dependent inspections behind the id ``after``, in the order of their ids; what is not named may be anything.

    ``instrument`` is the id of one revision of a statement, or a name: that of all of its revisions.
    """
    wanted: list[Any] = []
    for one in (cad_revision, operator, asset):
        wanted += [one or "", one or ""]
    with scope:
        if instrument is None:
            rows = scope.database.look_up(_ANY, after, *wanted, since, until, limit)
        else:
            rows = scope.database.look_up(_BY_NAME, after, instrument, instrument, *wanted, since, until, limit)
    standing = marks(scope)
    return [_dependent(row, standing) for row in rows]


def _dependent(row: tuple[Any, ...], standing: Marks) -> Dependent:
    measured_at, instrument_id = row[6], row[7]
    values: tuple[Any, ...] = (*row, standing.of(instrument_id, measured_at) is not None)
    return Dependent(*values)
