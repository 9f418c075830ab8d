"""A bounded memory: the oldest is forgotten first."""

from __future__ import annotations

from appliance.trends.remembered import Remembered


def test_the_value_that_was_asked_for_longest_ago_is_forgotten() -> None:
    memory = Remembered[int](2)
    memory.keep("one", 1)
    memory.keep("two", 2)
    assert memory.peek("one") == 1
    memory.keep("three", 3)
    assert [memory.peek(key) for key in ("one", "two", "three")] == [1, None, 3]
    memory.keep("one", 4)
    assert memory.peek("one") == 4
    memory.forget()
    assert memory.peek("one") is None
