"""What if the limits had been others: history judged again, by the one decision rule, and nothing written.

Only limits are proposed; ``what_if_revision`` takes those of another CAD revision.  Reads at most ``MOST_VALUES``
values, the latest ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from appliance.errors import InvalidInput
from appliance.qc.decision import decide
from appliance.qc.records import INCONCLUSIVE
from appliance.tenancy.scope import WorkspaceScope
from appliance.trends.characteristics import find_characteristic

MOST_VALUES: Final = 50_000
#: Inspections whose decision would change, that are named.
MOST_NAMED: Final = 100
_COLUMNS: Final = "SELECT inspection_id, value, u, decision FROM measurement WHERE characteristic_id = ?"
_COUNTS: Final = "superseded_by IS NULL AND value IS NOT NULL AND measured_at >= ? AND measured_at < ?"
_LATEST: Final = "ORDER BY measured_at DESC, id DESC LIMIT ?"
_OF_PART: Final = f"{_COLUMNS} AND {_COUNTS} {_LATEST}"
_OF_ASSET: Final = f"{_COLUMNS} AND asset_id = ? AND {_COUNTS} {_LATEST}"


@dataclass(frozen=True)
class Change:
    """How many decisions would go from one to another."""

    before: str
    after: str
    count: int


@dataclass(frozen=True)
class Rejudged:
    """``judged`` values under the proposed limits; ``is_complete``: that were all there are.

    ``changes`` counts every pair of decisions, those that stay included; ``inspections`` names the latest whose
    decision would be another.
    """

    lower: float | None
    upper: float | None
    judged: int
    is_complete: bool
    changes: tuple[Change, ...]
    inspections: tuple[str, ...]


def judged_again(
    scope: WorkspaceScope,
    characteristic: str,
    lower: float | None,
    upper: float | None,
    *,
    asset: str | None = None,
    since: str = "",
    until: str = "9999",
) -> Rejudged:
    """History of a characteristic under proposed limits (None: no limit there).

    Raises
    ------
    NotFound, Conflict : there is no such characteristic, or several have the name
    InvalidInput : there is no limit, or they are in the wrong order
    """
    if (lower is None and upper is None) or (lower is not None and upper is not None and not lower < upper):
        raise InvalidInput("spc.limits", "Propose a limit, the lower one below the upper one.")
    known = find_characteristic(scope, characteristic)
    with scope:
        if asset is None:
            rows = scope.database.look_up(_OF_PART, known.id, since, until, MOST_VALUES + 1)
        else:
            rows = scope.database.look_up(_OF_ASSET, known.id, asset, since, until, MOST_VALUES + 1)
    return rejudged(rows, lower, upper, MOST_VALUES)


def rejudged(rows: Sequence[Sequence[Any]], lower: float | None, upper: float | None, most: int) -> Rejudged:
    """Rows of (inspection, value, u, decision), the latest first, judged again; those beyond ``most`` only say that."""
    counted: Counter[tuple[str, str]] = Counter()
    changed: list[str] = []
    for inspection, value, u, before in rows[:most]:
        after = decide(value, u, lower, upper) if u else INCONCLUSIVE
        counted[before, after] += 1
        if before != after and len(changed) < MOST_NAMED:
            changed.append(inspection)
    changes = tuple(Change(*pair, count) for pair, count in sorted(counted.items()))
    return Rejudged(lower, upper, min(len(rows), most), len(rows) <= most, changes, tuple(changed))
