"""Capability that is remembered: only of the same values, whatever else is alike."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from appliance.core.clock import rfc3339_us
from appliance.measurements.recording import Occasion, forget_measurements, supersede_measurements
from appliance.spc import quantile_capability
from appliance.tenancy.scope import WorkspaceScope
from appliance.trends import capability
from appliance.trends.capability import capability_of
from appliance.trends.records import Period
from tests.measured_workspace import Plant


@pytest.fixture
def plant(scope: WorkspaceScope) -> Plant:
    return Plant.of(scope)


def at(day: float) -> str:
    return rfc3339_us(datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(days=day))


def capability_from_the_start(plant: Plant) -> tuple[Period, ...]:
    """What is told by a process that remembers nothing."""
    capability._remembered.forget()
    return capability_of(plant.scope, "c0", "month", at(0))


def test_only_periods_whose_values_changed_are_looked_at_again(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    values = capability._Asked._values

    def noted(self: capability._Asked, periods: Mapping[int, int]) -> dict[int, list[float]]:
        asked.append(len(periods))
        return values(self, periods)

    monkeypatch.setattr(capability._Asked, "_values", noted)
    for n, value in enumerate(np.random.default_rng(4).normal(0.0, 0.02, 90)):
        plant.measure(n % 2, at(n), [value])
    first = capability_of(plant.scope, "c0", "month", at(0))
    assert capability_of(plant.scope, "c0", "month", at(0)) == first
    assert asked == [3]
    plant.measure(0, at(40), [0.03])
    second = capability_of(plant.scope, "c0", "month", at(0))
    assert asked == [3, 1]
    assert [one == two for one, two in zip(first, second, strict=True)] == [True, False, True]
    assert capability_of(plant.scope, "c0", "month", at(0), asset=plant.assets[0]) != second
    assert capability_from_the_start(plant) == second


def test_amended_values_are_looked_at_again_although_their_sums_and_extremes_are_the_same(plant: Plant) -> None:
    kept = (-9, 9, *np.random.default_rng(5).integers(-8, 8, 20).tolist())
    made = [plant.measure(0, at(n / 4), [one / 100]).inspection_id for n, one in enumerate((*kept, 1, 5, 6))]
    [before] = capability_of(plant.scope, "c0", "month", at(0))
    supersede_measurements(plant.scope, made[len(kept) :], plant.inspection().id)
    for n, hundredth in enumerate((2, 3, 7)):
        plant.measure(0, at((len(kept) + n) / 4), [hundredth / 100])
    [after] = capability_of(plant.scope, "c0", "month", at(0))
    assert (before.mean, before.sd, before.measured) == (after.mean, after.sd, after.measured)
    assert before.normality_p != after.normality_p
    assert capability_from_the_start(plant) == (after,)


@pytest.mark.parametrize("most", [2_000, 20])
def test_what_came_while_it_was_looked_at_is_not_remembered_as_having_been_there(
    plant: Plant, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """Of values, and of so many that the roll-up tells them."""
    monkeypatch.setattr(capability, "MOST_VALUES", most)
    monkeypatch.setattr(capability, "LEAST_EMPIRICAL", 20)
    monkeypatch.setattr(quantile_capability, "LEAST_EMPIRICAL", 20)
    late: list[Occasion] = []
    for name in ("_values", "_sketch"):
        look = getattr(capability._Asked, name)

        def after_another(self: capability._Asked, *what: Any, look: Any = look) -> Any:
            if not late:
                writer = threading.Thread(target=lambda: late.append(plant.measure(0, at(20), [0.09])))
                writer.start()
                writer.join()
            return look(self, *what)

        monkeypatch.setattr(capability._Asked, name, after_another)
    for n, value in enumerate(np.random.default_rng(6).normal(0.0, 0.02, 60)):
        plant.measure(0, at(n / 4), [value])
    capability_of(plant.scope, "c0", "month", at(0))
    forget_measurements(plant.scope, [late[0].inspection_id])
    told = capability_of(plant.scope, "c0", "month", at(0))
    assert told[0].measured == 60
    assert capability_from_the_start(plant) == told
