"""Questions that many ask at once: computed once for those who wait, and never for those who came later."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from itertools import count
from typing import Any

import pytest

from appliance.tenancy.scope import WorkspaceScope
from appliance.trends import degrading as module
from appliance.trends.degrading import degrading
from appliance.trends.together import Together
from appliance.trends.unchanged import Unchanged
from tests.measured_workspace import Plant


def asked_by(
    pool: ThreadPoolExecutor, together: Together[Any], many: int, ask: Callable[[Callable[[], None]], Any]
) -> list[Future[Any]]:
    """What ``many`` threads were answered that all asked while the answer of one more, the first, was computed.

    ``ask`` asks, and calls what it is given while it computes.
    """
    begun, may_end = threading.Event(), threading.Event()

    def hold() -> None:
        begun.set()
        may_end.wait(20)

    first = pool.submit(ask, hold)
    begun.wait(20)
    others = [pool.submit(ask, lambda: None) for _ in range(many)]
    late = time.monotonic() + 20
    while not any(len(one._condition._waiters) == many - 1 for one in list(together._next.values())):  # type: ignore[attr-defined]
        assert time.monotonic() < late, "they do not wait for one another"
        time.sleep(0.01)
    may_end.set()
    wait([first, *others], 60)
    return [first, *others]


def test_all_who_ask_while_an_answer_is_computed_share_the_next() -> None:
    numbers, together = count(), Together[int]()

    def ask(hold: Callable[[], None]) -> int:
        return together.get("what", lambda: (hold(), next(numbers))[1])

    with ThreadPoolExecutor(9) as pool:
        answers = [one.result() for one in asked_by(pool, together, 8, ask)]
    assert answers == [0] + [1] * 8, "and not that which was begun before they asked"
    assert together.get("what", lambda: next(numbers)) == 2
    assert not together._next
    assert not together._turns


def test_what_fails_fails_for_all_who_wait_and_for_nobody_after_them() -> None:
    together = Together[int]()

    def ask(hold: Callable[[], None]) -> int:
        def fail() -> int:
            hold()
            raise ZeroDivisionError

        return together.get("what", fail)

    with ThreadPoolExecutor(4) as pool:
        assert {type(one.exception()) for one in asked_by(pool, together, 3, ask)} == {ZeroDivisionError}
    assert together.get("what", lambda: 7) == 7
    assert not together._next
    assert not together._turns


def test_questions_do_not_wait_for_other_ones() -> None:
    together, inner = Together[int](), Together[int]()
    assert together.get("a", lambda: together.get("b", lambda: inner.get("a", lambda: 1))) == 1


def test_what_degrades_is_computed_once_for_all_who_ask_at_once(
    scope: WorkspaceScope, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant = Plant.of(scope)
    for day in range(1, 13):
        plant.measure(0, f"2026-03-{day:02}T12:00:00.000000Z", [0.01 * day])
    alone, ranking = degrading(scope), module._ranking
    computed, held = list[Callable[[], None]](), threading.local()

    def noted(*what: Any) -> Any:
        computed.append(held.hold)
        held.hold()
        return ranking(*what)

    def ask(hold: Callable[[], None]) -> Any:
        held.hold = hold
        return degrading(scope)

    monkeypatch.setattr(module, "_ranking", noted)
    monkeypatch.setattr(module, "_unchanged", Unchanged[Any](0))
    with ThreadPoolExecutor(9) as pool:
        assert [one.result() for one in asked_by(pool, module._unchanged._together, 8, ask)] == [alone] * 9
    assert len(computed) == 2
    with scope:
        assert ask(lambda: None) == alone, "in a session, where it waits for nobody"
