"""A lane does its work in order, holds little, and lets its first error out."""

from __future__ import annotations

import threading
import time

import pytest

from appliance.errors import Unavailable
from appliance.objects.lanes import Lane


def test_work_is_done_in_order() -> None:
    done: list[int] = []
    with Lane("test", 3) as lane:
        for number in range(50):
            lane.submit(done.append, number)
    assert done == list(range(50))


def test_a_full_lane_makes_its_caller_wait() -> None:
    gate, begun = threading.Event(), []

    def work(number: int) -> None:
        begun.append(number)
        gate.wait(5)

    with Lane("test", 2) as lane:
        threading.Timer(0.2, gate.set).start()
        started = time.monotonic()
        for number in range(3):
            lane.submit(work, number)
        assert time.monotonic() - started > 0.15


def fail() -> None:
    raise Unavailable("storage.full", "There is no space left.")


def test_an_error_comes_out_at_the_end_at_the_latest() -> None:
    with pytest.raises(Unavailable), Lane("test") as lane:
        lane.submit(fail)


def test_an_error_comes_out_at_a_later_submit() -> None:
    done: list[int] = []

    def submit_three(lane: Lane) -> None:
        lane.submit(fail)
        lane.submit(done.append, 1)
        lane.submit(done.append, 2)

    with Lane("test", 1) as lane, pytest.raises(Unavailable):
        submit_three(lane)


def test_an_error_of_the_caller_is_not_hidden_by_one_of_the_lane() -> None:
    def fail_twice() -> None:
        with Lane("test") as lane:
            lane.submit(fail)
            raise KeyError("the caller's own")

    with pytest.raises(KeyError):
        fail_twice()
