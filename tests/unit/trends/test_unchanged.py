"""Answers are remembered while nothing is changed, and not a commit longer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from typing import Any

import pytest

from appliance.plant.assets import create_asset
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.scope import WorkspaceScope
from appliance.trends import capability, charts, comparing, degrading, recall, violations
from appliance.trends.unchanged import Unchanged
from tests.measured_workspace import Plant

AT = "2026-03-{:02}T12:00:00.000000Z"


@pytest.fixture
def plant(scope: WorkspaceScope) -> Plant:
    plant = Plant.of(scope)
    for day in range(1, 13):
        plant.measure(day % 2, AT.format(day), [0.001 * day], instrument=plant.instruments[day % 2])
    return plant


def test_an_answer_is_kept_until_somebody_changes_anything(scope: WorkspaceScope) -> None:
    unchanged, numbers = Unchanged[int](4), count(1)

    def ask(question: str = "what") -> int:
        return unchanged.get(scope, question, lambda: next(numbers))

    assert [ask(), ask(), ask("else"), ask()] == [1, 1, 2, 1]
    create_asset(scope, "press-90")
    assert [ask(), ask()] == [3, 3]


def test_an_answer_that_something_came_between_is_not_kept(scope: WorkspaceScope) -> None:
    unchanged, names = Unchanged[str](4), iter(("press-90", "press-91"))

    def compute() -> str:
        return create_asset(scope, next(names)).name

    assert unchanged.get(scope, "what", compute) == "press-90"
    assert unchanged.get(scope, "what", compute) == "press-91"


def test_who_looks_at_an_earlier_moment_is_not_given_what_came_after_it(scope: WorkspaceScope) -> None:
    unchanged = Unchanged[str](4)
    with ThreadPoolExecutor(1) as other, scope.database.snapshot():
        changed = other.submit(unchanged.get, scope, "what", lambda: create_asset(scope, "press-90").name)
        assert changed.result() == "press-90"
        assert unchanged.get(scope, "what", lambda: "before") == "before"


def test_who_changes_something_sees_it_and_nobody_else_gets_that_answer(scope: WorkspaceScope) -> None:
    unchanged, numbers = Unchanged[int](4), count(1)

    def ask() -> int:
        return unchanged.get(scope, "what", lambda: next(numbers))

    assert ask() == 1
    with suppress(ZeroDivisionError), scope.transaction():
        create_asset(scope, "press-90")
        assert [ask(), ask()] == [2, 3]
        raise ZeroDivisionError
    assert ask() == 1, "nothing was changed"


def test_what_fails_is_not_remembered(scope: WorkspaceScope) -> None:
    unchanged = Unchanged[float](4)
    with pytest.raises(ZeroDivisionError):
        unchanged.get(scope, "what", lambda: 1 / 0)
    assert unchanged.get(scope, "what", lambda: 7) == 7


QUESTIONS: dict[str, tuple[Any, str, Callable[[Plant, str], Any]]] = {
    "degrading": (degrading, "_ranking", lambda plant, _: degrading.degrading(plant.scope)),
    "violations": (
        violations, "_violations", lambda plant, _: violations.violations(plant.scope, "part", plant.part),
    ),
    "comparison": (
        comparing, "_comparison", lambda plant, name: comparing.comparison(plant.scope, name, "instrument"),
    ),
    "capability": (
        capability, "_capability", lambda plant, name: capability.capability_of(plant.scope, name, "month"),
    ),
    "chart": (charts, "_control_chart", lambda plant, name: charts.control_chart(plant.scope, name)),
    "recall": (recall, "_recalled", lambda plant, _: recall.recalled(plant.scope, instrument="S5-0")),
}  # fmt: skip


@pytest.mark.parametrize("name", QUESTIONS)
def test_questions_are_computed_once_and_anew_after_a_measurement(
    name: str, plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, function, ask = QUESTIONS[name]
    computed, compute = list[Any](), getattr(module, function)

    def noted(*what: Any) -> Any:
        computed.append(what)
        return compute(*what)

    charts.freeze_limits(plant.scope, "c0", AT.format(1), AT.format(13), "in control")
    first = ask(plant, "c0")  # builds the roll-ups
    with plant.scope.transaction():
        plant.scope.database.run("UPDATE part SET updated_at = updated_at")
    monkeypatch.setattr(module, function, noted)
    assert [ask(plant, "c0") for _ in range(3)] == [first] * 3
    assert len(computed) == 1
    plant.measure(0, AT.format(20), [0.09], instrument=plant.instruments[0])
    assert ask(plant, "c0") != first
    assert len(computed) == 2


def test_two_workspaces_do_not_share_answers(site: Any, scope: WorkspaceScope) -> None:
    site.create_workspace("other", "Other", SYSTEM)
    other, unchanged = site.scope(SYSTEM, "other"), Unchanged[str](4)
    answers = [unchanged.get(one, "what", lambda one=one: one.slug) for one in (scope, other, scope)]
    assert answers == [scope.slug, "other", scope.slug]


def test_who_asks_the_same_at_once_gets_one_answer(scope: WorkspaceScope) -> None:
    unchanged, numbers, asked = Unchanged[int](4), count(1), threading.Barrier(8)

    def compute() -> int:
        time.sleep(0.1)  # as long as all others need to ask
        return next(numbers)

    def ask(_: int) -> int:
        asked.wait()
        return unchanged.get(scope, "what", compute)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(8))) == {1}
    with scope:
        assert unchanged.get(scope, "what", compute) == 1
