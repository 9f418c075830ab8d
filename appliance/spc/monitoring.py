"""Phase II: new points against frozen limits, and the record in which limits are kept.

Means, individuals and counts are judged by all the rules that are asked for; ranges and standard deviations, which are
skewed, by the first alone (one point beyond its limits).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import numpy.typing as npt

from appliance.errors import InvalidInput
from appliance.spc.attributes import attribute_chart
from appliance.spc.checks import require
from appliance.spc.records import ATTRIBUTES, VARIABLES, Chart, PhaseOne, Signal, Spread
from appliance.spc.rules import NELSON, Rule, beyond, signals
from appliance.spc.variables import dispersion_chart, location_chart


def charts_of(limits: PhaseOne, data: npt.ArrayLike, sizes: npt.ArrayLike | None = None) -> tuple[Chart, ...]:
    """The charts of ``data`` against frozen limits: location and dispersion, or the one of counts in ``sizes``.

    Raises
    ------
    InvalidInput : data and limits do not belong together, or a value is not finite
    """
    if limits.kind in ATTRIBUTES:
        return (attribute_chart(limits, data, sizes),)
    require(sizes is None, "spc.size", "Sizes belong to charts of counts.")
    return location_chart(limits, data), dispersion_chart(limits, data)


def monitor(
    limits: PhaseOne, data: npt.ArrayLike, sizes: npt.ArrayLike | None = None, *, rules: Iterable[Rule] = NELSON
) -> tuple[Signal, ...]:
    """Every signal of ``data`` (n,) or (k, n) against frozen limits; raises as ``charts_of``.

    Points of moving ranges are numbered as the later of their two values.
    """
    found: list[Signal] = []
    for position, chart in enumerate(charts_of(limits, data, sizes)):
        own = signals(chart, rules if position == 0 else [beyond(limits.width)])
        shift = 1 if chart.statistic == "mr" else 0
        found += [_shifted(signal, shift) for signal in own]
    return tuple(sorted(found, key=lambda signal: signal.at))


def record_of(limits: PhaseOne) -> dict[str, Any]:
    """Limits as plain numbers, texts and lists: what is stored, and given back by ``limits_from``."""
    record = asdict(limits)
    record["excluded"] = [[index, reason] for index, reason in limits.excluded]
    return record


def limits_from(record: Mapping[str, Any]) -> PhaseOne:
    """The limits that ``record_of`` wrote, bit for bit.

    Raises
    ------
    InvalidInput : this is no record of limits
    """
    try:
        spread = None if record["spread"] is None else Spread(**record["spread"])
        excluded = tuple((int(index), str(reason)) for index, reason in record["excluded"])
        limits = PhaseOne(**{**record, "spread": spread, "excluded": excluded})
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidInput("spc.limits_record", "This is no record of control limits.") from error
    known = limits.kind in (*VARIABLES, *ATTRIBUTES) and (limits.kind in VARIABLES) == (spread is not None)
    require(known, "spc.limits_record", "This is no record of control limits.")
    return limits


def _shifted(signal: Signal, shift: int) -> Signal:
    points = tuple(point + shift for point in signal.points)
    return Signal(signal.statistic, signal.rule, signal.at + shift, points, signal.reason) if shift else signal
