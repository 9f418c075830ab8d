"""An entry is found by its moment, kind and facts, in a log of many, also where several share the second."""

from __future__ import annotations

from datetime import timedelta

import pytest

from appliance.audit.database_log import DatabaseLog
from appliance.audit.entry import Entry
from appliance.audit.finding import index_of
from appliance.core.clock import parse_rfc3339, rfc3339_us
from appliance.tenancy.scope import WorkspaceScope

START = parse_rfc3339("2030-01-01T00:00:00Z")


@pytest.fixture
def begin(scope: WorkspaceScope) -> int:
    """Where 600 entries begin: three a second, of two kinds, each about a thing of its own."""
    entries = [
        Entry(f"thing.{'done' if n % 2 else 'asked'}", START + timedelta(seconds=n // 3), {}, {"thing": f"t{n}"})
        for n in range(600)
    ]
    return DatabaseLog.of(scope).append_many(entries).start


def moment(number: int) -> str:
    return rfc3339_us(START + timedelta(seconds=number // 3, microseconds=900_000))


@pytest.mark.parametrize("number", [1, 3, 5, 299, 301, 599])
def test_an_entry_is_found_by_its_second(scope: WorkspaceScope, begin: int, number: int) -> None:
    assert index_of(scope, "thing.done", moment(number), thing=f"t{number}") == begin + number


def test_another_kind_or_thing_or_a_later_moment_is_not_it(scope: WorkspaceScope, begin: int) -> None:
    assert index_of(scope, "thing.asked", moment(301), thing="t301") is None
    assert index_of(scope, "thing.done", moment(301), thing="t3") is None
    assert index_of(scope, "thing.done", moment(304), thing="t301") is None
    assert index_of(scope, "thing.done", moment(9_999), thing="t599") is None


def test_an_entry_whose_clock_was_behind_stands_after_the_moment(scope: WorkspaceScope, begin: int) -> None:
    early = START - timedelta(days=1)
    [index] = DatabaseLog.of(scope).append_many([Entry("thing.done", early, {}, {"thing": "late"})])
    assert index_of(scope, "thing.done", rfc3339_us(early), thing="late") in (index, None)
    assert index_of(scope, "thing.done", moment(599), thing="late") == index
