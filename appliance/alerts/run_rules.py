"""Run rules: the latest value completes a pattern that a process in control shows rarely.

The chart of individuals (``spc``): limits are made of the first values there are and judge all others.  A cause is one
rule at one characteristic of one asset; it is there as long as the latest value completes the pattern.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from appliance.alerts.records import Asked, Found, Look, RuleKind
from appliance.alerts.series import Pair, Values, first_values, latest_values, new_pairs
from appliance.errors import InvalidInput
from appliance.spc.rules import NELSON, WESTERN_ELECTRIC, Rule, signals
from appliance.spc.variables import individuals_limits, location_chart
from appliance.tenancy.scope import WorkspaceScope

RULE_SETS: Final[dict[str, tuple[Rule, ...]]] = {"nelson": NELSON, "western_electric": WESTERN_ELECTRIC}
#: Rules that stay useful for people who are asked to look at every alert: the two that say "shifted" and "far out".
RULE_SETS["few"] = NELSON[:2]
#: Values of one pair that are looked at.
_MOST_VALUES: Final = 200
_DIGITS: Final = 6


def look(scope: WorkspaceScope, asked: Asked) -> Look:
    """Every pattern that the latest value of a pair completes."""
    pairs = new_pairs(asked)
    found = [one for pair in pairs for one in _of_pair(pair, asked)]
    return Look(found, frozenset(pairs))


def _of_pair(pair: Pair, asked: Asked) -> Iterator[Found]:
    first = first_values(pair, int(asked.settings["baseline"]))
    values = latest_values(pair, _MOST_VALUES)
    if values is None or len(first) < int(asked.settings["baseline"]):
        return
    judged = [k for k, one in enumerate(values.ids) if one not in first]
    try:
        limits = individuals_limits(list(first.values()))
    except InvalidInput:  # values that are all alike give no limits
        return
    if not judged:
        return
    chart = location_chart(limits, values.value[judged])
    for signal in signals(chart, RULE_SETS[str(asked.settings["rules"])]):
        if signal.at == len(judged) - 1:
            evidence = {
                "run_rule": signal.rule, "value": _short(values.value[-1]), "centre": _short(limits.centre),
                "lower": _short(float(chart.lower[-1])), "upper": _short(float(chart.upper[-1])), "unit": values.unit,
                "baseline": len(first), "measurements": [values.ids[judged[point]] for point in signal.points],
            }  # fmt: skip
            yield Found(f"{pair[0]} {pair[1]} {signal.rule}", _words(values, signal.rule, asked), evidence, *pair)


def _words(values: Values, rule: str, asked: Asked) -> str:
    words = next(one.words for one in RULE_SETS[str(asked.settings["rules"])] if one.name == rule)
    return f"{values.characteristic} of {values.asset}: {words}, now {values.value[-1]:.4g} {values.unit}"


def _short(value: float) -> float:
    return round(float(value), _DIGITS)


KIND: Final = RuleKind(
    "run_rules",
    "The latest value completes a run rule of the chart of individuals.",
    {"rules": "few", "baseline": 20},
    {"baseline": (5, 100)},
    look,
)
