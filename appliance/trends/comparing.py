"""Do machines, operators, instruments or revisions differ in what they bring about?

Welch's analysis of variance, which needs no equal spreads, from the exact sums of the months; then the differences of
all pairs with intervals that hold together (Bonferroni).  It says that nothing can be told where nothing can be told.

A difference is one of what was measured: who measured other parts, or at other times, differs for that reason.

Source: Welch, Biometrika 38 (1951) 330-336, doi:10.1093/biomet/38.3-4.330.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from typing import Final

from scipy.special import fdtrc, stdtrit

from appliance.core.clock import parse_rfc3339
from appliance.db.engine import Engine
from appliance.errors import InvalidInput
from appliance.rollups.calendar import seconds_of
from appliance.rollups.keeping import ensure_built
from appliance.rollups.reading import BEGINNING, END, of_characteristic
from appliance.rollups.records import MONTH, Dimension, Tally
from appliance.spc.exact import NANO
from appliance.tenancy.scope import WorkspaceScope
from appliance.trends.characteristics import find_characteristic
from appliance.trends.records import Comparison, Difference, Group
from appliance.trends.unchanged import Unchanged

#: Members whose pairs are compared, those with most values; all are in the test.
MOST_PAIRED: Final = 12
#: Fewest values of a member that is compared.
LEAST_VALUES: Final = 2
CONFIDENCE: Final = 0.95
_unchanged: Final = Unchanged[Comparison](128)
_NAMES: Final[dict[Dimension, str]] = {
    "asset": "SELECT name FROM asset WHERE id = ?",
    "cad_revision": "SELECT label FROM cad_revision WHERE id = ?",
    "instrument": "SELECT name, revision FROM instrument WHERE id = ?",
}


def comparison(
    scope: WorkspaceScope, characteristic: str, by: Dimension, *, since: str | None = None, until: str | None = None
) -> Comparison:
    """The members of a dimension, by what they brought about in the months that begin within a time (RFC 3339).

    Remembered while nothing is changed (``trends.unchanged``).

    Raises
    ------
    NotFound, Conflict : there is no such characteristic, or several have the name
    InvalidInput : members of a part cannot be compared, or there are too many months
    """
    if by == "part":
        raise InvalidInput("trends.by", "A characteristic belongs to one part.", "Compare assets or instruments.")
    question = characteristic, by, since, until
    return _unchanged.get(scope, question, lambda: _comparison(scope, *question))


def _comparison(
    scope: WorkspaceScope, characteristic: str, by: Dimension, since: str | None, until: str | None
) -> Comparison:
    calendar, known = ensure_built(scope), find_characteristic(scope, characteristic)
    first = BEGINNING if since is None else calendar.start_of(MONTH, parse_rfc3339(since))
    last = END if until is None else seconds_of(parse_rfc3339(until))
    with scope:
        found = of_characteristic(scope.database, known.id, by, MONTH, first, last)
        measured = {member: tally for member, tally in found.items() if tally.sums.count}
        names = _names(scope.database, by, list(measured))
    groups = [_group(member, names[member], tally) for member, tally in measured.items()]
    groups.sort(key=lambda one: (-one.measured, one.member))
    return compared(by, known.unit, groups)


def compared(by: str, unit: str, groups: Sequence[Group]) -> Comparison:
    """The comparison of groups of which mean, deviation and number are known."""
    usable = [one for one in groups if one.measured >= LEAST_VALUES and one.sd]
    if len(usable) < 2:
        finding = f"Nothing can be told: fewer than two members have {LEAST_VALUES} values that differ."
        return Comparison(by, unit, finding, None, None, tuple(groups), ())
    f, p = welch(usable)
    differences = _differences(usable[:MOST_PAIRED])
    if p <= 1.0 - CONFIDENCE:
        finding = f"They differ in their means (p = {p:.2g})."
    else:
        widest = max(one.upper - one.lower for one in differences) / 2.0
        finding = f"No difference can be told (p = {p:.2g}); one of less than {widest:.3g} {unit} could not be seen."
    return Comparison(by, unit, finding, f, p, tuple(groups), differences)


def welch(groups: Sequence[Group]) -> tuple[float, float]:
    """F and p of the hypothesis that all means are one."""
    weight = [one.measured / (one.sd or math.nan) ** 2 for one in groups]
    whole, count = math.fsum(weight), len(groups)
    mean = math.fsum(w * one.mean for w, one in zip(weight, groups, strict=True)) / whole
    between = math.fsum(w * (one.mean - mean) ** 2 for w, one in zip(weight, groups, strict=True)) / (count - 1)
    lack = math.fsum((1.0 - w / whole) ** 2 / (one.measured - 1) for w, one in zip(weight, groups, strict=True))
    f = between / (1.0 + 2.0 * (count - 2) * lack / (count**2 - 1))
    return f, float(fdtrc(count - 1, (count**2 - 1) / (3.0 * lack), f))


def _differences(groups: Sequence[Group]) -> tuple[Difference, ...]:
    pairs = list(combinations(groups, 2))
    tail = (1.0 - CONFIDENCE) / 2.0 / len(pairs)
    return tuple(_difference(first, second, tail) for first, second in pairs)


def _difference(first: Group, second: Group, tail: float) -> Difference:
    variances = [(one.sd or 0.0) ** 2 / one.measured for one in (first, second)]
    error = math.fsum(variances)
    spread = math.fsum(v**2 / (one.measured - 1) for v, one in zip(variances, (first, second), strict=True))
    reach = -float(stdtrit(error**2 / spread, tail)) * math.sqrt(error)
    value = first.mean - second.mean
    lower, upper = value - reach, value + reach
    return Difference(first.member, second.member, value, lower, upper, not lower <= 0.0 <= upper)


def _group(member: str, name: str, tally: Tally) -> Group:
    count = tally.sums.count
    sd = None if count < LEAST_VALUES else tally.sums.deviation() / NANO
    return group_of(member, name, count, tally.sums.mean() / NANO, sd)


def group_of(member: str, name: str, count: int, mean: float, sd: float | None) -> Group:
    """A member with the interval of its mean; ``sd`` is None where it has too few values."""
    if sd is None:
        return Group(member, name, count, mean, None, None, None)
    reach = -float(stdtrit(count - 1, (1.0 - CONFIDENCE) / 2.0)) * sd / math.sqrt(count)
    return Group(member, name, count, mean, mean - reach, mean + reach, sd)


def _names(database: Engine, by: Dimension, members: Sequence[str]) -> dict[str, str]:
    """What people call members; operators are called by their id alone."""
    if by not in _NAMES:
        return {member: member for member in members}
    found = database.look_up_each(_NAMES[by], ("text",), [(member,) for member in members])
    said = "{}, revision {}" if by == "instrument" else "{}"
    return {member: said.format(*row) for member, [row] in zip(members, found, strict=True)}
