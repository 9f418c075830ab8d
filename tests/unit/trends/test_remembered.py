"""A bounded memory: what is known is not computed, the oldest is forgotten first, nothing is a value too."""

from __future__ import annotations

from appliance.trends.remembered import Remembered


def test_the_value_that_was_asked_for_longest_ago_is_forgotten() -> None:
    computed: list[int] = []
    memory = Remembered["int | None"](2)

    def ask(key: int) -> int | None:
        return memory.get(key, lambda: computed.append(key))  # type: ignore[func-returns-value]

    assert [ask(key) for key in (1, 2, 1, 3, 1, 2)] == [None] * 6
    assert computed == [1, 2, 3, 2]
