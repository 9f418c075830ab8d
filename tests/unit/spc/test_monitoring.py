"""Phase II: frozen limits stay as they are, come back from their record, and meet new points."""

from __future__ import annotations

import json

import numpy as np
import pytest

from appliance.errors import InvalidInput
from appliance.spc.attributes import attribute_limits
from appliance.spc.monitoring import charts_of, limits_from, monitor, record_of
from appliance.spc.reference_data import PISTON_RINGS
from appliance.spc.rules import WESTERN_ELECTRIC, beyond
from appliance.spc.variables import individuals_limits, range_limits

LIMITS = range_limits(PISTON_RINGS[:25], excluded={3: "clamp was loose"})


@pytest.mark.parametrize(
    "limits", [LIMITS, attribute_limits("p", [3, 4, 5], [50, 60, 70]), individuals_limits([1, 2, 4])]
)
def test_limits_come_back_from_their_stored_record_bit_for_bit(limits: object) -> None:
    assert limits_from(json.loads(json.dumps(record_of(limits)))) == limits  # type: ignore[arg-type]


@pytest.mark.parametrize("change", [{"kind": "x"}, {"spread": None}, {"width": None, "excluded": 3}, {"more": 1}])
def test_what_is_no_record_of_limits_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(InvalidInput, match="no record"):
        limits_from({**record_of(LIMITS), **change})


def test_new_rings_are_judged_by_old_limits() -> None:
    limits = range_limits(PISTON_RINGS[:25])
    found = monitor(limits, PISTON_RINGS[25:], rules=[beyond()])
    assert [(signal.statistic, signal.at + 26) for signal in found] == [("xbar", 37), ("xbar", 38), ("xbar", 39)]
    more = monitor(limits, PISTON_RINGS[25:], rules=WESTERN_ELECTRIC)
    assert {signal.rule for signal in more} > {"beyond"}


def test_a_moving_range_is_numbered_as_the_later_of_its_values() -> None:
    limits = individuals_limits(np.tile([0.0, 1.0, 0.5], 10))
    found = monitor(limits, [0.0, 0.2, 4.0, 0.4], rules=[beyond()])
    assert [(signal.statistic, signal.at, signal.points) for signal in found if signal.statistic == "mr"] == [
        ("mr", 2, (2,)),
        ("mr", 3, (3,)),
    ]


def test_run_rules_are_not_applied_to_ranges() -> None:
    limits = range_limits(PISTON_RINGS[:25])
    calm = np.tile([74.0, 74.001, 74.002, 74.001, 74.0], (12, 1)) + 0.001
    assert {signal.statistic for signal in monitor(limits, calm)} == {"xbar"}


def test_sizes_belong_to_counts() -> None:
    with pytest.raises(InvalidInput, match="Sizes"):
        charts_of(LIMITS, PISTON_RINGS, [1])
