"""Work beside the requests: done in its order, by one thread, whatever one piece of it comes to."""

from __future__ import annotations

import threading

from appliance.core import aside
from appliance.core.aside import Aside


def test_work_is_done_in_its_order_by_another_thread() -> None:
    done: list[int] = []
    threads: set[int] = set()
    beside = Aside("x")
    for number in range(100):
        beside.do(lambda number=number: (done.append(number), threads.add(threading.get_ident())))
    assert beside.settle()
    assert done == list(range(100))
    assert threading.get_ident() not in threads


def test_what_fails_keeps_nothing_else_from_being_done() -> None:
    beside, done = Aside("x"), []
    beside.do(lambda: 1 / 0)
    beside.do(lambda: done.append(1))
    assert beside.settle()
    assert done == [1]


def test_a_flood_is_not_kept() -> None:
    beside, may_go = Aside("x"), threading.Event()
    beside.do(may_go.wait)
    taken = [beside.do(lambda: None) for _ in range(aside._MOST_WAITING + 10)]
    assert taken.count(None) >= 9
    may_go.set()
    while not beside.settle():
        pass
    assert beside.do(lambda: None)


def test_it_is_gone_when_there_is_nothing_to_do_and_comes_back() -> None:
    beside = Aside("only here")
    for _ in range(3):
        done = beside.do(lambda: None)
        assert done
        assert done.wait(5)
    beside.close()
    assert not beside._is_busy or beside.settle()
