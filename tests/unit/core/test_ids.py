"""Ids: unique, sorted by time, spelled in one way."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from appliance.core import ids
from appliance.core.ids import is_id, new_id


def test_the_time_stands_in_front_in_crockford_base_32(monkeypatch: pytest.MonkeyPatch) -> None:
    """The example of the ULID specification: 1469918176385 ms is spelled 01ARYZ6S41."""
    moment = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=1469918176385)
    monkeypatch.setattr(ids, "utc_now", lambda: moment)
    monkeypatch.setattr(ids, "_last", 0)
    assert new_id("scn")[:14] == "scn_01aryz6s41"


def test_ids_of_many_threads_differ() -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: new_id("scn"), range(20_000)))
    assert len(set(made)) == len(made)


def test_ids_sort_as_they_were_made_even_when_the_clock_steps_back(monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.now(UTC) + timedelta(days=1)
    monkeypatch.setattr(ids, "_last", 0)
    clock = [now, now, now - timedelta(hours=1), now - timedelta(hours=1), now + timedelta(milliseconds=1)]
    made = []
    for moment in clock:
        monkeypatch.setattr(ids, "utc_now", lambda moment=moment: moment)
        made.append(new_id("scn"))
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_an_id_is_recognised_by_kind_and_spelling() -> None:
    made = new_id("asset")
    assert is_id(made)
    assert is_id(made, "asset")
    assert not is_id(made, "scn")
    for other in ("", "asset", made.upper(), made[:-1], made + "0", made.replace("_", "-"), f"asset_{'u' * 26}"):
        assert not is_id(other), other
