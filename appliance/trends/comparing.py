"""Do machines, operators, instruments or revisions differ in what they bring about?

Welch's analysis of variance, which needs no equal spreads, from the exact sums of the months; then the differences of
all pairs with intervals that hold together (Bonferroni).  It says that nothing can be told where nothing can be told.

A difference is one of what was measured: who measured other parts, or at other times, differs for that reason.

Source: Welch, Biometrika 38 (1951) 330-336, doi:10.1093/biomet/38.3-4.330.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations
from typing import Final

from scipy.special import fdtrc, stdtrit

from appliance.cad.models import CadRevision
from appliance.core.clock import parse_rfc3339
from appliance.errors import InvalidInput
from appliance.plant.models import Asset, Instrument
from appliance.rollups.calendar import seconds_of
from appliance.rollups.keeping import ensure_built
from appliance.rollups.reading import BEGINNING, END, of_characteristic, total
from appliance.rollups.records import MONTH, Dimension, Tally
from appliance.spc.exact import NANO
from appliance.tenancy.scope import WorkspaceScope
from appliance.trends.characteristics import find_characteristic
from appliance.trends.records import Comparison, Difference, Group

#: Members whose pairs are compared, those with most values; all are in the test.
MOST_PAIRED: Final = 12
#: Fewest values of a member that is compared.
LEAST_VALUES: Final = 2
CONFIDENCE: Final = 0.95


def comparison(
    scope: WorkspaceScope, characteristic: str, by: Dimension, *, since: str | None = None, until: str | None = None
) -> Comparison:
    """The members of a dimension, by what they brought about in the months that begin within a time (RFC 3339).

    Raises
    ------
    NotFound, Conflict : there is no such characteristic, or several have the name
    InvalidInput : members of a part cannot be compared, or there are too many months
    """
    if by == "part":
        raise InvalidInput("trends.by", "A characteristic belongs to one part.", "Compare assets or instruments.")
    calendar, known = ensure_built(scope), find_characteristic(scope, characteristic)
    first = BEGINNING if since is None else calendar.start_of(MONTH, parse_rfc3339(since))
    last = END if until is None else seconds_of(parse_rfc3339(until))
    found: dict[str, list[Tally]] = defaultdict(list)
    with scope:
        months = of_characteristic(scope.database, known.id, by, MONTH, first, last)
        for (member, _), tally in months.items():
            found[member].append(tally)
        groups = [_group(by, member, total(tallies)) for member, tallies in found.items()]
    groups = sorted((one for one in groups if one.measured), key=lambda one: (-one.measured, one.member))
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


def _group(by: Dimension, member: str, tally: Tally) -> Group:
    count = tally.sums.count
    sd = None if count < LEAST_VALUES else tally.sums.deviation() / NANO
    return group_of(member, _name(by, member), count, tally.sums.mean() / NANO, sd)


def group_of(member: str, name: str, count: int, mean: float, sd: float | None) -> Group:
    """A member with the interval of its mean; ``sd`` is None where it has too few values."""
    if sd is None:
        return Group(member, name, count, mean, None, None, None)
    reach = -float(stdtrit(count - 1, (1.0 - CONFIDENCE) / 2.0)) * sd / math.sqrt(count)
    return Group(member, name, count, mean, mean - reach, mean + reach, sd)


def _name(by: Dimension, member: str) -> str:
    """What people call a member; operators are called by their id alone."""
    if by == "asset":
        return str(Asset.known(id=member).name)
    if by == "cad_revision":
        return str(CadRevision.known(id=member).label)
    if by == "instrument":
        row = Instrument.known(id=member)
        return f"{row.name}, revision {row.revision}"
    return member
