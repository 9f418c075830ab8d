"""Do laboratories differ in what they measured?  The same test as between machines, from the values themselves.

Roll-ups know no laboratories, so that at most ``MOST_VALUES`` values are read, and a question about more is refused.
What names no laboratory is left out: measured here, or by nobody who said.  Laboratories are compared in one
characteristic: where their files give it other keys, they measured other ones.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from appliance.errors import InvalidInput
from appliance.tenancy.scope import WorkspaceScope
from appliance.trends.characteristics import find_characteristic
from appliance.trends.comparing import LEAST_VALUES, compared, group_of
from appliance.trends.records import Comparison, Group

BY: Final = "laboratory"
MOST_VALUES: Final = 50_000
_VALUES: Final = (
    "SELECT m.value, i.laboratory FROM measurement m JOIN inspection i ON i.id = m.inspection_id "
    "WHERE m.characteristic_id = ? AND m.superseded_by IS NULL AND m.value IS NOT NULL AND m.measured_at >= ? "
    "AND m.measured_at < ? AND i.laboratory <> '' LIMIT ?"
)


def laboratories_compared(
    scope: WorkspaceScope, characteristic: str, *, since: str | None = None, until: str | None = None
) -> Comparison:
    """The laboratories that measured a characteristic within a time (RFC 3339), by what they measured.

    Raises
    ------
    NotFound, Conflict : there is no such characteristic, or several have the name
    InvalidInput : there are too many values
    """
    known = find_characteristic(scope, characteristic)
    with scope:
        rows = scope.database.look_up(_VALUES, known.id, since or "", until or "9999", MOST_VALUES + 1)
    if len(rows) > MOST_VALUES:
        message = f"More than {MOST_VALUES} values were measured by laboratories."
        raise InvalidInput("trends.too_much", message, "Ask for a shorter time.")
    values: dict[str, list[float]] = defaultdict(list)
    for value, laboratory in rows:
        values[laboratory].append(value)
    groups = [_group(laboratory, found) for laboratory, found in values.items()]
    return compared(BY, known.unit, sorted(groups, key=lambda one: (-one.measured, one.member)))


def _group(laboratory: str, values: Sequence[float]) -> Group:
    count = len(values)
    mean = math.fsum(values) / count
    if count < LEAST_VALUES:
        return group_of(laboratory, laboratory, count, mean, None)
    squares = math.fsum((value - mean) ** 2 for value in values)
    return group_of(laboratory, laboratory, count, mean, math.sqrt(squares / (count - 1)))
