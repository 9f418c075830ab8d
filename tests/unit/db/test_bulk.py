"""Many rows in one statement, on either backend."""

from __future__ import annotations

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.db.bulk import Kind, arrays
from appliance.rollups.statements import LINES
from appliance.tenancy.scope import WorkspaceScope
from tests.postgresql_cluster import cluster

STATE: dict[str, Kind] = {"one": "integer", "version": "integer", "time_zone": "text", "built_at": "text"}
SETTING = "ON CONFLICT (one) DO UPDATE SET version = rollup_state.version + excluded.version"


def test_rows_are_written_and_added_to_what_is_there(scope: WorkspaceScope) -> None:
    with scope.transaction():
        for _ in range(2):
            scope.database.write_rows("rollup_state", STATE, [(1, 2**40, "it's 100 % ? UTC", "x")], SETTING)
        assert scope.database.fetch("SELECT version, time_zone FROM rollup_state") == [(2**41, "it's 100 % ? UTC")]


def test_whole_numbers_may_stand_among_reals_and_nothing_among_both(scope: WorkspaceScope) -> None:
    numbers = [(n, None if n % 3 else n if n % 2 else n / 7) for n in range(25_000)]
    with scope.transaction():
        _a_series(scope)
        rows = [(1, n, 1, 0, 0, 0, 0, 0, 0, score) for n, score in numbers]
        scope.database.write_rows("rollup_line", LINES, rows)
        found = scope.database.fetch("SELECT bucket, score FROM rollup_line ORDER BY bucket")
    assert found == numbers


def test_nothing_is_written_outside_of_a_transaction(scope: WorkspaceScope) -> None:
    with scope, pytest.raises(RuntimeError):
        scope.database.write_rows("rollup_state", STATE, [(1, 1, "UTC", "x")])


def test_no_rows_are_none(scope: WorkspaceScope) -> None:
    with scope.transaction():
        scope.database.write_rows("rollup_state", STATE, [])
        assert scope.database.fetch("SELECT COUNT(*) FROM rollup_state") == [(0,)]


@settings(deadline=None)
@given(st.lists(st.tuples(st.none() | st.text().filter(lambda text: "\0" not in text), st.none() | st.binary())))
def test_arrays_are_read_as_they_were_written(rows: list[tuple[str | None, bytes | None]]) -> None:
    columns: dict[str, Kind] = {"a": "text", "b": "bytes"}
    usable = [(text and text.encode("utf-8", "ignore").decode(), data) for text, data in rows]
    if not usable:
        return
    with psycopg.connect(cluster().url()) as connection:
        found = connection.execute(
            "SELECT * FROM unnest(%s::text[], %s::bytea[])", arrays(columns, list(zip(*usable, strict=True)))
        ).fetchall()
    assert found == usable


def _a_series(scope: WorkspaceScope) -> None:
    run = scope.database.run
    run("INSERT INTO part (id, name, created_at, created_by, updated_at) VALUES ('p', 'p', 'x', 'x', 'x')")
    run("INSERT INTO characteristic VALUES ('c', 'p', 'k', 'n', 'z', 'q', 'mm', 'x')")
    run("INSERT INTO rollup_series VALUES (1, 'c', 'part', 'p')")
